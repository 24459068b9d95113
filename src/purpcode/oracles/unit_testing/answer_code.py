"""Which code of an answer is put to the test."""

from __future__ import annotations

import ast
import warnings

from purpcode.conversation import answer_text, code_blocks


class NoCodeError(Exception):
    """An answer without code that could be tested, and why."""


def python_code(text: str, entry_point: str | None = None, whole_program: bool = False) -> str:
    """The Python code of a response.

    Its Python blocks joined, up to the last that defines `entry_point` (what follows is usage).
    Blocks that do not parse together fall back to the last one that parses alone (and defines the
    entry point). A `whole_program` is the longest block that parses: alternatives are not joined.

    Raises:
        NoCodeError: without a Python block, or when nothing of it parses.
    """
    found = code_blocks(answer_text(text))
    blocks = [block.code for block in found if block.language == "python" and block.code.strip()]
    if not blocks:
        raise NoCodeError("the answer has no Python code")
    if whole_program:
        whole = [block for block in blocks if _defined(block) is not None]
        if not whole:
            raise NoCodeError(f"the code does not parse: {_syntax_problem(blocks[0])}")
        return max(whole, key=len)
    defining = [
        index for index, block in enumerate(blocks) if entry_point in (_defined(block) or ())
    ]
    until = defining[-1] + 1 if defining else len(blocks)
    joined = "\n".join(blocks[:until])
    if _defined(joined) is not None:
        return joined
    alone = [blocks[index] for index in defining] or [b for b in blocks if _defined(b) is not None]
    if not alone:
        raise NoCodeError(f"the code does not parse: {_syntax_problem(joined)}")
    return alone[-1]


def source_code(text: str, language: str) -> str:
    """The longest block of a response in a language other than Python; a block that names no
    language counts where none names this one. C may stand in a block named C++, and C++ in one
    named C: the target says what it is.

    Raises:
        NoCodeError: without such a block.
    """
    kin = {"c": ("c", "cpp"), "cpp": ("cpp", "c")}.get(language, (language,))
    found = [block for block in code_blocks(answer_text(text)) if block.code.strip()]
    named = [block.code for block in found if block.language in kin]
    blocks = named or [block.code for block in found if block.language in (None, "text")]
    if not blocks:
        raise NoCodeError(f"the answer has no {language} code")
    return max(blocks, key=len)


def _defined(code: str) -> set[str] | None:
    """Names a module's top level defines; None when it does not parse."""
    tree = _parsed(code)
    if not isinstance(tree, ast.Module):
        return None
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _syntax_problem(code: str) -> str:
    problem = _parsed(code)
    if isinstance(problem, SyntaxError):
        return f"line {problem.lineno}: {problem.msg}"
    return str(problem)


def _parsed(code: str) -> ast.Module | Exception:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error
