"""Secrets and personal pages kept in caches."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.sensitive_names import shown_secrets
from purpcode.analyzers.flow.shapes import functions, identifiers, last_name, within

_CACHES = ("*cache.set", "*cache.add", "*memcache.Client().set", "django.core.cache.cache.set")
_PERSONAL = frozenset(
    ("current_user", "balance", "account", "statement", "diagnosis", "iban", "salary", "ssn")
)


def _kept(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_CACHES):
        held = call.node_of(1, "value")
        if held is not None and any(True for _ in shown_secrets(held)):
            yield Match(call.node, "a secret is put into the cache", cwes=(524,))


def _public(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("public")
    )


def _public_answers(code: Code) -> Iterator[Match]:
    """`Cache-Control: public` on what is made for one user."""
    for function in functions(code):
        names = set().union(*(identifiers(one) for one in function.body))
        guarded = any("login_required" in ast.unparse(one) for one in function.decorator_list)
        if not (guarded or names & _PERSONAL):
            continue
        for node in within(function):
            if isinstance(node, ast.Assign) and _public(node.value):
                if any("Cache-Control" in identifiers(one) for one in node.targets):
                    yield Match(node, "a page of one user may be kept for all", cwes=(525, 524))
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if (
                        isinstance(key, ast.Constant)
                        and key.value == "Cache-Control"
                        and _public(value)
                    ):
                        yield Match(node, "a page of one user may be kept for all", cwes=(525, 524))
        for one in function.decorator_list:
            if isinstance(one, ast.Call) and last_name(one.func) in ("cache_page", "cached"):
                yield Match(one, "a page of one user is kept for all", cwes=(524,))


RULE = FlowRule(
    id="sensitive-caching",
    title="Sensitive data in a cache",
    cwes=(524, 525),
    severity="low",
    severity_reason="Who may read the cache, and for how long, is not to be seen here.",
    fix="Send `Cache-Control: no-store` with personal pages; keep secrets out of shared caches.",
    reference="https://cwe.mitre.org/data/definitions/524.html",
    detectors=(_kept, _public_answers),
    insecure=(
        """
from django.core.cache import cache

def remember(user, password):
    cache.set(f"login:{user}", password, 3600)
""",
        """
from flask import Flask, make_response
from flask_login import current_user, login_required

app = Flask(__name__)

@app.get("/balance")
@login_required
def balance():
    answer = make_response({"balance": current_user.balance})
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer
""",
        """
from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.cache import cache_page

@login_required
@cache_page(600)
def statement(request):
    return render(request, "statement.html")
""",
    ),
    secure=(
        """
from django.core.cache import cache

def remember(user, when):
    cache.set(f"seen:{user}", when, 3600)
""",
        """
from flask import Flask, make_response
from flask_login import current_user, login_required

app = Flask(__name__)

@app.get("/balance")
@login_required
def balance():
    answer = make_response({"balance": current_user.balance})
    answer.headers["Cache-Control"] = "no-store"
    return answer
""",
        """
from flask import Flask, make_response

app = Flask(__name__)

@app.get("/logo")
def logo():
    answer = make_response(b"...")
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer
""",
    ),
)
