"""Walking syntax trees fast: what a node holds is listed once and kept on the node, since a hundred
rules ask the same of the same functions."""

from __future__ import annotations

import ast

_CHILDREN, _BELOW = "kept_children", "kept_nodes"


def children(node: ast.AST) -> list[ast.AST]:
    """The direct children of a node, in order; not to be changed."""
    known: list[ast.AST] | None = node.__dict__.get(_CHILDREN)
    if known is None:
        known = list(ast.iter_child_nodes(node))
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
