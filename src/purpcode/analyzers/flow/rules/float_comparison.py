"""Floating-point numbers compared for equality."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_WHOLE = (0.0, 1.0, -1.0)


def _is_float(node: ast.expr) -> bool:
    """Whether an expression is a float that is not exact: `0.1`, `a + 0.1`, `x * 1.19`."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float) and node.value not in _WHOLE and node.value % 0.5 != 0
    if isinstance(node, ast.BinOp):
        return _is_float(node.left) or _is_float(node.right)
    return False


def _compared(code: Code) -> Iterator[Match]:
    for node in code.nodes:
        if isinstance(node, ast.Compare):
            for operator, right in zip(node.ops, node.comparators, strict=True):
                if isinstance(operator, ast.Eq | ast.NotEq) and (
                    _is_float(node.left) or _is_float(right)
                ):
                    yield Match(node, "rounding makes this comparison fail")


RULE = FlowRule(
    id="float-comparison",
    title="Floats compared for equality",
    cwes=(1077,),
    severity="low",
    severity_reason="Sums of money and limits that should be equal are not.",
    fix="Use math.isclose, or decimal.Decimal and whole cents for money.",
    reference="https://cwe.mitre.org/data/definitions/1077.html",
    detectors=(_compared,),
    insecure=(
        """
def paid(total):
    return total == 19.99
""",
        """
def settled(price, tax, amount):
    return price * 1.19 + tax == amount
""",
        """
def steps():
    value, count = 0.0, 0
    while value != 0.3:
        value, count = value + 0.1, count + 1
    return count
""",
    ),
    secure=(
        """
from decimal import Decimal

def paid(total):
    return total == Decimal("19.99")
""",
        """
import math

def settled(price, tax, amount):
    return math.isclose(price * 1.19 + tax, amount, abs_tol=0.005)
""",
        """
def scale(factor):
    return factor == 0.0 or factor == 1.0 or factor == 0.5
""",
    ),
)
