"""One zygote: started under bubblewrap, handed programs over a socket, watched from outside."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import resource
import select
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from purpcode.sandbox import layout
from purpcode.sandbox.control_group import make_control_group
from purpcode.sandbox.execution import MAIN_FILE, Program
from purpcode.sandbox.languages import program_files
from purpcode.sandbox.namespace_descriptors import Descriptors, RootMapping, memory_file
from purpcode.sandbox.packages import PackageSet
from purpcode.sandbox.process_tree import (
    descendants,
    kill_tree,
    memory_of,
    socket_bytes,
)
from purpcode.sandbox.seccomp import filter_program
from purpcode.sandbox.supervisor import Supervision

_START_S, _FORK_S, _END_S = 60.0, 10.0, 10.0
_OWN_PROCESSES, _OWN_MEMORY = 16, 64 << 20
"""What bubblewrap, the zygote and pid 1 may add to a program's processes and bytes."""
_USUAL_MODULES = (
    *("collections", "dataclasses", "datetime", "functools", "heapq", "itertools", "math"),
    *("random", "re", "string", "typing"),
)
"""What most programs import: 0.4 ms more for each fork saves 7 ms where `typing` is imported."""
_CAPABILITIES = ("CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SETPCAP")  # mounts, loopback, dropping
_SCRIPT = (Path(__file__).parent / "zygote_main.py").read_text


class ZygoteFault(Exception):
    """A zygote that is dead, wedged or was never there. Says nothing about any program."""


@dataclass(frozen=True)
class ZygoteRecipe:
    """What every zygote of a sandbox is started with."""

    binary: str
    """Path of bubblewrap."""
    packages: PackageSet

    def arguments(self) -> list[str]:
        """bwrap arguments: everything a program sees, but for what it gets of its own."""
        folders = [word for path, _ in layout.SIZED_FOLDERS for word in ("--dir", path)]
        capabilities = [word for name in _CAPABILITIES for word in ("--cap-add", name)]
        return [
            *layout.ISOLATION,
            *("--as-pid-1", "--cap-drop", "ALL", *capabilities),
            *layout.file_system(self.packages),
            *folders,
            *layout.environment(self.packages),
            *("--remount-ro", "/", "--chdir", layout.FOLDER),
        ]


class ZygoteProcess:
    """A running zygote, for one program at a time.

    It is not bound to the thread that started it (bubblewrap's `--die-with-parent` would be): it
    ends when the other end of its channel is closed, also by this process's death.

    Raises
    ------
    ZygoteFault
        When it does not start; the message carries what it wrote to standard error.
    """

    def __init__(self, recipe: ZygoteRecipe, preload: Sequence[str] = ()) -> None:
        self.preload = frozenset(preload)
        channel, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel = channel
        self._group = make_control_group(layout.PROCESSES + _OWN_PROCESSES)
        with contextlib.ExitStack() as stack:
            descriptors = Descriptors(stack)
            descriptors.inherit(inner.detach())
            try:
                self._process = _start(recipe, descriptors)
                self._greet()
                if self._group:
                    self._group.add([self._process.pid, *descendants(self._process.pid)])
            except BaseException:
                self.close()
                raise

    def _greet(self) -> None:
        """Send the settings, wait until the zygote is ready."""
        self._channel.settimeout(_START_S)
        settings = {
            "preload": [*_USUAL_MODULES, *sorted(self.preload)],
            "folders": layout.SIZED_FOLDERS,
            "folder": layout.FOLDER,
            "main": f"{layout.FOLDER}/{MAIN_FILE}",
            "uid": layout.NOBODY if os.geteuid() == 0 else -1,
            "filter": filter_program().hex(),
        }
        try:
            self._channel.send(json.dumps(settings).encode())
            answer = self._channel.recv(1 << 16)
        except OSError as error:
            answer = b""
            reason = str(error)
        else:
            reason = "it ended"
        if not answer:
            raise ZygoteFault(f"the zygote did not start: {self._last_words() or reason}")
        state = json.loads(answer)
        if state["threads"] != 1 or state["failed"]:
            raise ZygoteFault(f"modules that cannot be imported beforehand: {sorted(self.preload)}")
        self._channel.settimeout(_FORK_S)

    def run(self, program: Program) -> Supervision:
        """Fork a child for the program and watch it to its end.

        Raises:
            ZygoteFault: when there is no child, or it vanished together with the zygote.
        """
        kills = self._prepare_group(program)
        with contextlib.ExitStack() as stack:
            tree, report = self._fork(program, stack)
            supervision = Supervision(tree, program, report)
            supervision.watch()
        if self._group and supervision.limit is None and self._group.kills() > kills:
            supervision.limit = "oom"
        ended = supervision.limit is not None or supervision.returncode is not None
        if not (supervision.started and (ended or self._is_alive())):
            said = bytes(supervision.output["err"]).decode("utf-8", "replace").strip()
            raise ZygoteFault(f"the zygote's child vanished: {said[-500:] or 'no message'}")
        return supervision

    def _prepare_group(self, program: Program) -> int:
        """Set the memory of the program's processes, its files and the zygote's own together."""
        if not self._group:
            return 0
        files = sum(size for _, size in layout.SIZED_FOLDERS)
        self._group.allow(program.memory_mb * layout.MIB + files + _OWN_MEMORY)
        return self._group.kills()

    def _fork(self, program: Program, stack: contextlib.ExitStack) -> tuple[ForkedTree, int]:
        descriptors = Descriptors(stack)
        streams = [stack.enter_context(stream) for stream in _streams(descriptors)]
        report = descriptors.own(memory_file(b""))
        descriptors.inherit(os.dup(report))
        descriptors.inherit(_packed(program))
        try:
            socket.send_fds(self._channel, [b"run"], descriptors.inherited)
            answer, received, _, _ = socket.recv_fds(
                self._channel, 1 << 10, 2, socket.MSG_CMSG_CLOEXEC
            )
        except OSError as error:
            raise ZygoteFault(f"the zygote does not answer: {error}") from error
        finally:
            descriptors.close_inherited()
        for descriptor in received:
            descriptors.own(descriptor)
        if answer != b"ok" or len(received) != 2:
            said = answer.decode("utf-8", "replace") or self._last_words() or "it ended"
            raise ZygoteFault(f"the zygote did not fork: {said}")
        return ForkedTree(received[0], received[1], report, streams), report

    def _is_alive(self) -> bool:
        """Whether the zygote still holds its end of the channel; waits a moment for its death."""
        return not select.select([self._channel], [], [], 1.0)[0]

    def _last_words(self) -> str:
        stderr = self._process.stderr
        assert stderr
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        os.set_blocking(stderr.fileno(), False)
        return (stderr.read() or b"").decode("utf-8", "replace").strip()[-500:]

    def close(self) -> None:
        """End the zygote and whatever still runs below it."""
        self._channel.close()
        process = getattr(self, "_process", None)
        if process is None:
            if self._group:
                self._group.remove()
            return
        try:
            process.wait(timeout=_END_S if process.returncode is None else 0)
        except subprocess.TimeoutExpired:
            kill_tree(process)
            process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()
        if self._group:
            self._group.remove()

    def kill(self) -> None:
        """End a wedged zygote at once."""
        kill_tree(self._process)
        self.close()

    def abandon(self) -> None:
        """Close this process's copies after a fork; the zygote belongs to the parent."""
        self._channel.close()


class ForkedTree:
    """The namespaces of one program, for a `Supervision`; their first process is not our child."""

    def __init__(
        self, pid_fd: int, program_fd: int, report_fd: int, streams: Sequence[IO[bytes]]
    ) -> None:
        self._pid_fd, self._program_fd, self._report_fd = pid_fd, program_fd, report_fd
        self.stdin, self.stdout, self.stderr = streams

    def exit_descriptor(self) -> int:
        """A new descriptor that becomes readable when all processes of the program have ended."""
        return os.dup(self._pid_fd)

    def memory(self, limit: int) -> int:
        """Bytes held by the program, its children, and what became a child of pid 1."""
        program = _pid_of(self._program_fd)
        pids = [program] if program > 0 else []
        for root in (program, _pid_of(self._pid_fd)):
            pids += descendants(root) if root > 0 else []
        return memory_of(pids, limit) + socket_bytes(pids)

    def kill(self) -> None:
        """Kill the first process of the pid namespace: the kernel kills all others with it."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pid_fd, signal.SIGKILL)

    def wait(self) -> int | None:
        """The exit code the first process reported, None when it was killed before it could."""
        select.select([self._pid_fd], [], [], _END_S)
        status = os.pread(self._report_fd, 64, 0).partition(b"=")[2]
        return os.waitstatus_to_exitcode(int(status)) if status.isdigit() else None


def _pid_of(pid_fd: int) -> int:
    """The process id as seen from here, -1 once it is gone."""
    information = Path(f"/proc/self/fdinfo/{pid_fd}").read_text()
    found = re.search(r"^Pid:\s+(-?\d+)", information, re.MULTILINE)
    return int(found[1]) if found else -1


def _start(recipe: ZygoteRecipe, descriptors: Descriptors) -> subprocess.Popen[bytes]:
    (channel,) = descriptors.inherited
    arguments = recipe.arguments()
    mapping = RootMapping(descriptors) if os.geteuid() == 0 else None
    uid = str(layout.NOBODY)
    arguments += mapping.arguments if mapping else ["--uid", uid, "--gid", uid]
    command = ["bwrap", "--args", str(descriptors.arguments(arguments)), "--"]
    command += [layout.interpreter(), "-s", "-c", _SCRIPT(), str(channel)]
    process = subprocess.Popen(
        command,
        executable=recipe.binary,
        env={},
        cwd="/",
        pass_fds=descriptors.inherited,
        # Pipes, so that the streams children inherit are those of a program run by pipes.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    descriptors.close_inherited()
    if mapping:
        mapping.write()
    return process


def _streams(descriptors: Descriptors) -> Iterator[IO[bytes]]:
    """Our ends of pipes for the standard streams; the others are to be inherited, in order."""
    for mode in ("wb", "rb", "rb"):
        read, write = os.pipe()
        # The program opens /dev/stdin and its like as another user.
        os.fchmod(read, 0o666)
        ours, theirs = (write, read) if mode == "wb" else (read, write)
        descriptors.inherit(theirs)
        yield os.fdopen(ours, mode, 0)


def _packed(program: Program) -> int:
    """A memory file: eight digits, as many bytes of JSON (limits, file sizes), then the files."""
    files = program_files(program)
    limits = layout.limits(program)
    header = {
        "limits": [(getattr(resource, name), value) for name, value in limits.items()],
        "files": [(path, len(data)) for path, data in files.items()],
    }
    packed = json.dumps(header).encode()
    return memory_file(b"".join((b"%08d" % len(packed), packed, *files.values())))


def machine_name() -> str:
    """Interpreter version and machine, as fingerprints name them."""
    return f"python-{platform.python_version()}/{platform.machine()}"
