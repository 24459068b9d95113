"""Descriptors handed to a bubblewrap process, and the uid maps written for it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from purpcode.sandbox.layout import NOBODY


class Descriptors:
    """Descriptors of one process: those it inherits, and all of them closed in the end."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._inherited: list[int] = []
        stack.callback(self.close_inherited)

    @property
    def inherited(self) -> tuple[int, ...]:
        """What the new process inherits."""
        return tuple(self._inherited)

    def own(self, descriptor: int) -> int:
        """Close a descriptor of this process in the end."""

        def close() -> None:
            with contextlib.suppress(OSError):
                os.close(descriptor)

        self._stack.callback(close)
        return descriptor

    def pipe(self, *, inherit_write: bool = True) -> tuple[int, int]:
        """A pipe (read end, write end) of which the new process inherits one end."""
        read, write = os.pipe()
        self.own(read if inherit_write else write)
        self._inherited.append(write if inherit_write else read)
        return read, write

    def inherit(self, descriptor: int) -> int:
        """Hand over a descriptor: inherited there, closed here after the start."""
        self._inherited.append(descriptor)
        return descriptor

    def holding(self, data: bytes) -> int:
        """A memory file with this content, for the new process to read."""
        return self.inherit(memory_file(data))

    def arguments(self, words: Sequence[str]) -> int:
        """A memory file for `bwrap --args`: no argument is then readable in /proc/1/cmdline."""
        return self.holding(b"\0".join(word.encode() for word in words) + b"\0")

    def close_inherited(self) -> None:
        """Close here what the new process has."""
        for descriptor in self._inherited:
            os.close(descriptor)
        self._inherited.clear()


class RootMapping:
    """Maps root and one unprivileged uid into the namespace, so that a process can become it.

    Needed because the kernel exempts root's processes from RLIMIT_NPROC, however they are mapped;
    and root still reads an interpreter that lies in its own home.
    """

    def __init__(self, descriptors: Descriptors) -> None:
        self._info, info_write = descriptors.pipe()
        block_read, self._go = descriptors.pipe(inherit_write=False)
        # A bubblewrap that outlives this process must not die of writing to nobody: what it has
        # started by then would wait for it for ever.
        descriptors.inherit(os.dup(self._info))
        self.arguments = (
            *("--info-fd", str(info_write), "--userns-block-fd", str(block_read)),
            *("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_CHOWN"),
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
            Path(f"/proc/{child}/{name}").write_text(f"0 0 1\n{NOBODY} {NOBODY} 1\n")
        os.write(self._go, b"1")


def memory_file(data: bytes) -> int:
    """A descriptor of an unnamed file in memory with this content, at its beginning."""
    descriptor = os.memfd_create("sandbox")
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
