"""Comparing values by identity."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import last_name

_VALUE = re.compile(
    r"(?i)(^|_)(password|token|user_?id|owner_?id|digest|signature|hash|otp|code|pin)$"
)


def _is_text_or_number(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes | int | float) and type(node.value) is not bool
    return isinstance(node, ast.List | ast.Dict | ast.Set | ast.Tuple | ast.JoinedStr)


def _by_identity(code: Code) -> Iterator[Match]:
    for node in code.nodes_of(ast.Compare):
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides, node.ops, node.comparators, strict=False):
            if not isinstance(operator, ast.Is | ast.IsNot):
                continue
            if _is_text_or_number(left) or _is_text_or_number(right):
                literal = left if isinstance(left, ast.Constant) else right
                text = isinstance(literal, ast.Constant) and isinstance(literal.value, str | bytes)
                text = text and bool(getattr(literal, "value", ""))
                yield Match(
                    node,
                    "a literal is compared by identity, not by value",
                    "medium" if text else None,
                    (597, 595),
                )
            elif _VALUE.search(last_name(left)) and _VALUE.search(last_name(right)):
                yield Match(node, "two values are compared by identity", cwes=(595, 1025))


RULE = FlowRule(
    id="identity-comparison",
    title="Values compared by identity",
    cwes=(597, 595, 1025),
    severity="low",
    severity_reason="Equal texts and numbers need not be one object: the outcome depends on the"
    " interpreter.",
    fix="Compare with == and !=; use `is` for None and other singletons.",
    reference="https://cwe.mitre.org/data/definitions/597.html",
    detectors=(_by_identity,),
    insecure=(
        """
def may_delete(user):
    return user.role is "admin"
""",
        """
def check(request, session):
    sent_token = request.form["token"]
    if sent_token is not session.token:
        raise PermissionError("bad token")
""",
        """
def is_owner(user, document):
    return document.owner_id is user.user_id
""",
    ),
    secure=(
        """
def may_delete(user):
    return user.role == "admin"
""",
        """
import hmac

def check(request, session):
    sent_token = request.form["token"]
    if session.token is None or not hmac.compare_digest(sent_token, session.token):
        raise PermissionError("bad token")
""",
        """
MISSING = object()

def read(fields, name):
    value = fields.get(name, MISSING)
    if value is MISSING or value is True or value is ...:
        return None
    return value
""",
    ),
)
