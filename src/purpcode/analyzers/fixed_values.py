"""The value of an expression that the code alone fixes, told without running anything of it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

_COMPARES: dict[type[ast.cmpop], Callable[[object, object], object]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,  # type: ignore[dict-item]
    ast.LtE: operator.le,  # type: ignore[dict-item]
    ast.Gt: operator.gt,  # type: ignore[dict-item]
    ast.GtE: operator.ge,  # type: ignore[dict-item]
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda one, others: operator.contains(others, one),  # type: ignore[arg-type]
    ast.NotIn: lambda one, others: not operator.contains(others, one),  # type: ignore[arg-type]
}
_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_PURE: dict[str, Callable[..., object]] = {
    one.__name__: one for one in (bool, int, str, len, any, all, list, tuple, set, dict, abs)
}
_LARGEST = 2**64
"""Of the numbers that are calculated with."""
_TYPE_CHECKING = "TYPE_CHECKING"


class UnknownValueError(Exception):
    """The value depends on more than the code says."""


def value_of(node: ast.expr, constants: Mapping[str, object]) -> object:
    """The value of constants, displays, comparisons, whole-number arithmetic and calls of `bool`,
    `len` and the like on such values. `constants` are names of known value; `TYPE_CHECKING` is
    false and `__debug__` true, as in a running program; `__name__` equals "__main__" or nothing.

    Raises:
        UnknownValueError: the value is not fixed.
    """
    try:
        return _value(node, constants)
    except (TypeError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
        raise UnknownValueError from error


def _value(node: ast.expr, constants: Mapping[str, object]) -> object:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name | ast.Attribute):
        return _named(node, constants)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [_value(one, constants) for one in node.elts]
    if isinstance(node, ast.Dict):
        if None in node.keys:
            raise UnknownValueError
        return [_value(one, constants) for one in node.values]
    if isinstance(node, ast.UnaryOp):
        return _unary(node, constants)
    if isinstance(node, ast.BoolOp):
        return _chained(node, constants)
    if isinstance(node, ast.Compare):
        return _compared(node, constants)
    if isinstance(node, ast.BinOp):
        return _calculated(node, constants)
    if isinstance(node, ast.Call):
        return _called(node, constants)
    raise UnknownValueError


def _named(node: ast.Name | ast.Attribute, constants: Mapping[str, object]) -> object:
    name = node.id if isinstance(node, ast.Name) else node.attr
    if name == _TYPE_CHECKING:
        return False
    if isinstance(node, ast.Name) and name in constants:
        return constants[name]
    if isinstance(node, ast.Name) and name == "__debug__":
        return True
    raise UnknownValueError


def _unary(node: ast.UnaryOp, constants: Mapping[str, object]) -> object:
    value = _value(node.operand, constants)
    if isinstance(node.op, ast.Not):
        return not value
    if isinstance(node.op, ast.USub) and isinstance(value, int | float):
        return -value
    raise UnknownValueError


def _chained(node: ast.BoolOp, constants: Mapping[str, object]) -> object:
    """A single false operand makes `and` false, whatever the others are; so with `or`."""
    decides = isinstance(node.op, ast.Or)
    unknown = False
    for operand in node.values:
        try:
            value = bool(_value(operand, constants))
        except UnknownValueError:
            unknown = True
            continue
        if value is decides:
            return decides
    if unknown:
        raise UnknownValueError
    return not decides


def _compared(node: ast.Compare, constants: Mapping[str, object]) -> object:
    operands = [node.left, *node.comparators]
    if len(operands) == 2 and isinstance(node.ops[0], ast.Eq):
        names = [one for one in operands if isinstance(one, ast.Name) and one.id == "__name__"]
        texts = [one.value for one in operands if isinstance(one, ast.Constant)]
        if names and texts and texts[0] != "__main__":
            return False
    values = [_value(one, constants) for one in operands]
    pairs = zip(node.ops, values, values[1:], strict=False)
    return all(_COMPARES[type(op)](left, right) for op, left, right in pairs)


def _calculated(node: ast.BinOp, constants: Mapping[str, object]) -> object:
    left, right = _value(node.left, constants), _value(node.right, constants)
    calculate = _ARITHMETIC.get(type(node.op))
    if calculate is None or not (isinstance(left, int) and isinstance(right, int)):
        raise UnknownValueError
    if max(abs(left), abs(right)) > _LARGEST:
        raise UnknownValueError
    return calculate(left, right)


def _called(node: ast.Call, constants: Mapping[str, object]) -> object:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in _PURE or node.keywords or len(node.args) > 1:
        raise UnknownValueError
    return _PURE[name](*(_value(one, constants) for one in node.args))
