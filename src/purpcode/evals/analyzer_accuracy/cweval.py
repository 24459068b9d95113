"""Rows from a CWEval checkout (Peng et al. 2025, arXiv 2501.08200): references and unsafe twins.

A task file holds the secure reference; the test file beside it defines `<function>_unsafe` (or
`_unsafe_0`, `_unsafe_1` ...), which the security tests must reject. An unsafe function is taken
out with the imports and module-level definitions it uses, under the reference's name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from purpcode.errors import InputError
from purpcode.evals.analyzer_accuracy.labelled import LabelledCode, read_source

_TASK = re.compile(r"(cwe_0*(\d+)_\d+)_task\.py")
_UNSAFE = re.compile(r"(?!_?test_)(\w+?)_unsafe(?:_\d+)?")


def cweval_rows(source: Path) -> list[LabelledCode]:
    """One secure row per Python task, and one insecure row per unsafe variant of it."""
    folder = source / "benchmark" / "core" / "py"
    folder = folder if folder.is_dir() else source
    rows: list[LabelledCode] = []
    for task in sorted(folder.glob("cwe_*_task.py")):
        name = _TASK.fullmatch(task.name)
        if name is None:
            continue
        secure, cwe = read_source(task), (int(name[2]),)
        rows.append(LabelledCode(id=name[1], code=secure, label="secure", cwe=cwe, pair=name[1]))
        rows += [
            LabelledCode(
                id=f"{name[1]}:{variant}", code=code, label="insecure", cwe=cwe, pair=name[1]
            )
            for variant, code in unsafe_variants(read_source(task.with_name(f"{name[1]}_test.py")))
        ]
    return rows


def unsafe_variants(test_source: str) -> Iterator[tuple[str, str]]:
    """(function name, stand-alone code) of every unsafe function that a test file defines."""
    try:
        module = ast.parse(test_source)
    except SyntaxError as error:
        raise InputError(f"a test file does not parse ({error.msg})") from None
    defined: dict[str, ast.stmt] = {}
    for statement in module.body:
        for name in _names_defined(statement):
            defined[name] = statement
    for statement in module.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            unsafe = _UNSAFE.fullmatch(statement.name)
            if unsafe is not None:
                code = _with_context(statement, defined, module, test_source)
                yield statement.name, re.sub(rf"\b{statement.name}\b", unsafe[1], code)


def _with_context(
    function: ast.stmt, defined: dict[str, ast.stmt], module: ast.Module, source: str
) -> str:
    """A function's source after everything at module level that it needs, in file order."""
    needed: list[ast.stmt] = [function]
    for statement in needed:  # grows while it is walked
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id in defined:
                definition = defined[node.id]
                if definition not in needed:
                    needed.append(definition)
    kept = [statement for statement in module.body if statement in needed]
    lines = source.splitlines()
    return "\n\n".join("\n".join(lines[_first(one) - 1 : one.end_lineno]) for one in kept) + "\n"


def _first(statement: ast.stmt) -> int:
    """The first line of a statement, its decorators included."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return min([statement.lineno, *(one.lineno for one in statement.decorator_list)])
    return statement.lineno


def _names_defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    return []
