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
_PROOFS = re.compile(
    r"(?i)passw|pwd|\bpin\b|verif|check|authenticat|oauth|token|\bcode\b|otp|saml|ldap|sso|signature|"
    r"credential|openid|is_valid|secret|\.pop\("
)
_COUNTS = re.compile(r"(?i)attempt|tries|fail|count|\+= 1|sleep|limit|left")
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
            checks = any(
                isinstance(one, ast.Call) and last_name(one.func) in _CHECKS
                for one in within(function)
            )
            outside = checks and answers_requests(code, function)
            yield Match(
                wrong[0],
                "the answers tell a wrong name from a wrong password",
                "medium" if outside else None,
                cwes=(204, 203),
            )


def _unasked(code: Code) -> Iterator[Match]:
    """A login that takes a name from the request and asks for nothing else."""
    for function in functions(code):
        if not re.search(r"(?i)log_?in|sign_?in", function.name):
            continue
        text = ast.unparse(function)
        if not answers_requests(code, function) or _PROOFS.search(text):
            continue
        if not re.search(r"request\.\w+[\[.].*name|request\.\w+[\[.].*mail", text):
            continue
        for node in within(function):
            kept = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith(
                ("session[", "request.session[", "flask.session[")
            )
            called = isinstance(node, ast.Call) and last_name(node.func) in ("login_user", "login")
            if kept or called:
                yield Match(node, "whoever says a name is logged in", "medium", (287, 306))
                break


def _endless(code: Code) -> Iterator[Match]:
    """`while True:` reads a password from the peer and tries it, without counting."""
    for node in code.nodes_of(ast.While):
        text = ast.unparse(node)
        endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
        if not endless or not re.search(r"\.(recv|readline|read)\(", text):
            continue
        if not re.search(r"(?i)passw|\bpin\b|\bpwd\b", text) or _COUNTS.search(text):
            continue
        asked = any(
            isinstance(one, ast.If)
            and re.search(r"(?i)passw|\bpin\b|\bpwd\b", ast.unparse(one.test))
            for one in within(node.body)
        )
        if asked:
            yield Match(node, "the peer may try passwords without end", "medium", (307,))


def _unlimited(code: Code) -> Iterator[Match]:
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
        if checks and answers_requests(code, function) and not _LIMITS.search(code.text):
            yield Match(function, "passwords may be tried without end", cwes=(307,))


RULE = FlowRule(
    id="login-weakness",
    title="Login that helps guessing",
    cwes=(204, 307),
    severity="low",
    severity_reason="Limits are often kept outside the program; medium where the program itself"
    " shows that there are none, or tells names from passwords.",
    fix="Answer both cases alike, and count failures by account and address.",
    reference="https://cwe.mitre.org/data/definitions/204.html",
    detectors=(_told_apart, _unlimited, _endless, _unasked),
    insecure=(
        """
from flask import Flask, request, session
from club import Member

app = Flask(__name__)

@app.post("/login")
def login():
    member = Member.query.filter_by(name=request.form["name"]).first()
    if member is None:
        return "no", 401
    session["member"] = member.id
    return "welcome"
""",
        """
from door import opens

def serve(link):
    while True:
        name = link.recv(64).decode()
        password = link.recv(64).decode()
        if opens(name, password):
            return name
        link.sendall(b"no")
""",
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
from flask import Flask, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.security import check_password_hash
from club import Member

app = Flask(__name__)
limiter = Limiter(get_remote_address, app=app)

@app.post("/login")
@limiter.limit("5 per minute")
def login():
    member = Member.query.filter_by(name=request.form["name"]).first()
    if member is None or not check_password_hash(member.kept, request.form["word"]):
        return "name or word is wrong", 401
    session["member"] = member.id
    return "welcome"
""",
        """
from door import opens

def serve(link):
    for _ in range(3):
        name = link.recv(64).decode()
        password = link.recv(64).decode()
        if opens(name, password):
            return name
        link.sendall(b"no")
    link.close()
    return None
""",
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
