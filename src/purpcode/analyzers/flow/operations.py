"""Operators over values: texts are put together, literals are folded, numbers computed."""

from __future__ import annotations

import ast
import operator as operators
from collections.abc import Callable
from typing import Any

from purpcode.analyzers.flow.values import MAX_ITEMS, NOTHING, Value, literal, union

LONGEST_TEXT = 4096

_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operators.eq,
    ast.NotEq: operators.ne,
    ast.Lt: operators.lt,
    ast.LtE: operators.le,
    ast.Gt: operators.gt,
    ast.GtE: operators.ge,
}


def computed(operator: ast.operator, left: object, right: object) -> Value:
    """Whole numbers are computed, texts repeated, within bounds."""
    if isinstance(operator, ast.Mult) and isinstance(left, str | bytes) and type(right) is int:
        return literal(left * right) if 0 <= len(left) * right <= LONGEST_TEXT else NOTHING
    if type(left) is not int or type(right) is not int or max(abs(left), abs(right)) > 10**9:
        return NOTHING
    if isinstance(operator, ast.Sub):
        return literal(left - right)
    if isinstance(operator, ast.Mult):
        return literal(left * right)
    if isinstance(operator, ast.FloorDiv | ast.Mod) and right != 0:
        return literal(left // right if isinstance(operator, ast.FloorDiv) else left % right)
    if isinstance(operator, ast.BitOr | ast.BitAnd):
        return literal(left | right if isinstance(operator, ast.BitOr) else left & right)
    return NOTHING


def added(left: Value, right: Value) -> Value:
    """The sum of two values: texts are put together, constants folded, sequences joined."""
    one, other = left.const, right.const
    if type(one) is int and type(other) is int:
        return literal(one + other)
    if isinstance(one, str) and isinstance(other, str) and len(one) + len(other) <= LONGEST_TEXT:
        return literal(one + other)
    if isinstance(one, bytes) and isinstance(other, bytes) and len(one) < LONGEST_TEXT:
        return literal(one + other[:LONGEST_TEXT])
    items = None
    if left.items is not None and right.items is not None:
        items = (left.items + right.items)[:MAX_ITEMS]
    begin = left.starts_with()
    if left.text is not None:
        begin += right.starts_with()
    literals = isinstance(left.const, str | bytes) or isinstance(right.const, str | bytes)
    return Value(
        union((left, right)),
        built=literals or left.built or right.built or left.names != right.names,
        prefix=begin or None,
        items=items,
    )


def formatted(template: Value, arguments: Value) -> Value:
    """`template % arguments`."""
    parts = arguments.items if arguments.items is not None else (arguments,)
    if template.text is not None and all(isinstance(one.const, str | int) for one in parts):
        try:
            folded = template.text % tuple(one.const for one in parts)
        except (TypeError, ValueError, OverflowError, MemoryError):
            folded = ""
        if 0 < len(folded) <= LONGEST_TEXT and "*" not in template.text:
            return literal(folded)
    before = template.starts_with().split("%")
    carried = [
        one.passing(("path.part",)) if place < len(before) and before[place].endswith("/") else one
        for place, one in enumerate(parts)
    ]
    return Value(union((template, *carried)), built=True, prefix=before[0])


def compared(operator: ast.cmpop, left: object, right: object) -> Value:
    """The outcome of comparing two known numbers or texts."""
    compare = _COMPARED.get(type(operator))
    if compare is None or type(left) is not type(right) or not isinstance(left, int | str):
        return NOTHING
    return literal(compare(left, right))
