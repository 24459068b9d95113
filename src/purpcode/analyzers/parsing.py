"""The parse gate: is it Python at all, in the newest grammar, and does it contain working code?

Tools skip what they cannot parse and would call it clean; so nothing unparsed reaches them.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from purpcode.analyzers.analyzer import Snippet

if TYPE_CHECKING:
    from purpcode.analyzers.ruff import Ruff

MAX_CODE_BYTES = 64 * 1024
"""Larger snippets are refused: some tools return nothing, silently, on very large files."""
TOO_DEEP = "does not parse: nested too deeply"

_CODING = re.compile(r"\A(?:[ \t\f]*(?:#[^\n]*)?\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)")
_UTF8 = {"utf-8", "utf8", "utf-8-sig"}
_PROMPT = re.compile(r"^(\s*)>>> ?", re.MULTILINE)
_CONTINUED = re.compile(r"^\s*\.\.\. ?(.*)$")


def parse_errors(snippets: Sequence[Snippet], parser: Ruff | None = None) -> list[str | None]:
    """Why each Python snippet does not parse, or None where it does; in order.

    This interpreter's parser guards size and depth. ruff's parser then decides by the newest
    grammar, whatever interpreter runs, and also finds errors that only compiling shows. Where
    ruff cannot tell, this interpreter's answer stands.
    """
    from purpcode.analyzers.ruff import Ruff

    answers = [_own_answer(snippet.code) for snippet in snippets]
    asked = [row for row, (refused, _) in enumerate(answers) if refused is None]
    told = (parser or Ruff()).check_syntax([snippets[row] for row in asked])
    errors: list[str | None] = [refused for refused, _ in answers]
    for row, result in zip(asked, told, strict=True):
        errors[row] = _syntax_error(result.error, answers[row][1])
    return errors


def refuses_readable_code(error: str) -> bool:
    """Whether one of `parse_errors` turns code away that an interpreter might well run, as text
    that is no Python at all is not: such code was not looked at."""
    from purpcode.analyzers.ruff import SYNTAX_ERROR

    return error == TOO_DEEP or not error.startswith(SYNTAX_ERROR)


def _syntax_error(newest: str | None, own: str | None) -> str | None:
    from purpcode.analyzers.ruff import SYNTAX_ERROR

    if newest is None or newest.startswith(SYNTAX_ERROR):
        return newest
    return own


def _own_answer(code: str) -> tuple[str | None, str | None]:
    """(a refusal that stands, what this interpreter's parser says)."""
    try:
        size = len(code.encode("utf-8"))
    except UnicodeEncodeError:
        return "does not parse: it contains characters that UTF-8 cannot encode", None
    if size > MAX_CODE_BYTES:
        return f"is larger than {MAX_CODE_BYTES // 1024} KB ({size // 1024} KB)", None
    if "\0" in code:
        return "does not parse: it contains null bytes", None
    declared = _CODING.match(code)
    if declared and declared[1].lower().replace("_", "-") not in _UTF8:
        # Another encoding can turn comments into code when the program is run.
        return f"declares the source encoding '{declared[1]}'; only UTF-8 is analysed", None
    try:
        _tree(code)
    except (RecursionError, MemoryError):
        return TOO_DEEP, None
    except (SyntaxError, ValueError) as error:
        return None, f"does not parse: {getattr(error, 'msg', None) or error}"
    return None, None


def _tree(code: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in judged code are not our warnings
        return ast.parse(code)


def readable_source(code: str) -> str:
    """Code as an analyzer should see it: newlines as \\n, no byte order mark, the common
    indentation taken away, and an interactive session reduced to what was typed."""
    code = code.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if _PROMPT.match(code.lstrip("\n")):
        code = _typed_lines(code)
    return textwrap.dedent(code).strip("\n")


def _typed_lines(session: str) -> str:
    typed: list[str] = []
    for line in session.split("\n"):
        prompt, continued = _PROMPT.match(line), _CONTINUED.match(line)
        if prompt:
            typed.append(line[prompt.end() :])
        else:
            typed.append(continued[1] if continued else "")
    return "\n".join(typed)


def has_working_code(code: str) -> bool:
    """Whether Python code does anything: not just comments, imports, docstrings, `pass`, `...`,
    `raise NotImplementedError`, or definitions made of these. Code that this interpreter cannot
    parse (a newer grammar) counts as working."""
    try:
        return any(_works(node) for node in _tree(code).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True


def _works(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Pass | ast.Global | ast.Nonlocal):
        return False
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return any(_works(child) for child in node.body)
    if isinstance(node, ast.ClassDef):
        return any(_works(child) or isinstance(child, ast.AnnAssign) for child in node.body)
    if isinstance(node, ast.AnnAssign):
        return node.value is not None
    if isinstance(node, ast.Raise):
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return not (isinstance(raised, ast.Name) and raised.id == "NotImplementedError")
    return True
