"""Where a program shows how it is used: tests and examples, whose values are made up."""

from __future__ import annotations

import ast
import re

from purpcode.analyzers.flow.code import Code, Scope

_SHOWS = re.compile(
    r"(?i)^_?(main|demo\w*|example\w*|test\w*|run_demo|run_tests?|"
    r"run_example\w*|setUp\w*)$"
)
_TESTS = re.compile(r"(?i)test")


def is_demonstration(code: Code, node: ast.AST, scope: Scope) -> bool:
    """Whether a node stands in a test, in an example function, or under
    `if __name__ == "__main__":`."""
    if _SHOWS.search(scope.name) or (scope.owner and _TESTS.search(scope.owner)):
        return True
    around: ast.AST | None = node
    while around is not None:
        if isinstance(around, ast.If) and "__name__" in ast.unparse(around.test):
            return True
        around = code.parents.get(id(around))
    return False


def hands_to_own_code(code: Code, name: str, scope: Scope) -> bool:
    """Whether a variable is given to nothing but functions of the program itself."""
    given = [
        call
        for call in code.calls
        if call.scope.path == scope.path
        and any(isinstance(one, ast.Name) and one.id == name for one in _arguments(call.node))
    ]
    own = [
        call
        for call in given
        if "print" in call.names or any(one.startswith("@") for one in call.names)
    ]
    return bool(given) and len(own) == len(given)


def _arguments(node: ast.Call) -> list[ast.expr]:
    return [*node.args, *(one.value for one in node.keywords)]
