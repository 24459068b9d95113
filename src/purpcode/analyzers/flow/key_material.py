"""Which bytes given to cryptography are fixed in the program itself."""

from __future__ import annotations

import ast

from purpcode.analyzers.flow.code import Call, Code, Scope
from purpcode.analyzers.flow.values import Value

_DERIVERS = frozenset(
    ("digest", "hexdigest", "encode", "b64encode", "urlsafe_b64encode", "ljust", "rjust", "bytes",
     "zfill", "hex", "pad")
)  # fmt: skip
_NESTING = 4


def is_fixed(code: Code, call: Call, position: int | None, keyword: str | None) -> bool:
    """Whether an argument of a call is a literal, or made of nothing but literals."""
    value = call.argument(position, keyword)
    if value is None:
        return False
    return is_literal(value) or _derived(code, call.node_of(position, keyword), call.scope, 0)


def is_literal(value: Value) -> bool:
    """Whether a value is a known, non-empty text."""
    return isinstance(value.const, str | bytes) and len(value.const) > 0


def _derived(code: Code, node: ast.AST | None, scope: Scope, depth: int) -> bool:
    """Whether an expression digests or encodes literals only: `sha256(b"x").digest()`."""
    if depth > _NESTING or node is None:
        return False
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return _derived(code, node.value, scope, depth + 1)
    if isinstance(node, ast.Name):
        return _derived(code, _assigned(code, node.id, scope), scope, depth + 1)
    call = code.call_at(node)
    if call is None or not isinstance(call.node.func, ast.Attribute | ast.Name):
        return False
    func = call.node.func
    if (func.attr if isinstance(func, ast.Attribute) else func.id) not in _DERIVERS:
        return False
    made = code.call_at(func.value) if isinstance(func, ast.Attribute) else None
    given = [*_given(call), *(_given(made) if made is not None else ())]
    if given:
        return (
            any(is_literal(value) for _, value in given) and all(value.known for _, value in given)
        ) or all(_derived(code, node, scope, depth + 1) for node, _ in given)
    return isinstance(func, ast.Attribute) and _derived(code, func.value, scope, depth + 1)


def _given(call: Call) -> list[tuple[ast.expr, Value]]:
    return list(zip(call.node.args, call.args, strict=True))


def _assigned(code: Code, name: str, scope: Scope) -> ast.expr | None:
    """The one expression a variable is assigned, in a function or at the top."""
    for path in (scope.path, ""):
        sources = {
            id(one.source): one.source
            for one in code.stores
            if one.path == name and one.scope.path == path
        }
        if sources:
            return next(iter(sources.values())) if len(sources) == 1 else None
    return None
