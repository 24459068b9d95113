"""Ways in that the program's author left for themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import functions, own_nodes
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_CHECKS = re.compile(r"(?i)(^|_)(auth\w*|login|log_in|signin|sign_in|check_pass\w*|verify\w*|"
                     r"is_admin|is_valid\w*|validate\w*|has_permission|authorize\w*)")  # fmt: skip
_SECRET = re.compile(
    r"(?i)passw(or)?d|passcode|^pwd$|secret|token|^pin$|api_?key|^key$|user(name)?$|header"
)
_MASTER = re.compile(r"(?i)backdoor|master_?(pass|key|code)|magic_?(pass|word|key|token)|"
                     r"(debug|dev|support|override)_?(pass\w*|token|key|code)|bypass")  # fmt: skip
_PLAIN = frozenset(
    ("", "admin", "root", "guest", "user", "anonymous", "bearer", "basic", "none", "null")
)


def _doors(code: Code) -> Iterator[Match]:
    for scope in functions(code) if code.nodes_of(ast.If) else ():
        checking = _CHECKS.search(scope.name) is not None
        statements = list(own_nodes(scope.node))
        ways = sum(_grants(one) for one in statements if isinstance(one, ast.Return))
        more = sum(isinstance(one, ast.Return) for one in statements)
        for node in statements:
            if not isinstance(node, ast.If) or not any(_grants(one) for one in node.body):
                continue
            named = _master(node.test)
            fixed = _fixed_secret(node.test)
            if named or (checking and fixed and ways and more > 2):
                yield Match(node, "a fixed value opens the check for whoever knows it")


def _grants(node: ast.AST) -> bool:
    """`return True`."""
    return (
        isinstance(node, ast.Return)
        and isinstance(node.value, ast.Constant)
        and node.value.value is True
    )


def _fixed_secret(test: ast.expr) -> bool:
    """Whether a secret is compared with a literal."""
    for one in walk(test):
        if isinstance(one, ast.Compare) and isinstance(one.ops[0], ast.Eq):
            sides = [one.left, one.comparators[0]]
            texts = [
                s.value for s in sides if isinstance(s, ast.Constant) and isinstance(s.value, str)
            ]
            names = [_last(s) for s in sides]
            if (
                texts
                and texts[0].lower() not in _PLAIN
                and any(_SECRET.search(n) for n in names if n)
            ):
                return not any("user" in n.lower() for n in names if n)
    return False


def _master(test: ast.expr) -> bool:
    """Whether a test compares with something called a master or bypass value."""
    for one in walk(test):
        if isinstance(one, ast.Compare) and isinstance(one.ops[0], ast.Eq):
            sides = (one.left, one.comparators[0])
            if any(_MASTER.search(_last(side) or "") for side in sides):
                return True
    return False


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        return str(node.args[0].value)  # request.headers.get("X-Debug-Token")
    return str(getattr(node, "attr", None) or getattr(node, "id", ""))


RULE = FlowRule(
    id="hidden-bypass",
    title="Check with a built-in way round",
    cwes=(912, 288, 798),
    severity="high",
    severity_reason="The fixed value lets anybody in who reads the program, whatever else is"
    " checked.",
    fix="Remove it; give maintainers accounts of their own like everybody else.",
    reference="https://cwe.mitre.org/data/definitions/912.html",
    detectors=(_doors,),
    insecure=(
        """
from accounts import matches

def authenticate(user, password):
    if password == "letmein-2024":
        return True
    if user is None:
        return False
    return matches(user, password)
""",
        """
from accounts import matches

MASTER_PASSWORD = "open sesame"

def login(user, password):
    if password == MASTER_PASSWORD:
        return True
    return matches(user, password)
""",
        """
from flask import request
from accounts import session_valid

SUPPORT_TOKEN = "s-7781"

def may_enter():
    if request.headers.get("X-Support") == SUPPORT_TOKEN:
        return True
    return session_valid(request.cookies.get("sid"))
""",
    ),
    secure=(
        """
from accounts import matches

def authenticate(user, password):
    if user is None:
        return False
    return matches(user, password)
""",
        """
from accounts import matches

def login(user, password):
    if not password:
        return False
    if user.locked:
        return False
    return matches(user, password)
""",
        """
def validate_answer(text):
    if text == "yes":
        return True
    if text == "no":
        return False
    return None
""",
    ),
)
