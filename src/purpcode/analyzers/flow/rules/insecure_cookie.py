"""Cookies that travel unencrypted, or that scripts and other sites may use."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.sensitive_names import is_session
from purpcode.analyzers.flow.tree import walk

_SETTERS = ("*.set_cookie", "*.set_secure_cookie", "*.set_signed_cookie")
_NOT_SERVERS = re.compile(r"(?i)client|jar|driver|browser|test|requests\.")
_SETTINGS = {
    "SESSION_COOKIE_SECURE": (614, "medium"),
    "CSRF_COOKIE_SECURE": (614, "medium"),
    "REMEMBER_COOKIE_SECURE": (614, "medium"),
    "JWT_COOKIE_SECURE": (614, "medium"),
    "SESSION_COOKIE_HTTPONLY": (1004, "medium"),
    "REMEMBER_COOKIE_HTTPONLY": (1004, "medium"),
}


def _is_off(call: Call, flag: str) -> bool | None:
    """True where a flag is given as false, None where it is missing for certain."""
    value = call.keywords.get(flag)
    if value is None:
        return False if call.spread else None
    return value.known and not value.const


def _cookie_calls(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_SETTERS):
        if any(_NOT_SERVERS.search(name) for name in call.names):
            continue
        key = call.argument(0, "key") or call.argument(0, "name")
        name = (key.text if key is not None else None) or _spelled(call.node_of(0, "key"))
        value = call.argument(1, "value")
        session = is_session(name) or any(n.endswith("set_secure_cookie") for n in call.names)
        yield from _flags(call, session, value is not None and not value.known)


def _spelled(node: ast.expr | None) -> str:
    """The name of a constant such as SESSION_COOKIE_NAME, for a cookie named by one."""
    return (
        node.id
        if isinstance(node, ast.Name)
        else node.attr
        if isinstance(node, ast.Attribute)
        else ""
    )


def _flags(call: Call, session: bool, told: bool) -> Iterator[Match]:
    secure, httponly = _is_off(call, "secure"), _is_off(call, "httponly")
    if len(call.args) > 6:
        return
    if secure or (secure is None and session):
        level: Level = "medium" if session or told else "low"
        yield Match(call.node, "the cookie is also sent without encryption", level, (614,))
    elif session and (httponly or httponly is None):
        yield Match(call.node, "scripts of the page can read the cookie", "medium", (1004,))
    site = call.keywords.get("samesite")
    asked = site is not None and (site.text or "").lower() == "none"
    if asked and (secure is not False or session):
        yield Match(call.node, "every site's requests carry the cookie", "medium", (1275, 614))


def _settings(code: Code) -> Iterator[Match]:
    """Cookie settings of Flask and Django, as names or configuration keys."""
    for store in code.stores:
        keys = [store.key] if isinstance(store.key, str) else list(store.names)
        for key in keys:
            yield from _setting(store.node, str(key), store.value.const)
    for call in code.calls_to(("*.config.update", "*.config.from_mapping")):
        for key, value in call.keywords.items():
            yield from _setting(call.node, key, value.const)
    for call in code.calls_to(("*.add_middleware", "*.SessionMiddleware")):
        https_only = call.keywords.get("https_only")
        if https_only is not None and https_only.const is False:
            yield Match(
                call.node, "the session cookie is also sent without encryption", None, (614,)
            )


def _setting(node: ast.AST, key: str, const: object) -> Iterator[Match]:
    if key in _SETTINGS and const is False:
        yield Match(node, f"{key} is off", "medium", (_SETTINGS[key][0],))
    elif key in ("SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SAMESITE") and const in (
        None,
        "None",
        False,
    ):
        level: Level = "low" if const is None else "medium"
        yield Match(node, f"{key} lets every site's requests carry the cookie", level, (1275,))


def _headers(code: Code) -> Iterator[Match]:
    """A `Set-Cookie` header written out."""
    for call in code.calls_to(("*.send_header", "*.headers.add", "*.set_header", "*.add_header")):
        name = call.argument(0)
        if name is not None and (name.text or "").lower() == "set-cookie":
            yield from _header(call.node, call.node_of(1))
    for store in code.stores:
        if isinstance(store.key, str) and store.key.lower() == "set-cookie" and store.source:
            yield from _header(store.node, store.source)


def _morsels(code: Code) -> Iterator[Match]:
    """`cookie["session"] = value` of `http.cookies` without `["secure"] = True`."""
    for store in code.stores_to(("http.cookies.SimpleCookie()[]",)):
        if not isinstance(store.key, str) or not is_session(store.key):
            continue
        text = code.text.lower()
        if not re.search(r"\[[\"\']secure[\"\']\]\s*=\s*(?!false)", text):
            yield Match(store.node, "the cookie is also sent without encryption", None, (614,))
        elif not re.search(r"\[[\"\']httponly[\"\']\]\s*=\s*(?!false)", text):
            yield Match(store.node, "scripts of the page can read the cookie", None, (1004,))


def _header(node: ast.AST, source: ast.expr | None) -> Iterator[Match]:
    if not isinstance(source, ast.Constant | ast.JoinedStr | ast.BinOp):
        return
    text = "".join(
        one.value
        for one in walk(source)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    )
    begin = next((n.value for n in walk(source) if isinstance(n, ast.Constant)), "")
    if not is_session(str(begin).partition("=")[0]):
        return
    if "secure" not in text.lower():
        yield Match(node, "the cookie is also sent without encryption", "medium", (614,))
    elif "httponly" not in text.lower():
        yield Match(node, "scripts of the page can read the cookie", "medium", (1004,))


RULE = FlowRule(
    id="insecure-cookie",
    title="Cookie without protection",
    cwes=(614, 1004, 1275),
    severity="medium",
    severity_reason="A session cookie that leaks on the way or to a script hands over the session.",
    fix="Set cookies with secure=True, httponly=True and samesite='Lax' (or 'Strict').",
    reference="https://owasp.org/www-community/controls/SecureCookieAttribute",
    detectors=(_cookie_calls, _settings, _headers, _morsels),
    insecure=(
        """
from flask import Flask, make_response
from club import new_session

app = Flask(__name__)

@app.post("/enter")
def enter():
    answer = make_response("welcome")
    answer.set_cookie("session", new_session(), secure=True, httponly=True, samesite="None")
    return answer
""",
        """
import secrets
from http.cookies import SimpleCookie

def greeting():
    cookie = SimpleCookie()
    cookie["session"] = secrets.token_hex(16)
    return cookie.output()
""",
        """
import secrets
from flask import Flask, make_response

app = Flask(__name__)

@app.route("/login", methods=["POST"])
def login():
    response = make_response("welcome")
    response.set_cookie("session_id", secrets.token_urlsafe(32), httponly=True)
    return response
""",
        """
from django.http import HttpResponse

def enter(request):
    response = HttpResponse("ok")
    response.set_cookie("auth_token", request.user.token, secure=True, httponly=False)
    return response
""",
        """
from flask import Flask

app = Flask(__name__)
app.config.update(SESSION_COOKIE_SECURE=False, SESSION_COOKIE_HTTPONLY=True)
""",
        """
from http.server import BaseHTTPRequestHandler

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(204)
        self.send_header("Set-Cookie", f"session={self.server.new_session()}; Path=/; HttpOnly")
        self.end_headers()
""",
        """
from fastapi import FastAPI, Response

app = FastAPI()

@app.post("/join")
def join(room: str, response: Response):
    response.set_cookie(key="room", value=room, samesite="none", secure=False)
    return {"joined": room}
""",
    ),
    secure=(
        """
import secrets
from http.cookies import SimpleCookie

def greeting():
    cookie = SimpleCookie()
    cookie["session"] = secrets.token_hex(16)
    cookie["session"]["secure"] = True
    cookie["session"]["httponly"] = True
    return cookie.output()
""",
        """
import secrets
from flask import Flask, make_response

app = Flask(__name__)

@app.route("/login", methods=["POST"])
def login():
    response = make_response("welcome")
    response.set_cookie(
        "session_id", secrets.token_urlsafe(32), httponly=True, secure=True, samesite="Lax"
    )
    return response
""",
        """
from flask import Flask, make_response

app = Flask(__name__)

@app.route("/theme/dark")
def theme():
    response = make_response("ok")
    response.set_cookie("theme", "dark", max_age=86400)
    return response
""",
        """
from django.http import HttpResponse

COOKIE = {"secure": True, "httponly": True, "samesite": "Strict"}

def enter(request):
    response = HttpResponse("ok")
    response.set_cookie("auth_token", request.user.token, **COOKIE)
    return response
""",
        """
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
""",
        """
def test_session_is_read(client):
    client.set_cookie("session_id", "abc")
    assert client.get("/me").status_code == 401
""",
    ),
)
