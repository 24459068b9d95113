"""Process trees: what runs below a process, how much memory it holds, and ending it."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

_PAGE = os.sysconf("SC_PAGE_SIZE")
_FREE_SOCKETS = 16


class ChildTree:
    """A process this one started, with everything below it, for a `Supervision`.

    `own_network`: what runs below has a network namespace of its own, whose sockets count.
    """

    def __init__(self, process: subprocess.Popen[bytes], *, own_network: bool = False) -> None:
        self._own_network = own_network
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self._process = process
        self.stdin: IO[bytes] = process.stdin
        self.stdout: IO[bytes] = process.stdout
        self.stderr: IO[bytes] = process.stderr

    def exit_descriptor(self) -> int:
        """A new descriptor that becomes readable when the process has ended."""
        return os.pidfd_open(self._process.pid)

    def memory(self, limit: int) -> int:
        """Bytes held below the process, see `memory_of` and `socket_bytes`."""
        pids = descendants(self._process.pid)
        return memory_of(pids, limit) + (socket_bytes(pids) if self._own_network else 0)

    def kill(self) -> None:
        """Kill the process and everything below it."""
        kill_tree(self._process)

    def wait(self) -> int | None:
        """The exit code as `subprocess` gives it."""
        return self._process.wait()


def descendants(pid: int) -> list[int]:
    """Process ids below `pid`, as seen from here (also across pid namespaces)."""
    found: list[int] = []
    queue = [pid]
    while queue:
        for children in _children_files(queue.pop()):
            with contextlib.suppress(OSError):
                pids = [int(child) for child in children.read_text().split()]
                found += pids
                queue += pids
    return found


def _children_files(pid: int) -> list[Path]:
    """One file per thread; none for a process that ends while it is looked at."""
    try:
        return list(Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return []


def memory_of(pids: Sequence[int], limit: int) -> int:
    """Resident bytes of processes; pages they share count once when that matters.

    Summing resident sizes is cheap and counts forked pages once per process, so only a sum above
    `limit` is measured again by proportional size.
    """
    resident = sum(map(_resident, pids))
    return resident if resident <= limit else sum(map(_proportional, pids))


@functools.cache
def _socket_most() -> int:
    """Most bytes that the kernel holds for one socket, whose buffers keep their default size
    (`seccomp`): twice that, since small messages take more room than their contents."""
    try:
        return 2 * int(Path("/proc/sys/net/core/wmem_default").read_text())
    except (OSError, ValueError):
        return 1 << 19


def socket_bytes(pids: Sequence[int]) -> int:
    """Most bytes that the sockets in a process's network namespace can hold, which no other limit
    counts. Asked of the first of `pids` that still lives; the few sockets that most programs have
    count nothing."""
    for text in itertools.chain.from_iterable(_texts(pid, "net/sockstat") for pid in pids):
        with contextlib.suppress(ValueError, IndexError):
            return max(0, int(text.split(maxsplit=3)[2]) - _FREE_SOCKETS) * _socket_most()
    return 0


def _texts(pid: int, name: str) -> Iterator[str]:
    """A file of a process, then the same of its threads: where the first thread has ended before
    the others, the process's own says nothing."""
    for folder in itertools.chain((Path(f"/proc/{pid}"),), _threads(pid)):
        with contextlib.suppress(OSError):
            yield (folder / name).read_text()


def _threads(pid: int) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from Path(f"/proc/{pid}/task").iterdir()


def _resident(pid: int) -> int:
    sizes = (int(text.split()[1]) for text in _texts(pid, "statm"))
    return next(filter(None, sizes), 0) * _PAGE


def _proportional(pid: int) -> int:
    for rollup in _texts(pid, "smaps_rollup"):
        if size := re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE):
            return int(size[1]) * 1024
    return _resident(pid)


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and everything below it; killing a pid namespace's first process ends all."""
    pids = descendants(process.pid)
    process.kill()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
