"""What runs and what came of it: the program, the result, and what every backend offers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

ExecutionStatus = Literal["passed", "failed", "timeout", "oom", "output_limit", "sandbox_error"]

Language = Literal["python", "c", "cpp", "javascript"]

MAIN_FILES: Mapping[Language, str] = {
    "python": "main.py",
    "c": "main.c",
    "cpp": "main.cpp",
    "javascript": "main.js",
}
"""Name of the file that `Program.code` becomes in the program's folder, by language."""

MAIN_FILE = MAIN_FILES["python"]
"""The same for Python programs."""


class Program(BaseModel):
    """Untrusted code and the limits it runs under.

    `files` (relative path → text) lie beside the code in its working folder. `timeout_s` is
    wall-clock from the start of the sandbox, `memory_mb` (MiB) holds for each process and for the
    whole process tree, `output_bytes` for standard output and error together. C and C++ are
    compiled first, in a sandbox and under limits of their own (`languages.py`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    language: Language = "python"
    files: Mapping[str, str] = {}
    stdin: str = ""
    timeout_s: float = Field(10.0, gt=0)
    memory_mb: int = Field(512, ge=64)
    output_bytes: int = Field(1 << 20, gt=0)

    @field_validator("files")
    @classmethod
    def _stay_in_the_folder(
        cls, files: Mapping[str, str], info: ValidationInfo
    ) -> Mapping[str, str]:
        main = MAIN_FILES[info.data.get("language", "python")]
        for name in files:
            path = PurePosixPath(name)
            inside = path.parts and not path.is_absolute() and ".." not in path.parts
            if not inside or "\0" in name or str(path) != name or name == main:
                raise ValueError(f"{name!r} is not a plain relative path beside {main}")
        return files


class ExecutionResult(BaseModel):
    """How a program ended. `sandbox_error` says nothing about the program: it is unmeasured.

    `evidence` carries `backend`, `returncode` (128 + signal for a killed program), `limit` (the
    limit it hit, or None), for a sandbox error `error`, and `step: "compile"` for a program that
    did not get past its compiler.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: ExecutionStatus
    stdout: str = ""
    stderr: str = ""
    seconds: float = Field(0.0, ge=0)
    evidence: dict[str, Any] = {}


class Sandbox(Protocol):
    """A place where model-written code may run."""

    name: str
    packages: tuple[str, ...]
    """Installed distributions that programs may import, as they were asked for."""

    def fingerprint(self) -> str:
        """Identity of the backend: name, binary version, interpreter."""
        ...

    def run(self, program: Program) -> ExecutionResult:
        """Run one program to its end or to a limit. Never raises for what the program does."""
        ...

    def run_many(self, programs: Sequence[Program], workers: int = 0) -> list[ExecutionResult]:
        """Run programs side by side, results in order; 0 workers means one per usable core."""
        ...


def run_in_threads(
    run: Callable[[Program], ExecutionResult], programs: Sequence[Program], workers: int
) -> list[ExecutionResult]:
    """`run_many` for backends whose `run` waits on another process."""
    if not programs:
        return []
    usable = workers or len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(max_workers=min(usable, len(programs))) as pool:
        return list(pool.map(run, programs))
