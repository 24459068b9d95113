"""An operator that does not do what stands there."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.shapes import (
    functions,
    is_test_code,
    last_name,
    speaks_of_access,
    tests_of,
    within,
)

_COUNTER = re.compile(r"(?i)attempt|fail|tries|count|strike|lock")


def _level(node: ast.AST) -> Level:
    return "medium" if speaks_of_access(node) else "low"


def _compared_not_assigned(code: Code) -> Iterator[Match]:
    for function in functions(code):
        if is_test_code(code, function):
            continue
        for node in within(function):
            compare = node.value if isinstance(node, ast.Expr) else None
            if (
                isinstance(compare, ast.Compare)
                and isinstance(compare.ops[0], ast.Eq)
                and isinstance(compare.left, ast.Name | ast.Attribute | ast.Subscript)
            ):
                yield Match(node, "this compares and assigns nothing", _level(compare.left), (482,))


def _inverted_bits(code: Code) -> Iterator[Match]:
    """`if ~allowed:`, which is true of both True and False."""
    for root in (code.tree, *functions(code)):
        for test in tests_of(root):
            parts = test.values if isinstance(test, ast.BoolOp) else [test]
            for one in parts:
                if (
                    isinstance(one, ast.UnaryOp)
                    and isinstance(one.op, ast.Invert)
                    and isinstance(one.operand, ast.Name | ast.Attribute | ast.Call)
                ):
                    yield Match(
                        one, "~ of a truth value is always true", _level(one.operand), (480,)
                    )


def _reversed_assignment(code: Code) -> Iterator[Match]:
    """`attempts =+ 1`, which sets one instead of adding it."""
    lines = code.text.splitlines()
    for node in code.nodes:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.UnaryOp)):
            continue
        start, value = node.targets[-1], node.value
        if not isinstance(value.op, ast.UAdd) or value.lineno > len(lines):
            continue
        before = lines[value.lineno - 1].encode()[: value.col_offset]
        if before.endswith(b"="):
            counts = _COUNTER.search(last_name(start))
            yield Match(node, "=+ sets, += adds", "medium" if counts else "low", (480,))


RULE = FlowRule(
    id="wrong-operator",
    title="Wrong operator",
    cwes=(480, 482),
    severity="medium",
    severity_reason="What should revoke, refuse or count does nothing.",
    fix="Write = to assign, `not` to negate a truth value, += to add.",
    reference="https://cwe.mitre.org/data/definitions/480.html",
    detectors=(_compared_not_assigned, _inverted_bits, _reversed_assignment),
    insecure=(
        """
def dismiss(user):
    user.is_admin == False
    user.save()
""",
        """
def remove(user, document):
    allowed = user.id == document.owner
    if ~allowed:
        raise PermissionError(user.id)
    document.remove()
""",
        """
def failed_login(account):
    account.failed_attempts =+ 1
    if account.failed_attempts > 5:
        account.lock()
""",
    ),
    secure=(
        """
def dismiss(user):
    user.is_admin = False
    user.save()
""",
        """
def remove(user, document):
    allowed = user.id == document.owner
    if not allowed:
        raise PermissionError(user.id)
    document.remove()
""",
        """
def failed_login(account):
    account.failed_attempts += 1
    account.weight = +1
    if account.failed_attempts > 5:
        account.lock()
""",
        """
def masked(flags, mask):
    if flags & ~mask:
        raise ValueError("unknown flags")
    return flags & mask
""",
    ),
)
