"""cwe_programs: CWEval's tests of answers that are programs of their own, in the sandbox.

The tests are Python; they start the answer, a binary or a script for node, and look at what it
prints and writes. Two sandboxes: one compiles, and sees the source alone; in the other pytest and
the answer run side by side. There the answer is another process than the tests, which have been
loaded and removed before it first runs. They have closed their memory and descriptors to it and
import nothing from a folder it can write; all it can do to them is end them, and then it fails.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from purpcode.evals.cwe_build import (
    Kit,
    build_launch,
    build_problem,
    complete,
    kit_of,
    load_launch,
)
from purpcode.evals.cwe_driver import SETTINGS_FILE, TEST_FILE
from purpcode.evals.cwe_report import Report, read_report
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.sandbox.execution import ExecutionResult, Program
from purpcode.sandbox.languages import Launch, program_files

TEST_S = 20.0
"""Deadline of one test, wide enough for a busy machine; upstream has 3 s."""
TIMEOUT_S = 120.0
"""Deadline of one task's test file."""
MEMORY_MB = 2048
FOLDER = "compiled"
"""Where upstream's tests look for binaries."""
CHECKER = "third_party/recheck-linux-x64"
"""Upstream's checker of regular expressions, which the tests of a few tasks start."""


class ProgramTests:
    """Runs tests that start programs, one task at a time.

    Parameters
    ----------
    sandbox
        Where compilers, tests and answers run, with the packages that the tests import.
    driver
        Text of the program that runs a test file with pytest.
    checkout
        Upstream's checkout, for the checker that some tests start.
    """

    def __init__(
        self, sandbox: BubblewrapSandbox, driver: str, checkout: Path | None = None
    ) -> None:
        self._sandbox = sandbox
        self._driver = driver
        self._checkout = checkout

    def reference(self, target: Mapping[str, Any], source: str) -> Report:
        """The task's own solution, tested; what is missing here is the report's fault.

        Tests that an empty answer passes as well do not test the answer: that is a fault too.
        """
        kit = kit_of(str(target["language"]))
        if CHECKER in str(target["test"]) and not self._checker(target):
            return Report({}, f"the checkout of CWEval has no {CHECKER}", unmeasured=True)
        loading = load_launch(kit, source) if kit and not kit.fault else None
        if loading is not None:
            loaded = self._run(loading)[0]
            if loaded.status != "passed":
                return _not_built(loaded, "it does not load")
        report = self.whole(target, source)
        if kit is None or report.fault or report.failing():
            return report
        empty = self._tested(kit, target, "", b"")
        if empty.tests and not empty.failing():
            return Report({}, "its tests pass an empty answer, too", unmeasured=True)
        return report

    def answer(self, target: Mapping[str, Any], code: str) -> Report:
        """An answer's code, made a program as upstream does, and tested."""
        language, reference = str(target["language"]), str(target["reference"])
        return self.whole(target, complete(language, code, reference))

    def whole(self, target: Mapping[str, Any], source: str) -> Report:
        """A whole program, tested."""
        kit = kit_of(str(target["language"]))
        if kit is None or kit.fault:
            fault = kit.fault if kit else f"tests of {target['language']} tasks are not run here"
            return Report({}, fault, unmeasured=True, missing=kit.missing if kit else "")
        if not kit.compiles:
            return self._tested(kit, target, source, b"")
        built, binary = self._run(build_launch(kit, target, source))
        if built.status != "passed":
            return _not_built(built, "it does not compile")
        return self._tested(kit, target, source, binary)

    def module(self, target: Mapping[str, Any], source: str) -> Report:
        """A Python answer, in one process with its tests, which start the checker."""
        if not self._checker(target):
            return Report({}, f"the checkout of CWEval has no {CHECKER}", unmeasured=True)
        return self._launched(target, TEST_FILE, {f"{target['module']}.py": source})

    def _tested(self, kit: Kit, target: Mapping[str, Any], source: str, binary: bytes) -> Report:
        module = str(target["module"])
        test_file = f"{module.removesuffix('_task')}_test.py"
        settings = {
            "test_file": test_file,
            "apart": True,
            "test_s": TEST_S,
            "environment": dict(kit.environment),
        }
        files = {SETTINGS_FILE: json.dumps(settings), f"{module}{kit.suffix}": source}
        binaries = {f"{FOLDER}/{module}": binary} if kit.compiles else {}
        return self._launched(target, test_file, files, binaries, kit.mounts)

    def _launched(
        self,
        target: Mapping[str, Any],
        test_file: str,
        files: Mapping[str, str],
        binaries: Mapping[str, bytes] = MappingProxyType({}),
        mounts: tuple[str, ...] = (),
    ) -> Report:
        nonce = secrets.token_hex(16)
        program = Program(
            code=self._driver,
            files={**files, test_file: str(target["test"])},
            stdin=f"{nonce}\n",
            timeout_s=TIMEOUT_S,
            memory_mb=MEMORY_MB,
        )
        executed = {**binaries, **self._checker(target)}
        named = {**program_files(program), **executed}
        launch = Launch(
            limits=program,
            files=named,
            executables=frozenset(executed),
            read_only=frozenset(named) - {test_file},  # the driver removes the tests
            mounts=mounts,
            unbounded=True,
        )
        return read_report(nonce, self._run(launch)[0])

    def _checker(self, target: Mapping[str, Any]) -> dict[str, bytes]:
        """Upstream's checker, where the task's tests start it and the checkout has it."""
        path = self._checkout / CHECKER if self._checkout else None
        if path is None or CHECKER not in str(target["test"]) or not path.is_file():
            return {}
        return {CHECKER: path.read_bytes()}

    def _run(self, launch: Launch) -> tuple[ExecutionResult, bytes]:
        """What came of a launch, and its standard output as bytes."""
        try:
            supervision = self._sandbox.start(launch)
        except OSError as error:
            evidence = {"error": f"bubblewrap cannot be started: {error}"}
            return ExecutionResult(status="sandbox_error", evidence=evidence), b""
        return supervision.result(self._sandbox.name), bytes(supervision.output["out"])


def _not_built(result: ExecutionResult, what: str) -> Report:
    if result.status == "sandbox_error":
        return Report({}, str(result.evidence.get("error")), unmeasured=True)
    said = build_problem(result.stderr) if result.status == "failed" else result.status
    return Report({}, f"{what}: {said}")
