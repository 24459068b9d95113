"""Main program in the sandbox for assert-style tests: see `tests_side`."""

from __future__ import annotations

import ast
import types
from typing import Any

from purpcode.oracles.unit_testing.marks import MARK, Marks
from purpcode.oracles.unit_testing.tests_side import (
    PLACEHOLDER_MODULES,
    InvalidTests,
    LoadFailed,
    Subject,
    importable,
    modules_used,
    names_imported,
    names_to_bind,
    parsed,
    run,
)


def judge(subject: Subject, request: dict[str, Any]) -> tuple[str, str]:
    """Execute the tests at top level. Every assert must have been reached."""
    tree, entry_point = parsed(request["tests"]), request["entry_point"]
    module = request["module"]
    wanted = names_to_bind(tree) | names_imported(tree, (module, *PLACEHOLDER_MODULES))
    found = subject.load(wanted | {entry_point} if entry_point else wanted, module)
    if entry_point and entry_point not in found:
        raise LoadFailed(f"the code defines no '{entry_point}'")
    namespace: dict[str, Any] = {"__name__": "__main__", **found}
    for name in modules_used(tree) - {entry_point}:
        namespace[name] = __import__(name)
    marks = Marks()
    namespace[MARK] = marks.reached.add
    program = _compiled(marks.visit(tree))
    with importable(found, subject, module):
        _execute(program, namespace, marks, entry_point)
    if not marks.asserts or not subject.calls:
        raise InvalidTests("the tests assert nothing about the code")
    if marks.uncalled():
        raise InvalidTests("the tests hold a function with asserts that nothing calls")
    if marks.uncalled(named=True):
        raise AssertionError("the code led the tests past a function with asserts")
    missed = marks.missed()
    if missed:
        raise AssertionError(missed)
    return "passed", f"{len(marks.asserts)} asserts passed"


def _compiled(tree: ast.AST) -> types.CodeType:
    try:
        marked: Any = ast.fix_missing_locations(tree)
        return compile(marked, "tests", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise InvalidTests(f"the tests do not compile: {error.msg}") from None


def _execute(
    program: types.CodeType, namespace: dict[str, Any], marks: Marks, entry_point: str | None
) -> None:
    try:
        exec(program, namespace)
        check = namespace.get("check")
        if isinstance(check, types.FunctionType) and entry_point and not marks.reached:
            check(namespace[entry_point])  # the convention of HumanEval's tests
    except ModuleNotFoundError as error:
        if error.name:  # raised by our own import; the code's arrives as text alone
            raise InvalidTests(f"the tests need the module '{error.name}'") from None
        raise


if __name__ == "__main__":
    run(judge)
