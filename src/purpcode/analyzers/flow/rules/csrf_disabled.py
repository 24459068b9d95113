"""Protection against forged requests switched off."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code, Scope, Store
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.tree import walk

_EXEMPT = (
    "django.views.decorators.csrf.csrf_exempt",
    "?csrf_exempt",
    "*.csrf.csrf_exempt",
    "flask_wtf.csrf.CSRFProtect().exempt",
    "flask_wtf.CSRFProtect().exempt",
    "?csrf.exempt",
    "flask_seasurf.SeaSurf().exempt",
)
_FORM_OR_SESSION = frozenset(
    (
        "POST",
        "FILES",
        "form",
        "session",
        "user",
        "current_user",
        "login_required",
        "COOKIES",
        "cookies",
    )
)
_OTHER_PROOF = re.compile(
    r"(?i)signature|hmac|bearer|authori[sz]ation|api_?key|webhook|callback|"
    r"compare_digest|verify|jwt|basic_?auth|stripe|slack|github"
)
_POSTED = re.compile(
    r"(?i)method|require_(POST|http|safe)|request\.(POST|FILES|body|data)|form|api_view|csrf|"
    r"(?-i:DELETE)\b"
)
_SWITCHES = frozenset(("WTF_CSRF_ENABLED", "WTF_CSRF_CHECK_DEFAULT", "JWT_COOKIE_CSRF_PROTECT"))
_FORM_MESSAGE = "forms are accepted without a token that proves where they come from"


def _words(node: ast.AST) -> Iterator[str]:
    for one in walk(node):
        if isinstance(one, ast.Name):
            yield one.id
        elif isinstance(one, ast.Attribute):
            yield one.attr
        elif isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value
        elif isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            yield one.name


def _level(node: ast.AST) -> Level:
    """Medium where the view acts for a visitor whom the browser identifies, or takes a form."""
    words = set(_words(node))
    if any(_OTHER_PROOF.search(word) for word in words):
        return "low"
    return "medium" if words & _FORM_OR_SESSION else "low"


def _exempt_views(code: Code) -> Iterator[Match]:
    for scope in code.scopes:
        if set(scope.decorators) & set(_EXEMPT) or any(
            name.endswith(("csrf_exempt", "csrf.exempt")) for name in scope.decorators
        ):
            yield from _exempt(scope)
    exempted = {
        call.args[0].names: call
        for call in code.calls_to(_EXEMPT)
        if len(call.args) == 1 and call.args[0].names
    }
    for names, call in exempted.items():
        for scope in code.scopes:
            if f"@{scope.path}" in names:
                yield Match(call.node, _FORM_MESSAGE, _level(scope.node))


def _exempt(scope: Scope) -> Iterator[Match]:
    yield Match(scope.node, _FORM_MESSAGE, _level(scope.node))


def _switches(code: Code) -> Iterator[Match]:
    testing = any(_names_testing(store) for store in code.stores)
    level: Level | None = "low" if testing else None
    for store in code.stores:
        keys = {store.key} if isinstance(store.key, str) else store.names
        off = store.value.const is False and bool(keys & _SWITCHES)
        if off and not _in_test_class(code, store.node):
            yield Match(store.node, _FORM_MESSAGE, level)
    for call in code.calls_to(("*.config.update", "*.config.from_mapping")):
        value = call.keywords.get("WTF_CSRF_ENABLED")
        if value is not None and value.const is False and "TESTING" not in call.keywords:
            yield Match(call.node, _FORM_MESSAGE, level)
    for call in code.calls_to(("tornado.web.Application",)):
        value = call.keywords.get("xsrf_cookies")
        if value is not None and value.const is False:
            yield Match(call.node, _FORM_MESSAGE)


def _names_testing(store: Store) -> bool:
    return (store.key == "TESTING" or "TESTING" in store.names) and store.value.const is True


def _in_test_class(code: Code, node: ast.AST) -> bool:
    line = getattr(node, "lineno", 0)
    return any(
        isinstance(one, ast.ClassDef)
        and one.lineno <= line <= (one.end_lineno or 0)
        and re.search(r"(?i)test", one.name)
        for one in code.nodes
    )


def _middleware(code: Code) -> Iterator[Match]:
    """A MIDDLEWARE list of Django with sessions but without the protection."""
    for store in code.stores_to(("MIDDLEWARE", "MIDDLEWARE_CLASSES")):
        texts = [one.text or "" for one in store.value.items or ()]
        sessions = any("SessionMiddleware" in text for text in texts)
        if sessions and not any("Csrf" in text or not text for text in texts):
            yield Match(store.node, "CsrfViewMiddleware is missing from the middleware")


def _any_method(code: Code) -> Iterator[Match]:
    """A view of Django's that deletes on GET: the protection looks at POST only."""
    for node in code.nodes_of(ast.FunctionDef) if code.uses_module("django") else ():
        if [one.arg for one in node.args.args][:1] != ["request"]:
            continue
        text = ast.unparse(node)
        logged_in = re.search(r"@(login_required|permission_required)|request\.user", text)
        if not logged_in or _POSTED.search(text):
            continue
        for one in walk(node):
            called = isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)
            if called and ast.unparse(one).endswith(".delete()"):
                yield Match(one, "a link is enough to delete", None, (352, 650))
                break


def _forms(code: Code) -> Iterator[Match]:
    """`class Meta: csrf = False` in a form, and the options of Pyramid's views."""
    for node in code.nodes_of(ast.ClassDef):
        for inner in node.body:
            if isinstance(inner, ast.ClassDef) and inner.name == "Meta":
                for one in inner.body:
                    if isinstance(one, ast.Assign) and ast.unparse(one) == "csrf = False":
                        yield Match(one, _FORM_MESSAGE)
    for call in code.calls_to(("*.set_default_csrf_options", "pyramid.view.view_config")):
        for name in ("require_csrf", "check_origin"):
            value = call.keywords.get(name)
            if value is not None and value.const is False:
                yield Match(call.node, _FORM_MESSAGE)


def _overrides(code: Code) -> Iterator[Match]:
    """`enforce_csrf` of Django REST framework, overridden to do nothing."""
    for scope in code.scopes:
        body = getattr(scope.node, "body", [])
        if scope.name == "enforce_csrf" and not any(
            isinstance(one, ast.Call | ast.If | ast.Raise) for part in body for one in walk(part)
        ):
            yield Match(scope.node, _FORM_MESSAGE)


RULE = FlowRule(
    id="csrf-disabled",
    title="Requests are not checked for forgery",
    cwes=(352,),
    severity="medium",
    severity_reason="A foreign page can make a visitor's browser act in the visitor's name.",
    fix="Keep the framework's CSRF protection on and put its token into every form.",
    reference="https://cwe.mitre.org/data/definitions/352.html",
    detectors=(_exempt_views, _switches, _middleware, _forms, _any_method, _overrides),
    insecure=(
        """
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse

@login_required
def leave(request):
    request.user.delete()
    return HttpResponse("gone")
""",
        """
from flask_wtf import FlaskForm
from wtforms import StringField

class Address(FlaskForm):
    class Meta:
        csrf = False

    street = StringField("Street")
""",
        """
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt

@csrf_exempt
@login_required
def change_address(request):
    request.user.profile.address = request.POST["address"]
    request.user.profile.save()
    return HttpResponse("saved")
""",
        """
from flask import Flask
from flask_wtf.csrf import CSRFProtect

app = Flask(__name__)
app.config["WTF_CSRF_ENABLED"] = False
CSRFProtect(app)
""",
        """
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
""",
        """
from rest_framework.authentication import SessionAuthentication

class Relaxed(SessionAuthentication):
    def enforce_csrf(self, request):
        return
""",
    ),
    secure=(
        """
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.views.decorators.http import require_POST

@login_required
@require_POST
def leave(request):
    request.user.delete()
    return HttpResponse("gone")
""",
        """
from flask_wtf import FlaskForm
from wtforms import StringField

class Address(FlaskForm):
    class Meta:
        csrf_time_limit = 3600

    street = StringField("Street")
""",
        """
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_protect

@csrf_protect
@login_required
def change_address(request):
    request.user.profile.address = request.POST["address"]
    request.user.profile.save()
    return HttpResponse("saved")
""",
        """
from flask import Flask
from flask_wtf.csrf import CSRFProtect

app = Flask(__name__)
app.config["WTF_CSRF_ENABLED"] = True
CSRFProtect(app)
""",
        """
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
""",
        """
class Config:
    SESSION_COOKIE_SECURE = True

class TestConfig(Config):
    TESTING = True
    WTF_CSRF_ENABLED = False
""",
    ),
)
