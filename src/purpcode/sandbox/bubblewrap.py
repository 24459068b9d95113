"""One bubblewrap process per program: own user, pid, mount, network, ipc and uts namespaces."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from purpcode.errors import UnavailableError
from purpcode.sandbox.bubblewrap_binary import bubblewrap_version, find_bubblewrap
from purpcode.sandbox.execution import (
    MAIN_FILE,
    ExecutionResult,
    Program,
    run_in_threads,
)
from purpcode.sandbox.seccomp import ARCHITECTURES, filter_program
from purpcode.sandbox.supervisor import Supervision, kill_tree

_MIB = 1 << 20
_NOBODY = 65534
_FOLDER = "/tmp"
_TMP_MIB, _SHM_MIB = 64, 16
_PROCESSES, _OPEN_FILES = 64, 256

_SYSTEM_FOLDERS = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/bin", "/usr/share/zoneinfo")
_LINKED_FOLDERS = ("/lib", "/lib32", "/lib64", "/bin")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/nix/store")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": _FOLDER,
    "LANG": "C.UTF-8",
    "PYTHONUTF8": "1",
    "PYTHONHASHSEED": "0",  # a verdict must not depend on the order of a set
    "PYTHONDONTWRITEBYTECODE": "1",
    "MALLOC_ARENA_MAX": "2",  # each arena reserves address space, which RLIMIT_AS counts
    "OMP_NUM_THREADS": "1",
}


class BubblewrapSandbox:
    """Runs each program in fresh namespaces under bubblewrap, without daemon, docker or root.

    The program sees the system's libraries and this interpreter's standard library read-only, an
    empty home, its own /proc, five devices and 80 MiB of memory-backed disk; it has no network, no
    environment of the caller and no capability, and its system calls are filtered. Started by
    root, it runs as an unprivileged uid (the kernel does not count root's processes).

    Raises:
        UnavailableError: when there is no usable bubblewrap binary or no filter for this machine.
    """

    name = "bubblewrap"

    def __init__(self) -> None:
        self.binary = find_bubblewrap()
        if platform.machine() not in ARCHITECTURES:
            raise UnavailableError(
                f"the sandbox has no system-call filter for {platform.machine()} machines",
                hint=f"It runs on {' and '.join(ARCHITECTURES)}.",
            )
        self._filter = filter_program()
        self._bootstrap = (Path(__file__).parent / "bootstrap.py").read_text()
        self._layout = _layout_arguments()
        self._as_root = os.geteuid() == 0

    def fingerprint(self) -> str:
        """Backend, binary version, interpreter version and machine."""
        python, machine = platform.python_version(), platform.machine()
        return f"{self.name}/{bubblewrap_version(self.binary)}/python-{python}/{machine}"

    def run(self, program: Program) -> ExecutionResult:
        """Run one program in namespaces of its own."""
        try:
            with contextlib.ExitStack() as stack:
                return self._run(program, stack)
        except OSError as error:
            return ExecutionResult(
                status="sandbox_error",
                evidence={"backend": self.name, "error": f"bubblewrap cannot be started: {error}"},
            )

    def run_many(self, programs: Sequence[Program], workers: int = 0) -> list[ExecutionResult]:
        """Run programs in a thread pool, results in order."""
        return run_in_threads(self.run, programs, workers)

    def _run(self, program: Program, stack: contextlib.ExitStack) -> ExecutionResult:
        descriptors = _Descriptors(stack)
        started_read, started_write = descriptors.pipe()
        arguments = [*_ISOLATION, *self._layout]
        for path, text in {**program.files, MAIN_FILE: program.code}.items():
            arguments += _file_arguments(path, descriptors.holding(_utf8(text)))
        arguments += ["--remount-ro", "/", "--chdir", _FOLDER]
        arguments += ["--seccomp", str(descriptors.holding(self._filter))]
        mapping = _RootMapping(descriptors) if self._as_root else None
        arguments += (
            mapping.arguments if mapping else ["--uid", str(_NOBODY), "--gid", str(_NOBODY)]
        )
        # Through a descriptor, so that no argument is readable in /proc/1/cmdline.
        packed = b"\0".join(argument.encode() for argument in arguments) + b"\0"
        command = ["bwrap", "--args", str(descriptors.holding(packed)), "--", _interpreter(), "-s"]
        command += ["-c", self._bootstrap, str(started_write), str(_NOBODY if mapping else -1)]
        command += [f"{_FOLDER}/{MAIN_FILE}", *_limits(program)]
        process = subprocess.Popen(
            command,
            executable=self.binary,
            env={},  # bubblewrap's own environment is readable inside, in /proc/1/environ
            cwd="/",
            pass_fds=descriptors.inherited,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        supervision = Supervision(process, program, started_read)
        try:
            descriptors.close_inherited()
            if mapping:
                mapping.write()
            supervision.watch()
        except BaseException:
            kill_tree(process)
            process.wait()
            raise
        return supervision.result(self.name)


_ISOLATION = (
    *("--unshare-all", "--unshare-user", "--new-session", "--die-with-parent"),
    *("--hostname", "sandbox", "--cap-drop", "ALL"),
)


class _Descriptors:
    """Descriptors of one run: those bubblewrap inherits, and all of them closed in the end."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._inherited: list[int] = []
        stack.callback(self.close_inherited)

    @property
    def inherited(self) -> tuple[int, ...]:
        return tuple(self._inherited)

    def _own(self, descriptor: int) -> int:
        def close() -> None:
            with contextlib.suppress(OSError):
                os.close(descriptor)

        self._stack.callback(close)
        return descriptor

    def pipe(self, *, inherit_write: bool = True) -> tuple[int, int]:
        read, write = os.pipe()
        self._own(read if inherit_write else write)
        self._inherited.append(write if inherit_write else read)
        return read, write

    def holding(self, data: bytes) -> int:
        descriptor = os.memfd_create("sandbox")
        self._inherited.append(descriptor)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor

    def close_inherited(self) -> None:
        for descriptor in self._inherited:
            os.close(descriptor)
        self._inherited.clear()


class _RootMapping:
    """Maps root and one unprivileged uid into the namespace, so that the bootstrap can become it.

    Needed because the kernel exempts root's processes from RLIMIT_NPROC, however they are mapped;
    and root still reads an interpreter that lies in its own home.
    """

    def __init__(self, descriptors: _Descriptors) -> None:
        self._info, info_write = descriptors.pipe()
        block_read, self._go = descriptors.pipe(inherit_write=False)
        self.arguments = (
            *("--info-fd", str(info_write), "--userns-block-fd", str(block_read)),
            *("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"),
        )

    def write(self) -> None:
        """Wait for the namespace, write its maps, let bubblewrap go on. Nothing if it died."""
        info = b""
        while b"}" not in info:
            part = os.read(self._info, 4096)
            if not part:
                return
            info += part
        child = json.loads(info)["child-pid"]
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{name}").write_text(f"0 0 1\n{_NOBODY} {_NOBODY} 1\n")
        os.write(self._go, b"1")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _file_arguments(path: str, descriptor: int) -> list[str]:
    return ["--perms", "0644", "--file", str(descriptor), f"{_FOLDER}/{path}"]


def _limits(program: Program) -> list[str]:
    memory = program.memory_mb * _MIB
    values = {
        "RLIMIT_AS": memory,
        "RLIMIT_FSIZE": _TMP_MIB * _MIB,
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": int(program.timeout_s) + 2,
        "RLIMIT_NOFILE": _OPEN_FILES,
        "RLIMIT_NPROC": _PROCESSES,
        "RLIMIT_MSGQUEUE": 0,
    }
    return [f"{name}={value}" for name, value in values.items()]


def _interpreter() -> str:
    base = getattr(sys, "_base_executable", None) or sys.executable
    return str(Path(base).resolve())


def _layout_arguments() -> list[str]:
    """The file system inside: system libraries and the interpreter, read-only; sized tmpfs."""
    links = [path for path in _LINKED_FOLDERS if Path(path).is_symlink()]
    folders = [path for path in _LINKED_FOLDERS if path not in links]
    bound = [*_SYSTEM_FOLDERS, *_SYSTEM_FILES, *folders, *_interpreter_paths()]
    arguments = _parent_arguments([*bound, "/dev/null"])
    for path in bound:
        arguments += ["--ro-bind-try", path, path]
    for path in links:
        arguments += ["--symlink", str(Path(path).readlink()), path]
    arguments += ["--proc", "/proc"]
    for device in _DEVICES:
        arguments += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        arguments += ["--symlink", f"/proc/self/fd{target}", f"/dev/{name}"]
    for path, size in (("/dev/shm", _SHM_MIB), (_FOLDER, _TMP_MIB)):
        arguments += ["--perms", "1777", "--size", str(size * _MIB), "--tmpfs", path]
    for name, value in _ENVIRONMENT.items():
        arguments += ["--setenv", name, value]
    return arguments


def _parent_arguments(paths: Sequence[str]) -> list[str]:
    """Make the folders above `paths` one by one: those bubblewrap makes are closed to others."""
    parents = {parent for path in paths for parent in Path(path).parents[:-1]}
    arguments: list[str] = []
    for parent in sorted(map(str, parents)):
        arguments += ["--perms", "0755", "--dir", parent]
    return arguments


def _interpreter_paths() -> list[str]:
    """Where this interpreter and its standard library lie, beyond the system's folders."""
    prefix, executable = Path(sys.base_prefix).resolve(), Path(_interpreter())
    parts = dict.fromkeys((executable, prefix / "lib", prefix / sys.platlibdir))
    return [
        str(part)
        for part in parts
        if part.exists() and not any(part.is_relative_to(known) for known in _SYSTEM_FOLDERS)
    ]
