"""Reading Python in the newest grammar, whatever interpreter runs."""

from __future__ import annotations

import ast
import warnings


def parse_python(text: str) -> ast.Module:
    """The syntax tree of a program.

    This interpreter's parser comes first; what it rejects is read by LibCST, which knows the newest
    grammar, and lowered to the same kind of tree (type parameters and template strings included).

    Raises:
        SyntaxError: it is not Python in any grammar we read.
        RecursionError, MemoryError: it is nested too deeply.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in judged code are not our warnings
            return ast.parse(text)
    except (SyntaxError, ValueError):
        from purpcode.analyzers.flow.lowering import lower

        return lower(text)
