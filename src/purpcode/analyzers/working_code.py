"""Whether code does anything that was worth writing: no stubs, and nothing that never runs."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Sequence

from purpcode.analyzers.dead_code import is_exit, without_dead_code
from purpcode.analyzers.parsing import python_tree
from purpcode.languages import reads_as_python

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_PLACEHOLDER = re.compile(r"todo|fixme|implement|placeholder|your code|left (?:to|as)", re.I)


def has_working_code(code: str) -> bool:
    """Whether Python code does anything: not just comments, imports, docstrings, `pass`, `...`,
    `raise`, code in a string, or definitions that do nothing but these and return their argument
    or a constant, or calls of such definitions. What can never run is not looked at. Code that
    this interpreter cannot parse (a newer grammar) counts as working."""
    try:
        tree = python_tree(code)
        defines = any(isinstance(one, _Function) for one in ast.walk(tree))
        body = without_dead_code(tree).body
        own = _own_names(body)
        return any(_works(node, own, inside=defines) for node in body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True


def live_python(code: str) -> ast.Module | None:
    """The tree of Python code without what can never run; None where this interpreter cannot
    parse it."""
    try:
        return without_dead_code(python_tree(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _own_names(body: Sequence[ast.stmt]) -> set[str]:
    """Names that the code defines, and those it gives to what these return."""
    own: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Assign) and _root(node.value) in own:
            own |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return own


def _root(node: ast.expr) -> str | None:
    """The name that a call or an attribute is of: `a` of `a.b(c).d`."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Await | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _works(node: ast.stmt, own: set[str], *, inside: bool) -> bool:
    """Whether a statement does anything; `inside` a function, or beside one, constants are no
    settings."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Pass | ast.Global | ast.Nonlocal):
        return False
    if isinstance(node, ast.Raise | ast.Break | ast.Continue | ast.Delete):
        return False
    if isinstance(node, _Function):
        return any(_works(child, own, inside=True) for child in node.body)
    if isinstance(node, ast.ClassDef):
        return any(
            isinstance(child, ast.AnnAssign) or _works(child, own, inside=inside)
            for child in node.body
        )
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Lambda):
        return False
    if isinstance(node, ast.Expr | ast.Return):
        return node.value is not None and not _is_idle(node.value, own)
    if isinstance(node, ast.Assert):
        return not _is_idle(node.test, own)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return node.value is not None and _assigns(node, node.value, own, inside=inside)
    if isinstance(node, ast.If):
        branches = (*node.body, *node.orelse)
        chooses = not _is_idle(node.test, own) and any(_answers_with(one) for one in branches)
        return chooses or any(_works(child, own, inside=inside) for child in branches)
    inner = _parts(node)
    if inner is None:
        return True
    heads, blocks = inner
    return not all(_is_idle(head, own) for head in heads) or any(
        _works(child, own, inside=inside) or _answers_with(child) for child in blocks
    )


def _parts(node: ast.stmt) -> tuple[list[ast.expr], list[ast.stmt]] | None:
    """What a compound statement evaluates first, and the statements in it; None of others."""
    if isinstance(node, ast.For | ast.AsyncFor):
        return [node.iter], [*node.body, *node.orelse]
    if isinstance(node, ast.While):
        return [node.test], [*node.body, *node.orelse]
    if isinstance(node, ast.With | ast.AsyncWith):
        return [item.context_expr for item in node.items], node.body
    if isinstance(node, ast.Try | ast.TryStar):
        handled = [child for handler in node.handlers for child in handler.body]
        return [], [*node.body, *handled, *node.orelse, *node.finalbody]
    if isinstance(node, ast.Match):
        return [], [child for case in node.cases for child in case.body]
    return None


def _answers_with(node: ast.stmt) -> bool:
    """Whether a branch returns something: a chain of comparisons may return constants only."""
    value = node.value if isinstance(node, ast.Return) else None
    return value is not None and not (isinstance(value, ast.Constant) and value.value is None)


def _assigns(
    node: ast.Assign | ast.AnnAssign, value: ast.expr, own: set[str], *, inside: bool
) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if not all(isinstance(target, ast.Name) for target in targets):
        return True
    if inside or isinstance(value, ast.Lambda):
        return not _is_idle(value, own)
    if isinstance(value, ast.Constant):
        return value.value is not None and value.value is not ... and not _holds_code(value)
    return not isinstance(value, ast.Name) and not _is_call_of(value, own)


def _is_idle(node: ast.expr, own: set[str]) -> bool:
    """Whether evaluating an expression does nothing of interest."""
    if isinstance(node, ast.Constant | ast.Name):
        return True
    if isinstance(node, ast.Lambda):
        return _is_idle(node.body, own)
    if isinstance(node, ast.BoolOp):
        last = node.values[-1]  # "x and False" is nothing, "x or 'none'" is a choice
        nothing = isinstance(last, ast.Constant) and not last.value
        is_and = isinstance(node.op, ast.And)
        return nothing and is_and and all(_is_idle(one, own) for one in node.values)
    if isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
        return all(_is_idle(one, own) for one in ast.iter_child_nodes(node) if _is_value(one))  # type: ignore[arg-type]
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name) and node.func.id == "print":
        return all(_is_idle_print(one, own) for one in node.args)
    if is_exit(node):
        return all(_is_idle(one, own) for one in node.args)
    return _is_call_of(node, own)


def _is_value(node: ast.AST) -> bool:
    return isinstance(node, ast.expr)


def _is_call_of(node: ast.expr, own: set[str]) -> bool:
    return isinstance(node, ast.Call | ast.Await) and _root(node) in own


def _is_idle_print(node: ast.expr, own: set[str]) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return bool(_PLACEHOLDER.search(node.value)) or _holds_code(node)
    return _is_idle(node, own)


def _holds_code(node: ast.Constant) -> bool:
    """Whether a constant is a string of Python code, which nobody analyses and nothing runs."""
    text = node.value
    if not isinstance(text, str) or not reads_as_python(text):
        return False
    try:
        return bool(python_tree(textwrap.dedent(text)).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
