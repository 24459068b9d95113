"""Session ids that the visitor brings along."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.sensitive_names import is_session

_FLOW = Flow(
    sinks=(
        Sink(
            ("django.contrib.sessions.backends.*.SessionStore", "*.SessionStore"),
            (0, "session_key"),
        ),
    ),
    what="becomes the id of a session",
    harmless=(
        "jwt.*",
        "*.unsign",
        "*.loads",
        "*.exists",
        "+*",
        "*login*",
        "*auth*",
        "*issue*",
        "*create*",
        "*generate*",
        "*token*",
    ),
    severities=dict.fromkeys(
        ("cli", "environment", "file", "stored", "network", "parameter"), None
    ),
)
_IDS = (
    "flask.session.sid",
    "web.request.session.sid",
    "web.request.session.session_key",
    "web.request.session._session_key",
    "cherrypy.session.id",
)
_NAMES = ("session", "sessionid", "session_id", "sid", "phpsessid", "jsessionid")


def _cookies(code: Code) -> Iterator[Match]:
    """`set_cookie("session_id", request.args["sid"])`."""
    for call in code.calls_to(("*.set_cookie",)):
        name, value = call.argument(0, "key"), call.argument(1, "value")
        if name is None or value is None or value.built or not is_session(name.text or ""):
            continue
        if (name.text or "").lower().replace("-", "_") in _NAMES:
            yield from _FLOW.judge(call.node, value)


def _ids(code: Code) -> Iterator[Match]:
    for store in code.stores_to(_IDS):
        yield from _FLOW.judge(store.node, store.value)


def _same_key(code: Code) -> Iterator[Match]:
    """Django's session gets the user's id after `authenticate`, and keeps its old key."""
    if not any(True for _ in code.calls_to(("django.contrib.auth.authenticate",))):
        return
    if any(
        True
        for _ in code.calls_to(
            ("django.contrib.auth.login", "*.cycle_key", "*.session.flush", "*.session.clear")
        )
    ):
        return
    for store in code.stores_to(("web.request.session[]",)):
        if isinstance(store.key, str) and re.search(r"(?i)user|uid|logged|account|auth", store.key):
            yield Match(store.node, "the session keeps the key it had before the login")


def _unprotected(code: Code) -> Iterator[Match]:
    """Flask-Login's own protection switched off."""
    for store in code.stores_to(("flask_login.LoginManager().session_protection",)):
        if store.value.known and store.value.const is None:
            yield Match(store.node, "stolen session cookies are accepted from anywhere")


RULE = FlowRule(
    id="session-fixation",
    title="Session id from the request",
    cwes=(384,),
    severity="medium",
    severity_reason="An attacker who chose the id beforehand shares the session after the login.",
    fix="Make a new random session id at every login (session.clear, request.session.cycle_key).",
    reference="https://cwe.mitre.org/data/definitions/384.html",
    detectors=(_FLOW, _cookies, _ids, _same_key, _unprotected),
    insecure=(
        """
from django.contrib.auth import authenticate
from django.http import HttpResponse

def enter(request):
    user = authenticate(request, username=request.POST["name"], password=request.POST["word"])
    if user is None:
        return HttpResponse("no", status=401)
    request.session["user_id"] = user.pk
    return HttpResponse("welcome")
""",
        """
from flask import Flask, make_response, request

app = Flask(__name__)

@app.route("/login", methods=["POST"])
def login():
    response = make_response("welcome")
    response.set_cookie(
        "session_id", request.args["sid"], secure=True, httponly=True, samesite="Lax"
    )
    return response
""",
        """
from django.contrib.sessions.backends.db import SessionStore

def resume(request):
    request.session = SessionStore(session_key=request.GET["key"])
    request.session["seen"] = True
""",
        """
from flask_login import LoginManager

manager = LoginManager()
manager.session_protection = None
""",
    ),
    secure=(
        """
from django.contrib.auth import authenticate
from django.http import HttpResponse

def enter(request):
    user = authenticate(request, username=request.POST["name"], password=request.POST["word"])
    if user is None:
        return HttpResponse("no", status=401)
    request.session.cycle_key()
    request.session["user_id"] = user.pk
    return HttpResponse("welcome")
""",
        """
import secrets
from flask import Flask, make_response

app = Flask(__name__)

@app.route("/login", methods=["POST"])
def login():
    response = make_response("welcome")
    response.set_cookie(
        "session_id", secrets.token_urlsafe(32), secure=True, httponly=True, samesite="Lax"
    )
    return response
""",
        """
from django.contrib.auth import authenticate, login

def enter(request):
    user = authenticate(request, username=request.POST["name"], password=request.POST["word"])
    if user is not None:
        request.session.cycle_key()
        login(request, user)
    return user
""",
        """
from flask_login import LoginManager

manager = LoginManager()
manager.session_protection = "strong"
""",
    ),
)
