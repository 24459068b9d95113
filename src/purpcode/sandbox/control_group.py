"""Control groups (cgroup v2) as the hard limits behind the polled ones, where they can be made.

The files and their rules: Documentation/admin-guide/cgroup-v2.rst of the kernel.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable
from pathlib import Path

_CONTROLLERS = {"memory", "pids"}
_numbers = itertools.count()


class ControlGroup:
    """One group for a zygote and its programs, which run one after another."""

    def __init__(self, path: Path, processes: int) -> None:
        self.path = path
        self._memory_bytes = 0
        self._write("pids.max", processes)
        with contextlib.suppress(OSError):  # absent without swap
            self._write("memory.swap.max", 0)

    def _write(self, name: str, value: int) -> None:
        (self.path / name).write_text(f"{value}\n")

    def add(self, pids: Iterable[int]) -> None:
        """Move processes into the group; what they fork later is born in it."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # it has ended
                self._write("cgroup.procs", pid)

    def allow(self, memory_bytes: int) -> None:
        """Set the memory of all processes together, memory-backed files included."""
        if memory_bytes != self._memory_bytes:
            self._write("memory.max", memory_bytes)
            self._memory_bytes = memory_bytes

    def kills(self) -> int:
        """How many processes the kernel has killed at the memory limit."""
        events = dict(line.split() for line in (self.path / "memory.events").open())
        return int(events.get("oom_kill", 0))

    def remove(self) -> None:
        """Remove the group, whose processes have ended."""
        with contextlib.suppress(OSError):
            self.path.rmdir()


def make_control_group(processes: int, root: Path = Path("/")) -> ControlGroup | None:
    """A new group beside or above this process's own; None where that is not permitted.

    A group that holds processes cannot hand controllers down, so the nearest group that does and
    is writable becomes the parent: the delegated slice or scope of a service or a login.
    """
    for parent in _candidates(root):
        try:
            handed_down = set((parent / "cgroup.subtree_control").read_text().split())
            if not handed_down >= _CONTROLLERS or not os.access(parent / "cgroup.procs", os.W_OK):
                continue
            path = parent / f"purpcode-{os.getpid()}-{next(_numbers)}"
            path.mkdir()
        except OSError:
            continue
        try:
            return ControlGroup(path, processes)
        except OSError:
            path.rmdir()
    return None


def _candidates(root: Path) -> list[Path]:
    """This process's group and those above it, up to where cgroup v2 is mounted."""
    try:
        mounts = (root / "proc/self/mountinfo").read_text().splitlines()
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    points = [line.split()[4] for line in mounts if " - cgroup2 " in line]
    own = [line.removeprefix("0::/") for line in groups if line.startswith("0::/")]
    if not points or not own:
        return []
    top = root / points[0].lstrip("/")
    group = top / own[0]
    return [group, *(parent for parent in group.parents if parent.is_relative_to(top))]
