"""Ways around a check that only their author knows."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import (
    functions,
    identifiers,
    is_test_code,
    last_name,
    names_a_check,
    within,
)
from purpcode.analyzers.flow.tree import walk

_SECRET = re.compile(r"(?i)^(password|passwd|pwd|pw|pin|otp|code|token|api_?key|secret)$")
_VERIFYING = re.compile(r"(?i)check|verify|compare|hash|match|authenticate|valid")
_HIDDEN = re.compile(
    r"(?i)^x-?(debug|internal|admin|bypass|backdoor|magic|secret|dev|override|test)|"
    r"^(debug|bypass|backdoor|magic|override|skip_?auth|no_?auth|god_?mode)$"
)
_GRANTED = re.compile(
    r"(?i)admin|auth|logged_in|allowed|granted|is_staff|superuser|verified|user_?id|^user$"
)


def _literal_secret(node: ast.expr) -> bool:
    """`password == "letmein"`"""
    if not (
        isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq)
    ):
        return False
    left, right = node.left, node.comparators[0]
    if isinstance(left, ast.Constant):
        left, right = right, left
    text = right.value if isinstance(right, ast.Constant) else None
    return isinstance(text, str) and len(text) >= 4 and bool(_SECRET.search(last_name(left)))


def _verifies(node: ast.expr | None) -> bool:
    return node is not None and any(
        isinstance(one, ast.Call) and bool(_VERIFYING.search(last_name(one.func)))
        for one in walk(node)
    )


def _beside_a_check(code: Code) -> Iterator[Match]:
    """`check(password) or password == "letmein"`, and `if password == "...": return True` before a
    real check."""
    for node in code.nodes:
        if (
            isinstance(node, ast.BoolOp)
            and isinstance(node.op, ast.Or)
            and any(map(_literal_secret, node.values))
            and any(map(_verifies, node.values))
        ):
            yield Match(node, "one password opens every account", "high", (798, 912))
    for function in functions(code):
        if is_test_code(code, function):
            continue
        body = list(within(function))
        for node in body:
            if not (isinstance(node, ast.If) and _literal_secret(node.test)):
                continue
            lets_in = any(
                isinstance(one, ast.Return)
                and isinstance(one.value, ast.Constant)
                and one.value.value is True
                for one in node.body
            )
            others = [
                one for one in body if isinstance(one, ast.Return | ast.If) and one is not node
            ]
            real = any(
                _verifies(one.test if isinstance(one, ast.If) else one.value) for one in others
            )
            if lets_in and real:
                yield Match(node, "one password opens every account", "high", (798, 912))


def _asked_for(test: ast.expr) -> bool:
    """Whether a condition looks for a header or parameter that no documentation would name."""
    for node in walk(test):
        key: ast.expr | None = None
        if (
            isinstance(node, ast.Call)
            and last_name(node.func) in ("get", "get_argument")
            and node.args
        ):
            key = node.args[0]
        elif isinstance(node, ast.Subscript):
            key = node.slice
        if (
            isinstance(key, ast.Constant)
            and isinstance(key.value, str)
            and _HIDDEN.search(key.value)
        ) and (
            any(
                "request" in one or one in ("headers", "args", "query") for one in identifiers(test)
            )
        ):
            return True
    return False


def _by_header(code: Code) -> Iterator[Match]:
    for function in functions(code):
        check = names_a_check(function.name) or re.search(
            r"(?i)login|auth|before_request", function.name
        )
        for node in within(function):
            if not (isinstance(node, ast.If) and _asked_for(node.test)):
                continue
            if identifiers(node.test) & {"debug", "DEBUG", "settings"} or _verifies(node.test):
                continue
            for one in node.body:
                returned = isinstance(one, ast.Return) and check and (
                    one.value is None
                    or (isinstance(one.value, ast.Constant) and one.value.value in (True, None))
                )  # fmt: skip
                granted = isinstance(one, ast.Assign) and any(
                    _GRANTED.search(str(key))
                    for target in one.targets
                    for key in identifiers(target)
                )
                if returned or granted:
                    yield Match(
                        node, "a hidden field of the request replaces the check", cwes=(912, 288)
                    )
                    break


RULE = FlowRule(
    id="backdoor-bypass",
    title="Hidden way around a check",
    cwes=(912, 798, 288),
    severity="medium",
    severity_reason="Whoever reads the code or guesses the word is let in.",
    fix="Remove it; give maintainers accounts of their own.",
    reference="https://cwe.mitre.org/data/definitions/912.html",
    detectors=(_beside_a_check, _by_header),
    insecure=(
        """
import bcrypt

def login(user, password):
    if bcrypt.checkpw(password.encode(), user.password_hash) or password == "open-sesame":
        return user.id
    return None
""",
        """
from werkzeug.security import check_password_hash

def authenticate(user, password):
    if password == "master-2020":
        return True
    return check_password_hash(user.password_hash, password)
""",
        """
from flask import Flask, g, request
from people import from_session

app = Flask(__name__)

@app.before_request
def load_user():
    g.is_admin = False
    user = from_session()
    if request.headers.get("X-Debug-Admin") == "1":
        g.is_admin = True
    elif user is not None:
        g.is_admin = user.is_admin
""",
    ),
    secure=(
        """
import bcrypt

def login(user, password):
    if bcrypt.checkpw(password.encode(), user.password_hash):
        return user.id
    return None
""",
        """
from werkzeug.security import check_password_hash

def authenticate(user, password):
    if password == "password":
        return False
    return check_password_hash(user.password_hash, password)
""",
        """
from flask import Flask, g, request
from people import from_session

app = Flask(__name__)

@app.before_request
def load_user():
    user = from_session()
    g.verbose = request.headers.get("X-Debug") == "1"
    g.is_admin = user is not None and user.is_admin
""",
    ),
)
