"""Main program in the sandbox for pytest files: see `tests_side`.

The file is never on disk: pytest collects it from memory, in the tests' interpreter, without
configuration, conftest files or plugins of its surroundings.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import sys
import types
from pathlib import Path
from typing import Any

from purpcode.oracles.unit_testing.marks import MARK, Marks
from purpcode.oracles.unit_testing.tests_side import (
    PLACEHOLDER_MODULES,
    TEXT_CHARS,
    InvalidTests,
    Subject,
    importable,
    modules_used,
    names_imported,
    names_to_bind,
    parsed,
    run,
)

_NOWHERE = Path("/nonexistent")
_OPTIONS = (
    *("-x", "-p", "no:cacheprovider", "-p", "no:faulthandler", "--noconftest", "--capture=sys"),
    *("-c", "/dev/null", "--rootdir", "/", "--import-mode=importlib"),
    *("-p", "no:terminal"),
)


def judge(subject: Subject, request: dict[str, Any]) -> tuple[str, str]:
    """Collect and run the tests; every test must have run, and every assert been reached."""
    try:
        import pytest
    except ImportError:
        raise InvalidTests("pytest tests need the package 'pytest' in the sandbox") from None
    tree, module = parsed(request["tests"]), request["module"]
    defined = _test_names(tree)
    wanted = names_imported(tree, (module, *PLACEHOLDER_MODULES)) | names_to_bind(tree)
    if request["entry_point"]:
        wanted.add(request["entry_point"])
    found = subject.load(wanted, module)
    marks = Marks()
    namespace: dict[str, Any] = {**found, MARK: marks.reached.add}
    for name in modules_used(tree) - {request["entry_point"]}:
        namespace[name] = __import__(name)
    if "pytest" in names_to_bind(tree):
        namespace["pytest"] = pytest
    program = compile(
        ast.fix_missing_locations(marks.visit(tree)), "tests", "exec", dont_inherit=True
    )
    with importable(found, subject, module):
        record = _run_pytest(program, namespace)
    _require(record, defined, subject, marks)
    return "passed", f"{record.passed} tests passed"


def _require(record: Any, defined: set[str], subject: Subject, marks: Marks) -> None:
    """Raise unless every test ran and passed."""
    if record.invalid:
        raise InvalidTests(record.invalid)
    if record.raised is not None:
        raise record.raised
    if record.failure:
        raise AssertionError(record.failure)
    if not record.collected:
        raise InvalidTests("pytest collects no test")
    if record.skipped == record.collected:
        raise InvalidTests("every test is skipped")
    if record.passed + record.skipped != record.collected or defined - record.names:
        raise AssertionError("not every test ran to its end")
    if not subject.calls:
        raise InvalidTests("the tests never call the code")
    missed = marks.missed()
    if missed:
        raise AssertionError(missed)


def _test_names(tree: ast.Module) -> set[str]:
    """Names of the test functions at top level and of the methods of `Test*` classes."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:4] == "test":
            names.add(node.name)
        elif isinstance(node, ast.ClassDef) and node.name[:4] == "Test":
            names |= {
                item.name
                for item in node.body
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
                and item.name[:4] == "test"
            }
    return names


def _run_pytest(program: types.CodeType, namespace: dict[str, Any]) -> Any:
    """Run a compiled test file in this process; gives the `_Record` of it."""
    import pytest

    record = _Record()

    class MemoryModule(pytest.Module):
        """A test module that is compiled already."""

        def _getobj(self) -> types.ModuleType:
            made = types.ModuleType("test_solution")
            made.__dict__.update(namespace)
            try:
                exec(program, made.__dict__)
            except BaseException as error:
                record.load_failure(error)
                raise self.CollectError(str(error)) from None
            return made

    class Plugin:
        """Collects the one module and notes what became of its tests."""

        @pytest.hookimpl(tryfirst=True)
        def pytest_collection(self, session: Any) -> bool:
            session.items = []
            module = MemoryModule.from_parent(session, path=_NOWHERE / "test_solution.py")
            session.items.extend(session.genitems(module))
            hook = session.config.hook
            hook.pytest_collection_modifyitems(
                session=session, config=session.config, items=session.items
            )
            session.testscollected = record.collected = len(session.items)
            record.names = {
                getattr(item, "originalname", None) or item.name for item in session.items
            }
            return True

        def pytest_collectreport(self, report: Any) -> None:
            if report.failed:
                record.note_failure("collection", report)

        @pytest.hookimpl(tryfirst=True)
        def pytest_pyfunc_call(self, pyfuncitem: Any) -> bool | None:
            if not inspect.iscoroutinefunction(pyfuncitem.obj):
                return None
            names = pyfuncitem._fixtureinfo.argnames
            asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
            return True

        def pytest_runtest_makereport(self, call: Any) -> None:
            if call.excinfo is not None:
                record.note_exception(call.excinfo.value)

        def pytest_runtest_logreport(self, report: Any) -> None:
            record.note(report)

    pytest.main([*_OPTIONS], plugins=[Plugin()])
    return record


class _Record:
    """What became of the tests of one file."""

    def __init__(self) -> None:
        self.collected = self.passed = self.skipped = 0
        self.names: set[str] = set()
        self.failure = ""
        self.invalid = ""
        self.raised: BaseException | None = None

    def load_failure(self, error: BaseException) -> None:
        """The test file itself could not be loaded."""
        if isinstance(error, ModuleNotFoundError) and error.name:
            self.invalid = f"the tests need the module '{error.name}'"
        elif not isinstance(error, Exception):
            self.raised = error
        else:
            self.failure = f"loading the tests raised {type(error).__name__}: {error}"[:TEXT_CHARS]

    def note_exception(self, error: BaseException) -> None:
        """A test ended with an exception."""
        kind = type(error).__name__
        if kind == "FixtureLookupError":
            self.invalid = self.invalid or f"the tests need a fixture: {error!s:.{TEXT_CHARS}}"
        elif isinstance(error, ModuleNotFoundError) and error.name:
            self.invalid = self.invalid or f"the tests need the module '{error.name}'"
        elif kind in ("PeerLost", "Unsupported", "LoadFailed"):
            self.raised = self.raised or error
        elif kind not in ("Skipped", "XFailed") and not self.failure:
            self.failure = f"{kind}: {error!s:.{TEXT_CHARS}}"

    def note(self, report: Any) -> None:
        """A test's phase is over."""
        if report.failed:
            self.note_failure(report.nodeid, report)
        elif report.skipped:
            self.skipped += 1
            if report.when == "call" and not hasattr(report, "wasxfail"):
                self.invalid = self.invalid or "a test skips itself while it runs"
        elif report.when == "call":
            self.passed += 1

    def note_failure(self, place: str, report: Any) -> None:
        """A test or the collection failed."""
        said = self.failure or str(report.longrepr)[:TEXT_CHARS]
        name = place.rpartition("::")[2]
        self.failure = said if said.startswith(name) else f"{name}: {said}"


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    run(judge)
