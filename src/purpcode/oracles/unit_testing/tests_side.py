"""The interpreter that holds the tests. Runs in the sandbox.

It forks before it knows anything: the child will run the code under test; the parent makes its
memory unreadable to the child, then reads tests and nonce from a pipe that is thereby empty. The
tests run here, the code there, and only values and references cross (`peer`). The parent alone
can print the outcome, under the nonce.

A negative control runs the same tests against stubs in place of the code, in this interpreter.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import ctypes
import io
import json
import os
import signal
import sys
import types
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from purpcode.oracles.unit_testing.code_side import be_the_code, trusted_paths
from purpcode.oracles.unit_testing.hollow import STUB_SHAPES, is_refused, tell_hollow_arrays
from purpcode.oracles.unit_testing.peer import Peer, PeerLost, Unsupported
from purpcode.oracles.unit_testing.reach import INTERNALS, is_power, require_permitted
from purpcode.oracles.unit_testing.remote import named
from purpcode.oracles.unit_testing.stubs import STUBS
from purpcode.oracles.unit_testing.wire import WireError

TEXT_CHARS = 200
PLACEHOLDER_MODULES = ("solution", "your_module", "answer", "main")
"""Names under which published tests import the code under test."""

_PR_SET_DUMPABLE = 4


class InvalidTests(Exception):
    """The tests cannot judge anything: their fault, not the code's."""


class LoadFailed(Exception):
    """The code under test does not load, or lacks what the tests name."""


class Subject(Protocol):
    """What the tests are run against: the code under test, or a stub in its place."""

    calls: int

    def load(self, names: set[str], module: str) -> dict[str, Any]:
        """The values of those names that the subject has; raises LoadFailed."""
        ...

    def look_up(self, name: str) -> Any:
        """The value of one more name; raises AttributeError."""
        ...

    def define(self, name: str, value: Any) -> None:
        """Replace a name in the subject's module."""
        ...


class CodeUnderTest(Peer):
    """The tests' end of the conversation with the code under test."""

    def __init__(self, reader: Any, writer: Any, code: str) -> None:
        super().__init__(reader, writer)
        self._code = code
        self._serving = 0
        self.refused_arrays = ""
        """See `hollow.is_refused`."""

    def load(self, names: set[str], module: str) -> dict[str, Any]:
        """Have the code loaded over there; exceptions it defines become classes of ours."""
        wanted = sorted(names)
        try:
            found = self.ask("load", None, self._code, wanted, module, _line_for_the_code)
        except Exception as error:
            text = f"{type(error).__name__}: {error!s:.{TEXT_CHARS}}"
            raise LoadFailed(f"the code does not load: {text}") from None
        values = {name: self._local(name, *parts) for name, parts in found.items()}
        # `f = sum` is a function too, one whose calls never cross.
        self.calls = sum(type(value) is types.BuiltinFunctionType for value in values.values())
        return values

    def look_up(self, name: str) -> Any:
        """One more name of the code's module."""
        calls = self.calls
        found = self.ask("look_up", None, name)
        self.calls = calls
        return self._local(name, *found)

    def define(self, name: str, value: Any) -> None:
        """Replace a name in the code's module, as a patch of the tests does."""
        self.ask("define", None, name, value)

    def require_permitted(self, operation: str, target: Any, name: str, *values: Any) -> None:
        """What the code asks of an object of the tests has narrower limits (see `reach`)."""
        super().require_permitted(operation, target, name)
        require_permitted(operation, target, str(name), *values)

    def array(self, dtype: str, shape: list[int] | None, items: list[Any]) -> Any:
        """An array of the code's, unless it is one that these tests take for any."""
        if is_refused(self.refused_arrays, shape):
            raise WireError("the code gives an array without items, which equals any here")
        return super().array(dtype, shape, items)

    def _serve(self, message: dict[str, Any]) -> None:
        self._serving += 1
        try:
            super()._serve(message)
        finally:
            self._serving -= 1

    def _export(self, value: Any) -> Any:
        if is_power(value) and not self._serving:
            raise Unsupported("the tests hand over a function that rules their interpreter")
        if self._serving and (isinstance(value, INTERNALS) or is_power(value)):
            raise TypeError("the interpreter's own objects cannot be reached across")
        return super()._export(value)

    def printed(self, texts: Any) -> None:
        """Print here what the code printed there, where the tests may capture it."""
        if isinstance(texts, list) and len(texts) == 2:
            for stream, text in zip((sys.stdout, sys.stderr), texts, strict=True):
                stream.write(str(text))

    def _local(self, name: str, kind: str, ancestors: Any, value: Any) -> Any:
        if kind != "error":
            return named(value, name)
        made = self.errors[name] = _local_error(name, ancestors)
        return made


def _line_for_the_code() -> str:
    """A line for the code's `input()`: from the tests' patch of it, else their standard input."""
    if builtins.input is not _INPUT:
        return str(builtins.input())
    line = sys.stdin.readline()
    if not line:
        raise EOFError("EOF when reading a line")
    return line.rstrip("\n")


_INPUT = builtins.input


def _local_error(name: str, ancestors: list[list[str]]) -> type[Exception]:
    """A class of our own for the code's exception, so that tests can catch it."""
    for _, ancestor in ancestors:
        base = getattr(builtins, ancestor, None)
        if isinstance(base, type) and issubclass(base, Exception):
            return type(name, (base,), {})
    return type(name, (Exception,), {})


Judge = Callable[[Subject, dict[str, Any]], tuple[str, str]]
"""Runs a request's tests against a subject: (passed | failed | invalid, reason)."""


def run(judge: Judge) -> NoReturn:
    """Fork, shield, read the request, judge, print the outcome under the nonce."""
    to_code, to_tests = os.pipe(), os.pipe()
    if os.fork() == 0:
        be_the_code(to_code, to_tests)
    os.close(to_code[0])
    os.close(to_tests[1])
    shielded = ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the code may send it, to end the tests early
    request = json.loads(sys.stdin.buffer.read())
    sys.path[:] = trusted_paths()
    if "numpy" in request["tests"]:
        tell_hollow_arrays()
    sys.stdin = io.StringIO()
    out = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    if request.get("control"):
        stubs = [name for name in STUBS if name not in STUB_SHAPES or "numpy" in request["tests"]]
        report: dict[str, Any] = {stub: _control(judge, request, stub) for stub in stubs}
    elif not shielded:
        report = {"outcome": "fault", "reason": "the tests could not be hidden from the code"}
    else:
        subject = CodeUnderTest(
            os.fdopen(to_tests[0], "rb"), os.fdopen(to_code[1], "wb"), request["code"]
        )
        subject.keep_arguments = bool(request.get("keep_arguments"))
        subject.refused_arrays = str(request.get("refused_arrays", ""))
        outcome, reason = judged(judge, subject, request)
        report = {"outcome": outcome, "reason": reason[:1000]}
    os.write(out, f"\n{request['nonce']} {json.dumps(report)}\n".encode())
    os._exit(0)


def judged(judge: Judge, subject: Subject, request: dict[str, Any]) -> tuple[str, str]:
    """The outcome of a judge, whatever the tests or the code raise."""
    try:
        return judge(subject, request)
    except InvalidTests as error:
        return "invalid", str(error)
    except Unsupported as error:
        return "invalid", str(error)
    except (PeerLost, LoadFailed) as error:
        return "failed", str(error)
    except AssertionError as error:
        return "failed", str(error) or "an assert failed"
    except BaseException as error:
        return "failed", f"a test raised {type(error).__name__}: {error!s:.{TEXT_CHARS}}"


def _control(judge: Judge, request: dict[str, Any], stub: str) -> dict[str, str]:
    """The outcome of the tests against a stub, in a process of its own."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.close(read)
        signal.setitimer(
            signal.ITIMER_REAL, float(request["stub_s"])
        )  # its signal ends the process
        outcome, reason = judged(judge, STUBS[stub](), request)
        os.write(write, json.dumps({"outcome": outcome, "reason": reason[:1000]}).encode())
        os._exit(0)
    os.close(write)
    text = b""
    while part := os.read(read, 1 << 16):
        text += part
    os.close(read)
    os.wait()
    # Tests that end their own process against a stub have not passed it.
    return json.loads(text) if text else {"outcome": "failed", "reason": "the tests ended"}


def parsed(tests: str) -> ast.Module:
    """The tests' syntax tree; raises InvalidTests."""
    try:
        return ast.parse(tests)
    except SyntaxError as error:  # apart from the run, where the code may raise one too
        raise InvalidTests(f"the tests do not parse: {error.msg}") from None


def names_to_bind(tree: ast.Module) -> set[str]:
    """Names that the tests use and neither define nor import."""
    used: set[str] = set()
    made: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            made.add(node.name)
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            made |= {(item.asname or item.name).split(".")[0] for item in statement.names}
    return {name for name in used - made if not hasattr(builtins, name)}


def names_imported(tree: ast.Module, modules: tuple[str, ...]) -> set[str]:
    """Names that the tests import from those modules, or read as their attributes."""
    found: set[str] = set()
    aliases = set(modules)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            aliases |= {item.asname for item in node.names if item.asname and item.name in modules}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in modules:
            found |= {item.name for item in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found |= {node.attr} if node.value.id in aliases else set()
    return found - {"*"}


def modules_used(tree: ast.Module) -> set[str]:
    """Standard modules tests use without importing them, as in `math.isclose(...)`: always the
    real ones, never what the code under test calls by that name."""
    made = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not _loads(n)}
    used = {
        node.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    return (used & set(sys.stdlib_module_names)) - made


def _loads(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


@contextlib.contextmanager
def importable(names: dict[str, Any], subject: Subject, module: str) -> Any:
    """Let the tests import the subject's names from its module."""
    stands_in = _SubjectModule(module, subject, names)
    known = [name for name in (module, *PLACEHOLDER_MODULES) if name not in sys.modules]
    for name in known:
        sys.modules[name] = stands_in
    try:
        yield
    finally:
        for name in known:
            sys.modules.pop(name, None)


class _SubjectModule(types.ModuleType):
    """The subject's module as the tests import it; what they set, the subject gets too."""

    def __init__(self, name: str, subject: Subject, names: dict[str, Any]) -> None:
        super().__init__(name)
        self.__dict__["__all__"] = sorted(names)
        self.__dict__.update(names)
        self.__dict__["_subject"] = subject

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._subject.look_up(name)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if not name.startswith("__"):
            self._subject.define(name, value)
