"""The form of a program around a node: its parents, its function, what a function itself runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code, Scope
from purpcode.analyzers.flow.tree import children, walk

_INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_KEPT = "own_nodes"
"""Where a node keeps what `own_nodes` found: many rules ask it of the same functions."""


def parents(code: Code) -> dict[ast.AST, ast.AST]:
    """The parent of every node."""
    return code.parent_nodes


def ancestors(node: ast.AST, parent: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    """The nodes around a node up to its function or module, the nearest first."""
    while node in parent:
        node = parent[node]
        yield node
        if isinstance(node, _INNER):
            return


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below, in order of the text, without what inner functions and classes hold."""
    known: list[ast.AST] | None = node.__dict__.get(_KEPT)
    if known is None:
        known = []
        waiting = children(node)[::-1]
        while waiting:
            child = waiting.pop()
            known.append(child)
            if not isinstance(child, _INNER):
                waiting += children(child)[::-1]
        node.__dict__[_KEPT] = known
    return iter(known)


def functions(code: Code) -> Iterator[Scope]:
    """The functions of a program, each once."""
    seen: set[int] = set()
    for scope in code.scopes:
        if id(scope.node) not in seen:
            seen.add(id(scope.node))
            yield scope


def called_name(node: ast.AST) -> str:
    """The last part of what a call calls, "" of anything else."""
    if not isinstance(node, ast.Call):
        return ""
    func = node.func
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


def dotted(node: ast.AST) -> str:
    """A name or attribute as written (`self.lock`), "" of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def constant_parts(node: ast.AST) -> Iterator[object]:
    """The literals in an expression."""
    for one in walk(node):
        if isinstance(one, ast.Constant):
            yield one.value
