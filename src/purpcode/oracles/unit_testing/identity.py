"""What identifies the judgement: the code of this package, comments and docstrings aside."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

from purpcode.oracles.oracle import digest


@functools.cache
def judgement_identity() -> str:
    """Changes whenever the same answer and tests could get another verdict than before."""
    folder = Path(__file__).parent
    files = [folder.parent / "unit_tests.py", *folder.glob("*.py")]
    return digest(*(code_identity(path.read_text(encoding="utf-8")) for path in sorted(files)))


def code_identity(source: str) -> str:
    """What a module does, written without its comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [part for part in body if not _is_text(part)]
            node.body = kept or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
