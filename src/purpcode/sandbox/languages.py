"""Languages beyond Python: how each is compiled and run inside a sandbox.

A compiler reads hostile input, so it runs in a sandbox of its own; the binary comes back as bytes
on its standard output and is never executed outside. Each language's tools are looked up on this
machine and tried once on an honest program, so that a program is not blamed for a broken compiler.
"""

from __future__ import annotations

import functools
import hashlib
import re
import shutil
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from purpcode.sandbox.execution import MAIN_FILES, ExecutionResult, Language, Program, Sandbox
from purpcode.sandbox.supervisor import Supervision

COMPILE_TIMEOUT_S = 30.0
COMPILE_MEMORY_MB = 1024
"""Least memory of a compiler, MiB; a program that may have more gives its compiler as much."""
BINARY_MIB = 64
"""Most a binary may measure, and all that are kept for further inputs together."""

_SYSTEM_PATH = "/usr/bin:/bin"
_BINARY = "program"
_DATA_SLACK_MIB = 192  # V8's threads and code space, before the program allocates anything
_HEADERS = ("/usr/include", "/usr/libexec/gcc", "/usr/local/include")
_C_FLAGS = "-O1 -pipe -pthread -fmax-errors=20 -fdiagnostics-color=never"


@dataclass(frozen=True)
class Toolchain:
    """How one language is run.

    `compile` is a shell line of fixed words that leaves `program` in the working folder, empty for
    an interpreted language; `run` may hold `{tool}`, `{main}` and `{heap}` (MiB). `reserves` says
    that the runtime reserves far more address space than it uses, so that RLIMIT_AS cannot hold.
    """

    tool: str
    honest: str
    """A program that prints `ran`."""
    run: tuple[str, ...]
    out_of_memory: re.Pattern[str]
    """What the runtime writes to standard error when it dies for want of memory."""
    compile: str = ""
    mounts: tuple[str, ...] = ()
    reserves: bool = False


TOOLCHAINS: Mapping[Language, Toolchain] = {
    "c": Toolchain(
        tool="gcc",
        honest='#include <stdio.h>\nint main(void) { puts("ran"); return 0; }\n',
        compile=f"{{tool}} -std=c17 {_C_FLAGS} -o {_BINARY} main.c -lm",
        run=(f"{{folder}}/{_BINARY}",),
        out_of_memory=re.compile(r"(?!)"),  # C has no message: a null pointer is the program's
        mounts=_HEADERS,
    ),
    "cpp": Toolchain(
        tool="g++",
        honest='#include <iostream>\nint main() { std::cout << "ran\\n"; }\n',
        compile=f"{{tool}} -std=c++20 {_C_FLAGS} -o {_BINARY} main.cpp",
        run=(f"{{folder}}/{_BINARY}",),
        out_of_memory=re.compile(r"what\(\):\s+std::bad_alloc"),
        mounts=_HEADERS,
    ),
    "javascript": Toolchain(
        tool="node",
        honest='console.log("ran");\n',
        run=("{tool}", "--max-old-space-size={heap}", "--stack-trace-limit=20", "{folder}/main.js"),
        out_of_memory=re.compile(
            r"JavaScript heap out of memory|Array buffer allocation failed|"
            r"out of memory|ERR_MEMORY_ALLOCATION_FAILED"
        ),
        mounts=("/usr/share/nodejs",),
        reserves=True,
    ),
}


@dataclass(frozen=True)
class Launch:
    """One process for a backend to start: `limits` are what is watched, `files` are name → bytes.

    An empty `command` means that Python runs the main file; otherwise the command replaces the
    interpreter once the limits hold. Of the files, `executables` may be executed and `read_only`
    not be changed by anyone; `mounts` are folders and files of this machine shown beyond the usual.
    """

    limits: Program
    files: Mapping[str, bytes]
    command: tuple[str, ...] = ()
    executables: frozenset[str] = frozenset()
    read_only: frozenset[str] = frozenset()
    mounts: tuple[str, ...] = ()
    data_mib: int | None = None
    """Limit of RLIMIT_DATA instead of RLIMIT_AS, for a runtime that reserves address space."""
    unbounded: bool = False
    """Neither of both, for what reserves without bound: the tree's memory is only watched."""
    scratch_mib: int = 0
    """Size of a further writable folder, `layout.SCRATCH`; 0 for none."""


def python_launch(program: Program) -> Launch:
    """A Python program: the sandbox's own interpreter runs its main file."""
    return Launch(limits=program, files=program_files(program))


def program_files(program: Program) -> dict[str, bytes]:
    """Everything that lies in the program's folder, the code as its main file."""
    named = {**program.files, MAIN_FILES[program.language]: program.code}
    return {name: text.encode("utf-8", "surrogatepass") for name, text in named.items()}


class LanguageRunner:
    """Compiles and runs programs that are not Python, for one backend.

    Parameters
    ----------
    start
        Starts a launch in the backend's sandbox and watches it to its end.
    backend
        Name of the backend, for the evidence.
    folder
        The program's folder inside the sandbox.
    """

    def __init__(self, start: Callable[[Launch], Supervision], backend: str, folder: str) -> None:
        self._start = start
        self._backend = backend
        self._folder = folder
        self._faults: dict[Language, str | None] = {}
        self._binaries: dict[bytes, bytes] = {}
        self._compiling: dict[bytes, Future[bytes | ExecutionResult]] = {}
        self._lock = threading.Lock()
        self._examining = threading.Lock()

    def run(self, program: Program) -> ExecutionResult:
        """Compile where the language needs it, then run. Tools that are missing: sandbox_error."""
        toolchain = TOOLCHAINS[program.language]
        fault = self._fault(program.language)
        if fault is not None:
            evidence = {"backend": self._backend, "error": fault, "missing_tool": toolchain.tool}
            return ExecutionResult(status="sandbox_error", evidence=evidence)
        return self._run(program)

    def _fault(self, language: Language) -> str | None:
        """Why a language cannot be run here, None when it can; found out once."""
        with self._examining:
            if language not in self._faults:
                self._faults[language] = self._examine(language)
            return self._faults[language]

    def _examine(self, language: Language) -> str | None:
        toolchain = TOOLCHAINS[language]
        if find_tool(language) is None:
            where = f"in {_SYSTEM_PATH}" if toolchain.compile else "on PATH"
            return f"{toolchain.tool} is missing {where}: {language} programs need it"
        tried = self._run(Program(code=toolchain.honest, language=language, timeout_s=30.0))
        if tried.status == "passed" and tried.stdout == "ran\n":
            return None
        seen = str(tried.evidence.get("error") or tried.stderr.strip()[-300:] or tried.status)
        return f"{toolchain.tool} does not run an honest {language} program in the sandbox: {seen}"

    def _run(self, program: Program) -> ExecutionResult:
        toolchain, files = TOOLCHAINS[program.language], program_files(program)
        executables: frozenset[str] = frozenset()
        if toolchain.compile:
            binary = self._compiled(program, files)
            if isinstance(binary, ExecutionResult):
                return binary
            files[_BINARY] = binary
            executables = frozenset({_BINARY})
        tool = find_tool(program.language)
        words = {
            "tool": tool or toolchain.tool,
            "folder": self._folder,
            "heap": max(32, program.memory_mb * 3 // 4),
        }
        data_mib = program.memory_mb + _DATA_SLACK_MIB if toolchain.reserves else None
        launch = Launch(
            limits=program,
            files=files,
            command=tuple(word.format(**words) for word in toolchain.run),
            executables=executables,
            mounts=() if toolchain.compile else (*toolchain.mounts, str(tool)),
            data_mib=data_mib,
        )
        return _memory_failure(self._start(launch).result(self._backend), toolchain)

    def _compiled(self, program: Program, files: Mapping[str, bytes]) -> bytes | ExecutionResult:
        """The binary of a program, compiled once for all its inputs; else what came of it.

        Inputs that are tried at the same time wait for the one that compiles.
        """
        limits = (program.memory_mb, program.output_bytes)
        named = (program.language, limits, sorted(files.items()))
        key = hashlib.sha256(repr(named).encode()).digest()
        with self._lock:
            if key in self._binaries:
                return self._binaries[key]
            running = self._compiling.get(key)
            own = self._compiling.setdefault(key, Future())
        if running is not None:
            return running.result()
        try:
            compiled = self._compile(program, files)
            own.set_result(compiled)
            if isinstance(compiled, bytes):
                self._keep(key, compiled)
        except BaseException as error:
            own.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._compiling[key]
        return compiled

    def _compile(self, program: Program, files: Mapping[str, bytes]) -> bytes | ExecutionResult:
        compiler = self._start(_compiler_launch(program, files))
        result = compiler.result(self._backend)
        if result.status != "passed":
            return _not_compiled(result, program)
        return bytes(compiler.output["out"])

    def _keep(self, key: bytes, binary: bytes) -> None:
        with self._lock:
            self._binaries[key] = binary
            while sum(map(len, self._binaries.values())) > BINARY_MIB << 20:
                del self._binaries[next(iter(self._binaries))]


def find_tool(language: Language) -> str | None:
    """Path of a language's compiler or interpreter on this machine, None when it is missing.

    A compiler is taken from the system's folders only: it needs its whole installation, which the
    sandbox shows only there. An interpreter is one file, shown wherever it lies.
    """
    toolchain = TOOLCHAINS[language]
    found = shutil.which(toolchain.tool, path=_SYSTEM_PATH if toolchain.compile else None)
    if found is None or toolchain.compile:
        return found
    return str(Path(found).resolve())


def run_other_language(program: Program) -> ExecutionResult | None:
    """Run a program that is not Python in bubblewrap; None for Python, which the caller runs.

    For backends whose own speed comes from a Python interpreter that is already there.
    """
    if program.language == "python":
        return None
    return _bubblewrap().run(program)


@functools.cache
def _bubblewrap() -> Sandbox:
    from purpcode.sandbox.bubblewrap import BubblewrapSandbox

    return BubblewrapSandbox()


def _compiler_launch(program: Program, files: Mapping[str, bytes]) -> Launch:
    toolchain = TOOLCHAINS[program.language]
    line = toolchain.compile.format(tool=find_tool(program.language))
    return Launch(
        limits=Program(
            code="",
            timeout_s=COMPILE_TIMEOUT_S,
            memory_mb=max(COMPILE_MEMORY_MB, program.memory_mb),
            output_bytes=BINARY_MIB << 20,
        ),
        files=files,
        # Fixed words only: neither code nor file names are part of the line.
        command=("/bin/sh", "-c", f"{line} >&2 && exec cat {_BINARY}"),
        mounts=toolchain.mounts,
    )


def _not_compiled(result: ExecutionResult, program: Program) -> ExecutionResult:
    """A program that did not get past its compiler: what the compiler says is its error output."""
    said = result.stderr.encode("utf-8", "replace")[: program.output_bytes]
    evidence = {**result.evidence, "step": "compile"}
    return result.model_copy(
        update={"stdout": "", "stderr": said.decode("utf-8", "ignore"), "evidence": evidence}
    )


def _memory_failure(result: ExecutionResult, toolchain: Toolchain) -> ExecutionResult:
    if result.status != "failed" or not toolchain.out_of_memory.search(result.stderr):
        return result
    return result.model_copy(
        update={"status": "oom", "evidence": {**result.evidence, "limit": "oom"}}
    )
