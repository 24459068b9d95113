"""Process trees: what runs below a process, how much memory it holds, and ending it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_PAGE = os.sysconf("SC_PAGE_SIZE")


class ChildTree:
    """A process this one started, with everything below it, for a `Supervision`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
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
        """Bytes held below the process, see `memory_of`."""
        return memory_of(descendants(self._process.pid), limit)

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


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return _resident(pid)
    size = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(size[1]) * 1024 if size else _resident(pid)


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and everything below it; killing a pid namespace's first process ends all."""
    pids = descendants(process.pid)
    process.kill()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
