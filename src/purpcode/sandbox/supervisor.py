"""Watches one sandboxed process tree: feeds it, caps its output, kills it at a limit.

Everything is read while the program runs, so a flood never reaches this process's memory.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import time
from dataclasses import dataclass, field
from typing import IO, Literal, Protocol

from purpcode.sandbox.execution import ExecutionResult, ExecutionStatus, Program

Limit = Literal["timeout", "oom", "output_limit"]

_READ_BYTES = 1 << 16
_POLL_S = 0.05
_DRAIN_S = 1.0
_MIB = 1 << 20
MEMORY_ERROR = re.compile(r"^MemoryError\b", re.MULTILINE)
"""How Python says that it ran out of memory."""


class ProcessTree(Protocol):
    """What is supervised: standard streams, and a tree of processes that end together."""

    stdin: IO[bytes]
    stdout: IO[bytes]
    stderr: IO[bytes]

    def exit_descriptor(self) -> int:
        """A new descriptor that becomes readable when the tree has ended."""
        ...

    def memory(self, limit: int) -> int:
        """Bytes the tree holds; exact only where they exceed `limit`."""
        ...

    def kill(self) -> None:
        """End every process of the tree at once."""
        ...

    def wait(self) -> int | None:
        """Wait for the end; the exit code (negative: a signal), None when it is not known."""
        ...


@dataclass
class Supervision:
    """What was seen of one process tree, from its start to its end."""

    process: ProcessTree
    program: Program
    report_fd: int
    """A memory file whose first byte says that the limits hold (what follows is the tree's own).

    No pipe: nobody need wake up for it before the end.
    """
    began: float = field(default_factory=time.monotonic)
    output: dict[str, bytearray] = field(
        default_factory=lambda: {"out": bytearray(), "err": bytearray()}
    )
    limit: Limit | None = None
    started: bool = False
    returncode: int | None = None
    exited: bool = False
    _stdin: memoryview = field(init=False, default=memoryview(b""))

    def watch(self) -> None:
        """Follow the tree until it ends or is killed at a limit; then nothing of it runs."""
        self._stdin = memoryview(self.program.stdin.encode("utf-8", "surrogatepass"))
        deadline = self.began + self.program.timeout_s
        pid_fd = self.process.exit_descriptor()
        with selectors.PollSelector() as selector:  # for a few moments: epoll costs more
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
                    self.process.kill()
                self._drain(selector)
                os.close(pid_fd)
                self.returncode = self.process.wait()
                self.started = os.pread(self.report_fd, 1, 0) == b"1"

    def _register(self, selector: selectors.BaseSelector, pid_fd: int) -> None:
        for stream, name in ((self.process.stdout, "out"), (self.process.stderr, "err")):
            os.set_blocking(stream.fileno(), False)
            selector.register(stream.fileno(), selectors.EVENT_READ, name)
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
            self.process.stdin.close()

    def _read(self, selector: selectors.BaseSelector, fd: int, name: str) -> None:
        try:
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            selector.unregister(fd)
        else:
            room = self.program.output_bytes - sum(map(len, self.output.values()))
            self.output[name] += data[:room]
            if len(data) > room:
                self.limit = self.limit or "output_limit"

    def _drain(self, selector: selectors.BaseSelector) -> None:
        """Read what is left in the pipes; their writers are gone, or get a moment to be."""
        until = time.monotonic() + _DRAIN_S
        names = {"out", "err"}
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
            with contextlib.suppress(OSError):
                stream.close()

    def _check_memory(self) -> None:
        allowed = self.program.memory_mb * _MIB
        if self.process.memory(allowed) > allowed:
            self.limit = "oom"

    def result(self, backend: str) -> ExecutionResult:
        """The result of a watched program."""
        code = self.returncode if self.returncode is not None else -signal.SIGKILL
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
        return "oom" if returncode and MEMORY_ERROR.search(stderr) else None
