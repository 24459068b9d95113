"""Runs programs as plain subprocesses. Nothing is confined: chosen only by its own name."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from purpcode.sandbox.execution import MAIN_FILE, ExecutionResult, Program, run_in_threads
from purpcode.sandbox.namespace_descriptors import memory_file
from purpcode.sandbox.packages import find_packages
from purpcode.sandbox.process_tree import ChildTree
from purpcode.sandbox.supervisor import Supervision

_ENVIRONMENT = {"PATH": os.defpath, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
_log = logging.getLogger(__name__)


class UnsafeSubprocess:
    """No sandbox at all: the program reads and writes what this user may, and has the network.

    It has a temporary folder, a deadline, and limits on memory and output. For code that is
    trusted, on machines that are thrown away.
    """

    name = "unsafe-subprocess"

    def __init__(self, packages: Sequence[str] = ()) -> None:
        self.packages = find_packages(packages).names  # installed: all of them are importable
        self._bootstrap = (Path(__file__).parent / "bootstrap.py").read_text()

    def fingerprint(self) -> str:
        """Backend, interpreter version and machine."""
        return f"{self.name}/python-{platform.python_version()}/{platform.machine()}"

    def run(self, program: Program) -> ExecutionResult:
        """Run one program unconfined; the first one logs a warning."""
        _warn_once()
        if program.language != "python":
            fault = f"this backend runs Python only, not {program.language}"
            evidence = {"backend": self.name, "error": fault}
            return ExecutionResult(status="sandbox_error", evidence=evidence)
        try:
            with tempfile.TemporaryDirectory(
                prefix="purpcode-", ignore_cleanup_errors=True
            ) as name:
                return self._run(program, Path(name))
        except OSError as error:
            return ExecutionResult(
                status="sandbox_error",
                evidence={"backend": self.name, "error": f"cannot start a process: {error}"},
            )

    def run_many(self, programs: Sequence[Program], workers: int = 0) -> list[ExecutionResult]:
        """Run programs in a thread pool, results in order."""
        return run_in_threads(self.run, programs, workers)

    def _run(self, program: Program, folder: Path) -> ExecutionResult:
        for name, text in {**program.files, MAIN_FILE: program.code}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="surrogatepass")
        report = memory_file(b"")
        command = [sys.executable, "-s", "-c", self._bootstrap, str(report), "-1"]
        command += [
            str(folder / MAIN_FILE),
            f"RLIMIT_AS={program.memory_mb << 20}",
            "RLIMIT_CORE=0",
        ]
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={"HOME": str(folder), **_ENVIRONMENT},
                pass_fds=(report,),
                start_new_session=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            supervision = Supervision(ChildTree(process), program, report)
            try:
                supervision.watch()
            finally:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
        finally:
            os.close(report)
        return supervision.result(self.name)


@functools.cache
def _warn_once() -> None:
    _log.warning(
        "sandbox 'unsafe-subprocess': model-written code runs UNCONFINED on this machine, "
        "with this user's files and network"
    )
