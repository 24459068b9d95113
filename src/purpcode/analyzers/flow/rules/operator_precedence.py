"""Conditions that Python groups otherwise than they read."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import functions, speaks_of_access, tests_of, within


def _opened(lines: list[str], node: ast.expr) -> bool:
    """Whether a bracket opens right before an expression."""
    if node.lineno > len(lines):
        return True
    before = lines[node.lineno - 1].encode()[: node.col_offset].rstrip()
    return before.endswith(b"(") or not before


def _mixed(code: Code) -> Iterator[Match]:
    """`owner or admin and active`: `and` binds first."""
    lines = code.text.splitlines()
    for root in (code.tree, *functions(code)) if code.nodes_of(ast.BoolOp) else ():
        returned = (
            one.value
            for one in within(root)
            if isinstance(one, ast.Return) and one.value is not None
        )
        for test in (*tests_of(root), *returned):
            if not (isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or)):
                continue
            for one in test.values[1:]:
                both = isinstance(one, ast.BoolOp) and not _opened(lines, one)
                if both and all(map(speaks_of_access, test.values)):
                    yield Match(one, "`and` binds before `or` here")


def _bits(code: Code) -> Iterator[Match]:
    """`a == 1 & b == 2`: `&` binds before `==`."""
    for node in code.nodes_of(ast.Compare):
        if len(node.ops) == 2:
            middle = node.comparators[0]
            if (
                isinstance(middle, ast.BinOp)
                and isinstance(middle.op, ast.BitAnd | ast.BitOr)
                and isinstance(middle.left, ast.Constant)
                and all(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops)
            ):
                yield Match(node, "& and | bind before the comparisons here")


RULE = FlowRule(
    id="operator-precedence",
    title="Operators bind in an unexpected order",
    cwes=(783,),
    severity="low",
    severity_reason="A condition of access may let in people it was meant to keep out.",
    fix="Put brackets around each part.",
    reference="https://cwe.mitre.org/data/definitions/783.html",
    detectors=(_mixed, _bits),
    insecure=(
        """
def may_edit(user, page):
    return user.is_owner or user.is_admin and user.verified
""",
        """
def enter(user, door):
    if user.admin or door.trusted and user.authenticated:
        door.open()
""",
        """
def may_pay(account):
    if account.active == True & account.verified == True:
        return True
    return False
""",
    ),
    secure=(
        """
def may_edit(user, page):
    return (user.is_owner or user.is_admin) and user.verified
""",
        """
def enter(user, door):
    if user.admin or (door.trusted and user.authenticated):
        door.open()
""",
        """
def may_pay(account):
    if (account.active == True) & (account.verified == True):
        return True
    return False
""",
        """
def shown(item, query):
    return not query or item.title and query in item.title
""",
    ),
)
