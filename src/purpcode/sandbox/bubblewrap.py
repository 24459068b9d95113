"""One bubblewrap process per program: own user, pid, mount, network, ipc and uts namespaces."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

from purpcode.errors import UnavailableError
from purpcode.sandbox import layout
from purpcode.sandbox.bubblewrap_binary import bubblewrap_version, find_bubblewrap
from purpcode.sandbox.execution import (
    MAIN_FILE,
    ExecutionResult,
    Program,
    run_in_threads,
)
from purpcode.sandbox.languages import LanguageRunner, Launch, python_launch
from purpcode.sandbox.namespace_descriptors import Descriptors, RootMapping, memory_file
from purpcode.sandbox.packages import find_packages
from purpcode.sandbox.process_tree import ChildTree, kill_tree
from purpcode.sandbox.seccomp import ARCHITECTURES, filter_program
from purpcode.sandbox.supervisor import Supervision

_HIDE_FIRST_PROCESS = (
    # bubblewrap's own process inside has the caller's limits and, unless root started it, the
    # program's uid: through /proc/1/mem a program would become it, and be rid of its limits.
    *("--perms", "0555", "--size", "4096", "--tmpfs", "/proc/1", "--remount-ro", "/proc/1"),
)


class BubblewrapSandbox:
    """Runs each program in fresh namespaces under bubblewrap, without daemon, docker or root.

    The program sees the system's libraries, this interpreter's standard library and the named
    packages read-only, an empty home, its own /proc, five devices and 80 MiB of memory-backed
    disk; it has no network, no environment of the caller and no capability, and its system calls
    are filtered. Started by root, it runs as an unprivileged uid (the kernel does not count root's
    processes).

    Parameters
    ----------
    packages
        Installed distributions that programs may import, with all they require.

    Raises
    ------
    UnavailableError
        When there is no usable bubblewrap binary, no filter for this machine, or a package is
        not installed.
    """

    name = "bubblewrap"

    def __init__(self, packages: Sequence[str] = ()) -> None:
        self.binary = find_bubblewrap()
        require_known_machine()
        self._packages = find_packages(packages)
        self.packages = self._packages.names
        self._filter = filter_program()
        self._bootstrap = (Path(__file__).parent / "bootstrap.py").read_text()
        self._layout = [
            *layout.ISOLATION,
            *("--die-with-parent", "--cap-drop", "ALL"),
            *layout.file_system(self._packages),
            *_HIDE_FIRST_PROCESS,
            *layout.writable_folders(),
            *layout.environment(self._packages),
        ]
        self._as_root = os.geteuid() == 0
        self._languages = LanguageRunner(self.start, self.name, layout.FOLDER)

    def fingerprint(self) -> str:
        """Backend, binary version, interpreter version, machine and packages."""
        python, machine = platform.python_version(), platform.machine()
        versions = "".join(f"/{version}" for version in self._packages.versions)
        return f"{self.name}/{bubblewrap_version(self.binary)}/python-{python}/{machine}{versions}"

    def run(self, program: Program) -> ExecutionResult:
        """Run one program in namespaces of its own."""
        try:
            if program.language != "python":
                return self._languages.run(program)
            return self.start(python_launch(program)).result(self.name)
        except OSError as error:
            return ExecutionResult(
                status="sandbox_error",
                evidence={"backend": self.name, "error": f"bubblewrap cannot be started: {error}"},
            )

    def run_many(self, programs: Sequence[Program], workers: int = 0) -> list[ExecutionResult]:
        """Run programs in a thread pool, results in order."""
        return run_in_threads(self.run, programs, workers)

    def start(self, launch: Launch) -> Supervision:
        """Start one launch in namespaces of its own and watch it to its end.

        Raises:
            OSError: bubblewrap cannot be started.
        """
        with contextlib.ExitStack() as stack:
            return self._watch(launch, stack)

    def _watch(self, launch: Launch, stack: contextlib.ExitStack) -> Supervision:
        descriptors = Descriptors(stack)
        report = descriptors.own(memory_file(b""))
        arguments = [*self._layout, *layout.further_mounts(launch.mounts)]
        arguments += layout.scratch(launch.scratch_mib)
        for path, data in launch.files.items():
            mode = "0755" if path in launch.executables else "0644"
            kind = "--ro-bind-data" if path in launch.read_only else "--file"
            arguments += ["--perms", mode, kind, str(descriptors.holding(data))]
            arguments.append(f"{layout.FOLDER}/{path}")
        arguments += ["--remount-ro", "/", "--chdir", layout.FOLDER]
        arguments += ["--seccomp", str(descriptors.holding(self._filter))]
        mapping = RootMapping(descriptors) if self._as_root else None
        uid = str(layout.NOBODY)
        arguments += mapping.arguments if mapping else ["--uid", uid, "--gid", uid]
        command = ["bwrap", "--args", str(descriptors.arguments(arguments)), "--"]
        command += [
            layout.interpreter(),
            "-s",
            "-c",
            self._bootstrap,
            str(descriptors.inherit(os.dup(report))),
        ]
        command += [uid if mapping else "-1", f"{layout.FOLDER}/{MAIN_FILE}"]
        limits = layout.limits(launch.limits, launch.data_mib, unbounded=launch.unbounded)
        command += [f"{name}={value}" for name, value in limits.items()]
        command += ["--", *launch.command] if launch.command else []
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
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream
            os.fchmod(stream.fileno(), 0o666)  # it opens /dev/stdin and its like as another user
        supervision = Supervision(ChildTree(process, own_network=True), launch.limits, report)
        try:
            descriptors.close_inherited()
            if mapping:
                mapping.write()
            supervision.watch()
        except BaseException:
            kill_tree(process)
            process.wait()
            raise
        return supervision


def require_known_machine() -> None:
    """Raise `UnavailableError` where there is no system-call filter for this machine."""
    if platform.machine() not in ARCHITECTURES:
        raise UnavailableError(
            f"the sandbox has no system-call filter for {platform.machine()} machines",
            hint=f"It runs on {' and '.join(ARCHITECTURES)}.",
        )
