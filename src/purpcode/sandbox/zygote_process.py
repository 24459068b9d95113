"""One zygote: started under bubblewrap, handed programs over a socket, watched from outside."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import socket
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from purpcode.sandbox import layout
from purpcode.sandbox.control_group import make_control_group
from purpcode.sandbox.execution import MAIN_FILE, Program
from purpcode.sandbox.forked_tree import ForkedTree, PreparedChild, packed_program
from purpcode.sandbox.namespace_descriptors import Descriptors, RootMapping, memory_file
from purpcode.sandbox.packages import PackageSet
from purpcode.sandbox.process_tree import descendants, kill_tree
from purpcode.sandbox.seccomp import filter_program, seccomp_number
from purpcode.sandbox.supervisor import Supervision

_START_S, _FORK_S, _END_S = 60.0, 10.0, 10.0
_OWN_PROCESSES, _OWN_MEMORY = 16, 64 << 20
"""What bubblewrap, the zygote, pid 1 and the next child may add to a program's own."""
_USUAL_MODULES = (
    *("collections", "dataclasses", "datetime", "functools", "heapq", "itertools", "math"),
    *("random", "re", "string", "typing"),
)
"""What most programs import: 0.4 ms more for each fork saves 7 ms where `typing` is imported."""
_CAPABILITIES = ("CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SETPCAP")  # mounts, loopback, dropping
_SCRIPT = (Path(__file__).parent / "zygote_main.py").read_text
_CHILD_SCRIPT = (Path(__file__).parent / "zygote_child.py").read_text


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
        self.fault = ""
        """Why it can run no more programs."""
        channel, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel = channel
        self._child: PreparedChild | None = None
        self._group = make_control_group(layout.PROCESSES + _OWN_PROCESSES)
        with contextlib.ExitStack() as stack:
            descriptors = Descriptors(stack)
            descriptors.inherit(inner.detach())
            try:
                self._process = _start(recipe, descriptors)
                if self._group:  # before it forks, which it does once greeted
                    self._group.add([self._process.pid])
                    self._group.add(descendants(self._process.pid))
                self._greet()
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
            "noting_filter": filter_program(noting=True).hex(),
            "seccomp": seccomp_number(),
            "child": _CHILD_SCRIPT(),
        }
        answer, reason = b"", "it ended"
        try:
            self._channel.send(json.dumps(settings).encode())
            answer = self._channel.recv(1 << 16)
        except OSError as error:
            reason = str(error)
        if not answer:
            raise ZygoteFault(f"the zygote did not start: {self._last_words() or reason}")
        state = json.loads(answer)
        if state["threads"] != 1 or state["shared"] or state["failed"]:
            raise ZygoteFault(
                f"modules {sorted(self.preload)} cannot be imported beforehand: {state}"
            )
        self._channel.settimeout(_FORK_S)

    def run(self, program: Program) -> Supervision:
        """Hand the program to the prepared child and watch it to its end.

        Raises:
            ZygoteFault: when there is no child, or it vanished, or the zygote with it.
        """
        if self.fault:
            raise ZygoteFault(self.fault)
        kills = self._prepare_group(program)
        with contextlib.ExitStack() as stack:
            supervision = self._hand_over(program, self._take_child(), stack)
            supervision.watch()
        if self._group and supervision.limit is None and self._group.kills() > kills:
            supervision.limit = "oom"
        # Under a zygote that hangs, a program that waits for it is no slow one.
        exceeded = supervision.limit not in (None, "timeout")
        if not supervision.started or (self.fault and not exceeded):
            said = bytes(supervision.output["err"]).decode("utf-8", "replace").strip()
            reason = self.fault or said[-500:] or "no message"
            raise ZygoteFault(f"the zygote's child vanished: {reason}")
        return supervision

    def _prepare_group(self, program: Program) -> int:
        """Set the memory of the program's processes, its files and the zygote's own together."""
        if not self._group:
            return 0
        files = sum(size for _, size in layout.SIZED_FOLDERS)
        self._group.allow(program.memory_mb * layout.MIB + files + _OWN_MEMORY)
        return self._group.kills()

    def _hand_over(
        self, program: Program, child: PreparedChild, stack: contextlib.ExitStack
    ) -> Supervision:
        descriptors = Descriptors(stack)
        for descriptor in child:
            descriptors.own(descriptor)
        streams = [stack.enter_context(stream) for stream in _streams(descriptors)]
        report = descriptors.own(memory_file(b""))
        descriptors.inherit(os.dup(report))
        descriptors.inherit(memory_file(packed_program(program)))
        supervision = Supervision(ForkedTree(child, streams, self._await_end), program, report)
        # A child that could not prepare itself is gone; why, comes with its end.
        with contextlib.suppress(OSError):
            child.send(descriptors.inherited)
        descriptors.close_inherited()
        try:
            self._channel.send(b"run")
        except OSError as error:
            raise ZygoteFault(f"the zygote does not answer: {error}") from error
        return supervision

    def _take_child(self) -> PreparedChild:
        try:
            while self._child is None:
                if not self._receive():
                    raise ZygoteFault(
                        f"the zygote did not fork: {self._last_words() or 'it ended'}"
                    )
        except OSError as error:
            raise ZygoteFault(f"the zygote does not answer: {error}") from error
        child, self._child = self._child, None
        return child

    def _receive(self) -> bytes:
        """The next message, empty when the zygote has ended. Keeps the child that comes with it."""
        message, received, _, _ = socket.recv_fds(
            self._channel, 1 << 12, 3, socket.MSG_CMSG_CLOEXEC
        )
        if len(received) == 3:
            self._child = PreparedChild(*received)
        elif received or message == b"child":
            for descriptor in received:
                os.close(descriptor)
            raise OSError("this process has no descriptor left for the zygote's child")
        return message

    def _await_end(self) -> int | None:
        """Wait until nothing of the program is left; its wait status, None when that is unknown."""
        try:
            while message := self._receive():
                kind, _, text = message.partition(b" ")
                if kind == b"ended":
                    status, made = map(int, text.split())
                    if made:
                        self._drop_child()
                    return status
                if kind == b"failed":
                    self.fault = text.decode("utf-8", "replace")
        except OSError as error:
            self.fault = self.fault or str(error)
        else:
            self.fault = self.fault or self._last_words() or "it ended"
        return None

    def _drop_child(self) -> None:
        if self._child:
            self._child.close()
            self._child = None

    def _last_words(self) -> str:
        stderr = self._process.stderr
        assert stderr
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        os.set_blocking(stderr.fileno(), False)
        return (stderr.read() or b"").decode("utf-8", "replace").strip()[-500:]

    def close(self) -> None:
        """End the zygote and whatever still runs below it."""
        self._drop_child()
        self._channel.close()
        process = getattr(self, "_process", None)
        if process:
            with process:  # closes its streams
                try:
                    process.wait(timeout=_END_S if process.returncode is None else 0)
                except subprocess.TimeoutExpired:
                    kill_tree(process)
        if self._group:
            self._group.remove()

    def kill(self) -> None:
        """End a wedged zygote at once."""
        kill_tree(self._process)
        self.close()

    def abandon(self) -> None:
        """Close this process's copies after a fork; the zygote belongs to the parent."""
        self._drop_child()
        self._channel.close()


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
    try:
        descriptors.close_inherited()
        if mapping:
            mapping.write()
    except BaseException:
        with process:
            kill_tree(process)
        raise
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


def machine_name() -> str:
    """Interpreter version and machine, as fingerprints name them."""
    return f"python-{platform.python_version()}/{platform.machine()}"
