"""A fingerprint of the code that decides a verdict, instead of a number raised by hand."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from importlib import import_module

from purpcode.oracles.oracle import digest


@cache
def source_digest(*modules: str) -> str:
    """A hash of what modules do: of their statements, without comments, docstrings and layout.

    It changes with every change of the code, also one that leaves all verdicts as they were:
    judging again is then the safe side.
    """
    return digest(*(_statements(inspect.getsource(import_module(name))) for name in modules))


def _statements(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one)] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is a docstring, or an attribute's."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
