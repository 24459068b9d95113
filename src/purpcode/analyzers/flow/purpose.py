"""What a value is for, told by the names it ends up under: variables, keys, keyword arguments, the
function that returns it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.tree import walk

_CARRIERS = frozenset(
    (
        *(
            "str",
            "repr",
            "int",
            "hex",
            "bytes",
            "bytearray",
            "list",
            "tuple",
            "set",
            "sorted",
            "map",
        ),
        *("format", "join", "encode", "decode", "strip", "lower", "upper", "zfill", "replace"),
        *("rjust", "ljust", "hexdigest", "digest", "hexlify", "b64encode", "urlsafe_b64encode"),
        *("md5", "sha1", "sha256", "sha512", "b32encode", "chr", "tobytes", "to_bytes", "UUID"),
        *("title", "translate", "reversed", "oct", "bin", "b16encode", "iter", "next", "rstrip"),
    )
)
"""Functions whose result is their argument or receiver in another dress."""
_FILLS = frozenset(("append", "extend", "add", "insert", "update", "appendleft"))
_MOST_NAMES = 30

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def words_of(node: ast.AST | None) -> set[str]:
    """Every name, attribute and literal key that an expression mentions."""
    found: set[str] = set()
    for one in walk(node) if node is not None else ():
        if isinstance(one, ast.Name):
            found.add(one.id)
        elif isinstance(one, ast.Attribute):
            found.add(one.attr)
        elif isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Constant):
            found.add(str(one.slice.value))
        elif isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute):
            key = one.args[0] if one.func.attr in ("get", "pop") and one.args else None
            if isinstance(key, ast.Constant):
                found.add(str(key.value))
    return found


def function_around(code: Code, node: ast.AST) -> _Function | None:
    """The function a node stands in."""
    around: ast.AST | None = code.parents.get(id(node))
    while around is not None and not isinstance(around, _Function):
        around = code.parents.get(id(around))
    return around


def purposes(code: Code, node: ast.expr) -> set[str]:
    """Names under which the value of an expression ends up, within its function."""
    function = function_around(code, node)
    body: ast.AST = function or code.tree
    found: set[str] = set()
    seen: set[str] = set()
    waiting: list[ast.AST] = [node]
    while waiting and len(seen) < _MOST_NAMES:
        for name in _ends(code, waiting.pop(), function, found):
            if name not in seen:
                seen.add(name)
                waiting += _reads(body, name)
    return found


def _reads(body: ast.AST, path: str) -> Iterator[ast.AST]:
    for one in walk(body):
        if isinstance(one, ast.Name) and one.id == path and isinstance(one.ctx, ast.Load):
            yield one


def _ends(code: Code, node: ast.AST, function: _Function | None, found: set[str]) -> Iterator[str]:
    """Climb from a node to where its value ends; yields the variables that hold it."""
    while True:
        around = code.parents.get(id(node))
        if isinstance(around, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
            targets = around.targets if isinstance(around, ast.Assign) else [around.target]
            for target in targets:
                found |= words_of(target)
                if isinstance(target, ast.Name):
                    yield target.id
            if not isinstance(around, ast.NamedExpr):
                return
        elif isinstance(around, ast.Return | ast.Yield):
            found |= {function.name} if function else set()
            return
        elif isinstance(around, ast.keyword):
            found |= {around.arg} if around.arg else set()
        elif isinstance(around, ast.Dict):
            keys = _keys(around, node)
            if keys:
                found |= keys
                return
        elif isinstance(around, ast.Call):
            name = _called(around)
            if name in _FILLS and isinstance(around.func, ast.Attribute):
                found |= words_of(around.func.value)
                if isinstance(around.func.value, ast.Name) and node is not around.func:
                    yield around.func.value.id
            if name == "shuffle" and isinstance(node, ast.Name):
                yield node.id
            if name not in _CARRIERS:
                if node is not around.func:
                    found.add(name)
                return
        elif around is None or isinstance(around, ast.stmt | ast.Compare):
            return
        node = around


def _keys(display: ast.Dict, value: ast.AST) -> set[str]:
    for key, one in zip(display.keys, display.values, strict=True):
        if one is value and isinstance(key, ast.Constant):
            return {str(key.value)}
    return set()


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
