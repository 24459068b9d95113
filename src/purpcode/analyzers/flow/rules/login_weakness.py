"""Logins that tell who has an account, or that may be tried without end."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import (
    Function,
    answers_requests,
    functions,
    last_name,
    within,
)

_UNKNOWN = re.compile(
    r"(?i)(no such|unknown|invalid|unregistered|wrong) (user|account|e-?mail|name)(?!.*password)|"
    r"(user|account|e-?mail|username)( \w+)? (not found|does(n.t| not) exist|is unknown|"
    r"not registered|unknown)"
)
_WRONG = re.compile(
    r"(?i)(wrong|incorrect|invalid|bad|mismatched) (password|passphrase|pin)|"
    r"password( is)? (wrong|incorrect|invalid|does(n.t| not) match|mismatch)"
)
_LOGIN = re.compile(r"(?i)log_?in|sign_?in|authenticate|token")
_CHECKS = frozenset(
    (
        "check_password_hash",
        "check_password",
        "checkpw",
        "verify_password",
        "authenticate",
        "verify",
    )
)
_LIMITS = re.compile(r"(?i)limit|throttl|attempt|axes|lockout|captcha|delay|backoff|failed|tries")


def _texts(function: Function) -> list[ast.Constant]:
    return [
        one
        for one in within(function)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]


def _told_apart(code: Code) -> Iterator[Match]:
    for function in functions(code):
        texts = _texts(function)
        wrong = [one for one in texts if _WRONG.search(str(one.value))]
        unknown = [one for one in texts if _UNKNOWN.search(str(one.value))]
        if wrong and any(one not in wrong for one in unknown):
            yield Match(
                wrong[0], "the answers tell a wrong name from a wrong password", cwes=(204,)
            )


def _unlimited(code: Code) -> Iterator[Match]:
    if _LIMITS.search(code.text):
        return
    for function in functions(code):
        routes = " ".join(
            str(arg.value)
            for one in function.decorator_list
            if isinstance(one, ast.Call)
            for arg in one.args
            if isinstance(arg, ast.Constant)
        )
        if not (_LOGIN.search(function.name) or _LOGIN.search(routes)):
            continue
        checks = any(
            isinstance(one, ast.Call) and last_name(one.func) in _CHECKS for one in within(function)
        )
        if checks and answers_requests(code, function):
            yield Match(function, "passwords may be tried without end", cwes=(307,))


RULE = FlowRule(
    id="login-weakness",
    title="Login that helps guessing",
    cwes=(204, 307),
    severity="low",
    severity_reason="Limits are often kept outside the program, and some sites show names anyway.",
    fix="Answer both cases alike, and count failures by account and address.",
    reference="https://cwe.mitre.org/data/definitions/204.html",
    detectors=(_told_apart, _unlimited),
    insecure=(
        """
from people import find

def login(name, password):
    user = find(name)
    if user is None:
        return "User not found"
    if not user.matches(password):
        return "Wrong password"
    return "Welcome"
""",
        """
from flask import Flask, request, session
from werkzeug.security import check_password_hash
from people import find

app = Flask(__name__)

@app.post("/login")
def login():
    user = find(request.form["name"])
    if user and check_password_hash(user.password_hash, request.form["password"]):
        session.clear()
        session["user"] = user.id
        return "welcome"
    return "name or password is wrong", 401
""",
        """
from django.contrib.auth import authenticate
from django.http import JsonResponse

def sign_in(request):
    user = authenticate(request, username=request.POST["name"], password=request.POST["password"])
    return JsonResponse({"ok": user is not None})
""",
    ),
    secure=(
        """
from people import find

def login(name, password):
    user = find(name)
    if user is None or not user.matches(password):
        return "Wrong name or password"
    return "Welcome"
""",
        """
from flask import Flask, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.security import check_password_hash
from people import find

app = Flask(__name__)
limiter = Limiter(get_remote_address, app=app)

@app.post("/login")
@limiter.limit("5 per minute")
def login():
    user = find(request.form["name"])
    if user and check_password_hash(user.password_hash, request.form["password"]):
        session.clear()
        session["user"] = user.id
        return "welcome"
    return "name or password is wrong", 401
""",
        """
from django.http import JsonResponse
from people import find

def show(request, number):
    person = find(number)
    if person is None:
        return JsonResponse({"error": "user not found"}, status=404)
    return JsonResponse({"name": person.name})
""",
    ),
)
