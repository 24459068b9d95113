"""Main program in the sandbox for assert-style tests.

It forks before it knows anything: the child will run the code under test; the parent makes its
memory unreadable to the child, then reads tests and nonce from a pipe that is thereby empty. The
tests run here, the code there, and only values and references cross (`peer`). The parent alone
can print the outcome, under the nonce.
"""

from __future__ import annotations

import ast
import builtins
import ctypes
import json
import os
import sys
import types
from typing import Any, NoReturn

from purpcode.oracles.unit_testing.peer import Peer, PeerLost

_PR_SET_DUMPABLE = 4
_TEXT_CHARS = 200
_MARK = "__assert_reached__"


class InvalidTests(Exception):
    """The tests cannot judge anything: their fault, not the code's."""


class CodePeer(Peer):
    """The end that holds the code under test: it can load it and name what it defines."""

    module: dict[str, Any]

    def handle(self, operation: str, operands: list[Any], named: dict[str, Any]) -> Any:
        """`load` executes the code; the rest is `Peer`'s."""
        if operation != "load":
            return super().handle(operation, operands, named)
        _, code, wanted = operands
        module = types.ModuleType("solution")
        sys.modules["solution"] = module
        self.module = module.__dict__
        exec(compile(code, "solution.py", "exec", dont_inherit=True), self.module)
        return {name: self._described(self.module[name]) for name in wanted if name in self.module}

    def _described(self, value: Any) -> Any:
        if isinstance(value, type) and issubclass(value, Exception):
            return ("error", [kind.__name__ for kind in value.__mro__], value)
        return ("value", value)


def main() -> NoReturn:
    """Fork, shield, read the request, judge, print the outcome under the nonce."""
    to_code, to_tests = os.pipe(), os.pipe()
    if os.fork() == 0:
        _be_the_code(to_code, to_tests)
    os.close(to_code[0])
    os.close(to_tests[1])
    shielded = ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
    request = json.loads(sys.stdin.buffer.read())
    sys.path[:] = _standard_paths()
    if not shielded:
        outcome, reason = "fault", "the tests could not be hidden from the code under test"
    else:
        peer = Peer(os.fdopen(to_tests[0], "rb"), os.fdopen(to_code[1], "wb"))
        outcome, reason = judge(peer, request["code"], request["tests"], request["entry_point"])
    report = json.dumps({"outcome": outcome, "reason": reason[:1000]})
    sys.stdout.flush()
    os.write(1, f"\n{request['nonce']} {report}\n".encode())
    os._exit(0)


def _be_the_code(to_code: tuple[int, int], to_tests: tuple[int, int]) -> NoReturn:
    os.close(to_code[1])
    os.close(to_tests[0])
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    sys.path[:] = _standard_paths()
    try:
        CodePeer(os.fdopen(to_code[0], "rb"), os.fdopen(to_tests[1], "wb")).serve_forever()
    finally:
        os._exit(0)


def _standard_paths() -> list[str]:
    """Without the program's folder: the code under test can write modules there."""
    return [path for path in sys.path if path.startswith(sys.base_prefix)]


def judge(peer: Peer, code: str, tests: str, entry_point: str | None) -> tuple[str, str]:
    """(passed | failed | invalid, reason) of running tests against code behind a peer."""
    try:
        tree = ast.parse(tests)
    except SyntaxError as error:  # apart from the run below, where the code may raise one too
        return "invalid", f"the tests do not parse: {error.msg}"
    try:
        names = _names_to_bind(tree, entry_point)
        namespace = _load(peer, code, names, entry_point)
        return "passed", f"{_run(peer, tree, namespace, entry_point)} asserts passed"
    except InvalidTests as error:
        return "invalid", str(error)
    except (PeerLost, _LoadFailed) as error:
        return "failed", str(error)
    except AssertionError as error:
        return "failed", str(error) or "an assert failed"
    except BaseException as error:
        return "failed", f"a test raised {type(error).__name__}: {error!s:.{_TEXT_CHARS}}"


class _LoadFailed(Exception):
    pass


def _names_to_bind(tree: ast.Module, entry_point: str | None) -> set[str]:
    used: set[str] = set()
    made: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else made).add(node.id)
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            made |= {(item.asname or item.name).split(".")[0] for item in statement.names}
    names = {name for name in used - made if not hasattr(builtins, name)}
    return names | {entry_point} if entry_point else names


def _load(peer: Peer, code: str, names: set[str], entry_point: str | None) -> dict[str, Any]:
    try:
        found = peer.ask("load", None, code, sorted(names))
    except Exception as error:
        text = f"{type(error).__name__}: {error!s:.{_TEXT_CHARS}}"
        raise _LoadFailed(f"the code does not load: {text}") from None
    if entry_point and entry_point not in found:
        raise _LoadFailed(f"the code defines no '{entry_point}'")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for name, description in found.items():
        if description[0] == "error":
            namespace[name] = peer.errors[name] = _local_error(name, description[1])
        else:
            namespace[name] = description[1]
    return namespace


def _local_error(name: str, ancestors: list[str]) -> type[Exception]:
    """A class of our own for the code's exception, so that tests can catch it."""
    for ancestor in ancestors:
        base = getattr(builtins, ancestor, None)
        if isinstance(base, type) and issubclass(base, Exception):
            return type(name, (base,), {})
    return type(name, (Exception,), {})


def _run(peer: Peer, tree: ast.Module, namespace: dict[str, Any], entry_point: str | None) -> int:
    """Execute the tests; the number of asserts. Every assert must have been reached."""
    for name in _modules_used(tree) - {entry_point}:
        namespace[name] = __import__(name)
    marks = _Marks()
    namespace[_MARK] = marks.reached.add
    marked = ast.fix_missing_locations(marks.visit(tree))
    calls_to_load = peer.calls
    try:
        program = compile(marked, "tests", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise InvalidTests(f"the tests do not compile: {error.msg}") from None
    try:
        exec(program, namespace)
        check = namespace.get("check")
        if isinstance(check, types.FunctionType) and entry_point and not marks.reached:
            check(namespace[entry_point])  # the convention of HumanEval's tests
    except ModuleNotFoundError as error:
        if error.name:  # raised by our own import; the code's arrives as text alone
            raise InvalidTests(f"the tests need the module '{error.name}'") from None
        raise
    if not marks.asserts or peer.calls == calls_to_load:
        raise InvalidTests("the tests assert nothing about the code")
    for mark, function in marks.asserts.items():
        if mark not in marks.reached:
            if function is not None and function not in marks.reached:
                raise InvalidTests("the tests hold a function with asserts that nothing calls")
            raise AssertionError("the code led the tests past an assert")
    return len(marks.asserts)


def _modules_used(tree: ast.Module) -> set[str]:
    """Standard modules tests use without importing them, as in `math.isclose(...)`: always the
    real ones, never what the code under test calls by that name."""
    made = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not _loads(node)}
    used = {
        node.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    return (used & set(sys.stdlib_module_names)) - made


def _loads(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


class _Marks(ast.NodeTransformer):
    """Notes every assert and every function entered, and makes an assert's text its message.

    `asserts` maps an assert's mark to the mark of the function around it (None at top level).
    `assert False` is left out: it says that a line must not be reached.
    """

    def __init__(self) -> None:
        self.asserts: dict[int, int | None] = {}
        self.reached: set[int] = set()
        self._around: list[int] = []
        self._next = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        mark, call = self._mark()
        self._around.append(mark)
        self.generic_visit(node)
        self._around.pop()
        node.body.insert(0, call)
        return node

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        text = ast.unparse(node)[:_TEXT_CHARS]
        named = ast.Assert(test=node.test, msg=ast.Constant(f"failed: {text}"))
        if isinstance(node.test, ast.Constant) and not node.test.value:
            return [named]
        mark, call = self._mark()
        self.asserts[mark] = self._around[-1] if self._around else None
        return [call, named]

    def _mark(self) -> tuple[int, ast.stmt]:
        self._next += 1
        call = ast.Call(ast.Name(_MARK, ast.Load()), [ast.Constant(self._next)], [])
        return self._next, ast.Expr(call)


if __name__ == "__main__":
    main()
