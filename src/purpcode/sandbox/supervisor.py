"""Watches one sandboxed process tree: feeds it, caps its output, kills it at a limit.

Everything is read while the program runs, so a flood never reaches this process's memory.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from purpcode.sandbox.execution import ExecutionResult, ExecutionStatus, Program

Limit = Literal["timeout", "oom", "output_limit"]

_READ_BYTES = 1 << 16
_POLL_S = 0.05
_DRAIN_S = 1.0
_MIB = 1 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MEMORY_ERROR = re.compile(r"^MemoryError\b", re.MULTILINE)


@dataclass
class Supervision:
    """What was seen of one process tree, from its start to its end."""

    process: subprocess.Popen[bytes]
    program: Program
    started_fd: int
    """Read end of the pipe on which the bootstrap reports that the limits hold."""
    began: float = field(default_factory=time.monotonic)
    output: dict[str, bytearray] = field(
        default_factory=lambda: {"out": bytearray(), "err": bytearray()}
    )
    limit: Limit | None = None
    started: bool = False
    exited: bool = False
    _stdin: memoryview = field(init=False, default=memoryview(b""))

    def watch(self) -> None:
        """Follow the tree until it ends or is killed at a limit; then nothing of it runs."""
        self._stdin = memoryview(self.program.stdin.encode("utf-8", "surrogatepass"))
        deadline = self.began + self.program.timeout_s
        pid_fd = os.pidfd_open(self.process.pid)
        with selectors.DefaultSelector() as selector:
            try:
                self._register(selector, pid_fd)
                next_poll = self.began + 2 * _POLL_S
                while self.limit is None and not self.exited:
                    now = time.monotonic()
                    if now >= deadline:
                        self.limit = "timeout"
                        break
                    if now >= next_poll:
                        self._check_memory()
                        next_poll = time.monotonic() + _POLL_S
                    self._step(selector, max(0.0, min(deadline, next_poll) - now))
            finally:
                if self.limit is not None or not self.exited:
                    kill_tree(self.process)
                self._drain(selector)
                os.close(pid_fd)
                self.process.wait()

    def _register(self, selector: selectors.BaseSelector, pid_fd: int) -> None:
        assert self.process.stdin
        assert self.process.stdout
        assert self.process.stderr
        for stream, name in ((self.process.stdout, "out"), (self.process.stderr, "err")):
            os.set_blocking(stream.fileno(), False)
            selector.register(stream.fileno(), selectors.EVENT_READ, name)
        os.set_blocking(self.started_fd, False)
        selector.register(self.started_fd, selectors.EVENT_READ, "started")
        selector.register(pid_fd, selectors.EVENT_READ, "exited")
        if self._stdin:
            os.set_blocking(self.process.stdin.fileno(), False)
            selector.register(self.process.stdin.fileno(), selectors.EVENT_WRITE, "stdin")
        else:
            self.process.stdin.close()

    def _step(self, selector: selectors.BaseSelector, seconds: float) -> None:
        for key, _ in selector.select(seconds):
            if key.data == "exited":
                self.exited = True
                selector.unregister(key.fd)
            elif key.data == "stdin":
                self._feed(selector, key.fd)
            else:
                self._read(selector, key.fd, key.data)

    def _feed(self, selector: selectors.BaseSelector, stdin_fd: int) -> None:
        try:
            self._stdin = self._stdin[os.write(stdin_fd, self._stdin[:_READ_BYTES]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._stdin = memoryview(b"")
        if not self._stdin:
            selector.unregister(stdin_fd)
            assert self.process.stdin
            self.process.stdin.close()

    def _read(self, selector: selectors.BaseSelector, fd: int, name: str) -> None:
        try:
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            selector.unregister(fd)
        elif name == "started":
            self.started = True
        else:
            room = self.program.output_bytes - sum(map(len, self.output.values()))
            self.output[name] += data[:room]
            if len(data) > room:
                self.limit = self.limit or "output_limit"

    def _drain(self, selector: selectors.BaseSelector) -> None:
        """Read what is left in the pipes; their writers are gone, or get a moment to be."""
        until = time.monotonic() + _DRAIN_S
        names = {"out", "err", "started"}
        while any(key.data in names for key in selector.get_map().values()):
            left = until - time.monotonic()
            if left <= 0 or self.limit == "output_limit":
                break
            for key, _ in selector.select(left):
                if key.data in names:
                    self._read(selector, key.fd, key.data)
                else:
                    selector.unregister(key.fd)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _check_memory(self) -> None:
        if (
            tree_memory(self.process.pid, self.program.memory_mb * _MIB)
            > self.program.memory_mb * _MIB
        ):
            self.limit = "oom"

    def result(self, backend: str) -> ExecutionResult:
        """The result of a watched program."""
        code = self.process.returncode
        returncode = 128 - code if code < 0 else code
        stdout = self.output["out"].decode("utf-8", "replace")
        stderr = self.output["err"].decode("utf-8", "replace")
        limit = self.limit or self._memory_failure(returncode, stderr)
        evidence = {"backend": backend, "returncode": returncode, "limit": limit}
        status: ExecutionStatus = limit or ("passed" if returncode == 0 else "failed")
        if not self.started:
            status = "sandbox_error"
            what = stderr.strip()[-500:] or f"exit code {returncode}"
            evidence["error"] = f"the sandbox did not start the program: {what}"
        return ExecutionResult(
            status=status,
            stdout=stdout,
            stderr=stderr,
            seconds=time.monotonic() - self.began,
            evidence=evidence,
        )

    def _memory_failure(self, returncode: int, stderr: str) -> Limit | None:
        # SIGKILL that this supervisor did not send is the kernel's out-of-memory killer.
        if returncode == 128 + signal.SIGKILL:
            return "oom"
        return "oom" if returncode and _MEMORY_ERROR.search(stderr) else None


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


def tree_memory(pid: int, limit: int) -> int:
    """Resident bytes of the processes below `pid`; pages they share count once when that matters.

    Summing resident sizes is cheap and counts forked pages once per process, so only a sum above
    `limit` is measured again by proportional size.
    """
    pids = descendants(pid)
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
