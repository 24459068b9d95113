"""Walking syntax trees fast: what a node holds is listed once and kept on the node, since a hundred
rules ask the same of the same functions."""

from __future__ import annotations

import ast

_CHILDREN, _BELOW = "kept_children", "kept_nodes"


def children(node: ast.AST) -> list[ast.AST]:
    """The direct children of a node, in order, without its context; not to be changed."""
    known: list[ast.AST] | None = node.__dict__.get(_CHILDREN)
    if known is None:
        known = []
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, ast.AST):
                # Load, Store and Del are shared marks that hold nothing, a quarter of all nodes.
                if not isinstance(value, ast.expr_context):
                    known.append(value)
            elif isinstance(value, list):
                known += [one for one in value if isinstance(one, ast.AST)]
        node.__dict__[_CHILDREN] = known
    return known


def walk(node: ast.AST) -> list[ast.AST]:
    """A node and all below it, level by level as `ast.walk` goes; not to be changed."""
    known: list[ast.AST] | None = node.__dict__.get(_BELOW)
    if known is None:
        known = [node]
        for one in known:
            known += children(one)
        node.__dict__[_BELOW] = known
    return known
