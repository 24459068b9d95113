"""A zygote's child as seen from outside: what it is sent, and how a `Supervision` follows it."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import socket
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from purpcode.sandbox import layout
from purpcode.sandbox.execution import Program
from purpcode.sandbox.languages import program_files
from purpcode.sandbox.process_tree import descendants, memory_of, socket_bytes

_COUNTS, _LIMIT, _FILE = struct.Struct("=III"), struct.Struct("=iq"), struct.Struct("=II")


class PreparedChild(NamedTuple):
    """Descriptors of a child that waits for its program."""

    channel: int
    """A socket of which the child has the other end, until its program starts."""
    first: int
    """Pidfd of the first process of its pid namespace."""
    program: int
    """Pidfd of the child itself."""

    def send(self, descriptors: Sequence[int]) -> None:
        """Let it begin, with these descriptors: standard streams, report, program."""
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, self.channel)
        try:
            socket.send_fds(channel, [b"run"], descriptors)
        finally:
            channel.detach()

    def close(self) -> None:
        """Close all of them."""
        for descriptor in self:
            os.close(descriptor)


class ForkedTree:
    """The namespaces of one program, whose first process is not our child.

    `await_end` returns once nothing of the program is left: its wait status, None when not known.
    """

    def __init__(
        self,
        child: PreparedChild,
        streams: Sequence[IO[bytes]],
        await_end: Callable[[], int | None],
    ) -> None:
        self._child, self._await_end = child, await_end
        self.stdin, self.stdout, self.stderr = streams

    def exit_descriptor(self) -> int:
        """A new descriptor that becomes readable when the program ends; what it leaves is killed.

        Not that of the first process: a zygote that hangs would then look like a slow program.
        """
        return os.dup(self._child.program)

    def memory(self, limit: int) -> int:
        """Bytes held by the program, its children, and what became a child of pid 1."""
        program = _pid_of(self._child.program)
        pids = [program] if program > 0 else []
        for root in (program, _pid_of(self._child.first)):
            pids += descendants(root) if root > 0 else []
        return memory_of(pids, limit) + socket_bytes(pids)

    def kill(self) -> None:
        """Kill the first process of the pid namespace: the kernel kills all others with it."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._child.first, signal.SIGKILL)

    def wait(self) -> int | None:
        """Wait for the end of all processes; the exit code, None when it is not known."""
        status = self._await_end()
        return None if status is None else os.waitstatus_to_exitcode(status)


def packed_program(program: Program) -> bytes:
    """What a child reads: limits, names and files, each preceded by its sizes.

    All numbers are of the machine's byte order: the size of all but the files' contents, how many
    limits, how many files (`III`); for each limit its number and value (`iq`); for each file the
    length of its name and of its contents (`II`); the names; the contents.
    """
    files = {
        name.encode("utf-8", "surrogatepass"): data for name, data in program_files(program).items()
    }
    limits = layout.limits(program)
    parts = [_LIMIT.pack(getattr(resource, name), value) for name, value in limits.items()]
    parts += [_FILE.pack(len(name), len(data)) for name, data in files.items()]
    parts += files
    head = b"".join(parts)
    counts = _COUNTS.pack(_COUNTS.size + len(head), len(limits), len(files))
    return b"".join((counts, head, *files.values()))


def _pid_of(pid_fd: int) -> int:
    """The process id as seen from here, -1 once it is gone."""
    information = Path(f"/proc/self/fdinfo/{pid_fd}").read_text()
    found = re.search(r"^Pid:\s+(-?\d+)", information, re.MULTILINE)
    return int(found[1]) if found else -1
