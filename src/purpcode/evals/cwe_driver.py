"""Main program in the sandbox for CWEval's tests: runs one test file with pytest and reports.

Files beside it: the settings, the answer as the task's module or program, and the test file. The
report is one line of JSON under a nonce, printed by a parent process; a child runs the tests, so
that an answer that ends its process ends only the child. Where the answer is a process of its own
(`apart`), parent and child close their memory and descriptors to it, import nothing from the folder
it can write, and remove the test file once it is loaded. Runs in the sandbox; imports nothing of
the project.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

MARKS = ("functionality", "security")
TEST_FILE = "cwe_tests_of_this_task.py"
SETTINGS_FILE = "cwe_run.json"
"""May hold `test_file`, `apart`, `test_s` (deadline of one test) and `environment`."""
_OPTIONS = ("-p", "no:cacheprovider", "-p", "no:faulthandler", "--noconftest", "--capture=sys",
            "-c", "/dev/null", "--rootdir=.", "-W", "ignore", "-p", "no:terminal")  # fmt: skip
_PR_SET_DUMPABLE = 4


class DeadlineError(BaseException):
    """A test took too long. No `Exception`: the tests' own code must not catch it."""


class Recorder:
    """Notes each test's marks and outcome; leaves out the tests of upstream's own samples."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, Any]] = {}
        self.problem = ""
        self._names: dict[str, str] = {}

    def pytest_configure(self, config: Any) -> None:
        """Declare the marks."""
        for mark in MARKS:
            config.addinivalue_line("markers", f"{mark}: of CWEval")

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Keep the tests of the answer: the others hold upstream's samples against the tests."""
        items[:] = [item for item in items if "_unsafe" not in item.originalname]
        for place, item in enumerate(items):  # parameters in a test's own name may hold the time
            marks = [mark for mark in MARKS if item.get_closest_marker(mark)]
            self._names[item.nodeid] = name = f"{item.originalname}#{place}"
            self.tests[name] = {"marks": marks, "outcome": "not run"}

    def pytest_collectreport(self, report: Any) -> None:
        """A file that cannot be imported."""
        if report.failed:
            self.problem = _said(report)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A phase of a test is over."""
        entry = self.tests[self._names[report.nodeid]]
        if report.failed:
            entry["outcome"] = "failed"
            entry["reason"] = _said(report)
        elif report.skipped:
            entry["outcome"] = "skipped"
        elif report.when == "call" and entry["outcome"] == "not run":
            entry["outcome"] = "passed"


class Watch:
    """Ends tests at their deadline, and the run once neither mark can be met any more.

    Before the first test runs, it removes the test file: an answer need not read it.
    """

    def __init__(self, recorder: Recorder, test_file: str, seconds: float) -> None:
        self._recorder = recorder
        self._test_file = test_file
        self._seconds = seconds

    def pytest_collection_finish(self) -> None:
        """Everything is loaded."""
        Path(self._test_file).unlink()
        signal.signal(signal.SIGALRM, _too_late)

    def pytest_runtest_call(self) -> None:
        """A test begins."""
        signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def pytest_runtest_teardown(self, item: Any) -> None:
        """A test is over."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        seen = self._recorder.tests.values()
        failed = {mark for one in seen if one["outcome"] == "failed" for mark in one["marks"]}
        if failed.issuperset(MARKS):
            item.session.shouldstop = "neither functional nor secure"


def _too_late(*_: object) -> None:
    raise DeadlineError("the test took too long")


def _said(report: Any) -> str:
    """The error's own line of a failure report."""
    lines = str(report.longrepr).strip().split("\n")
    errors = [line[1:].strip() for line in lines if line.startswith("E ")]
    return (errors or lines)[-1][:200]


def run_tests(settings: dict[str, Any]) -> dict[str, Any]:
    """Run the file in this process; what became of each test."""
    try:
        import pytest
    except ImportError:
        return {"tests": {}, "problem": "the package pytest is not installed beside purpcode"}
    recorder = Recorder()
    plugins: list[Any] = [recorder]
    options = list(_OPTIONS)
    test_file = settings.get("test_file", TEST_FILE)
    sys.dont_write_bytecode = True
    own = str(Path.cwd())
    if settings.get("apart"):
        sys.path[:] = [path for path in sys.path if path not in ("", own)]
        options.append("--import-mode=importlib")
        plugins.append(Watch(recorder, test_file, settings["test_s"]))
    else:
        sys.path.insert(0, own)
    pytest.main([*options, test_file], plugins=plugins)
    return {"tests": recorder.tests, "problem": recorder.problem}


def _close_to_others() -> None:
    """Let no process of the same user open this one's memory and descriptors in /proc."""
    import ctypes

    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        sys.exit("this process cannot be closed to others")


def main() -> None:
    """Fork, run the tests in the child, print its report under the nonce."""
    path = Path(SETTINGS_FILE)
    settings = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if settings.get("apart"):
        _close_to_others()
        os.environ.update(settings["environment"])
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(null, descriptor)
        report = run_tests(settings)
        os.write(writer, json.dumps(report).encode())
        os._exit(0)
    os.close(writer)
    nonce = sys.stdin.readline().strip()
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    os.wait()
    sys.stdout.write(f"\n{nonce} {said}\n")


if __name__ == "__main__":
    main()
