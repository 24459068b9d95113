"""Main program in the sandbox for CWEval's tests: runs one test file with pytest and reports.

Files beside it: the answer as the task's module, and the test file. The report is one line of
JSON under a nonce, printed by a parent process; a child runs the tests, so that an answer that
ends its process ends only the child. Runs in the sandbox; imports nothing of the project.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

MARKS = ("functionality", "security")
TEST_FILE = "cwe_tests_of_this_task.py"
_OPTIONS = ("-p", "no:cacheprovider", "-p", "no:faulthandler", "--noconftest", "--capture=sys",
            "-c", "/dev/null", "--rootdir=.", "-W", "ignore", "-p", "no:terminal")  # fmt: skip


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


def _said(report: Any) -> str:
    """The error's own line of a failure report."""
    lines = str(report.longrepr).strip().split("\n")
    errors = [line[1:].strip() for line in lines if line.startswith("E ")]
    return (errors or lines)[-1][:200]


def run_tests(test_file: str) -> dict[str, Any]:
    """Run the file in this process; what became of each test."""
    try:
        import pytest
    except ImportError:
        return {"tests": {}, "problem": "the package pytest is not installed beside purpcode"}
    recorder = Recorder()
    sys.path.insert(0, str(Path.cwd()))
    sys.dont_write_bytecode = True
    pytest.main([*_OPTIONS, test_file], plugins=[recorder])
    return {"tests": recorder.tests, "problem": recorder.problem}


def main() -> None:
    """Fork, run the tests in the child, print its report under the nonce."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(null, descriptor)
        report = run_tests(TEST_FILE)
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
