"""The self-test of a sandbox: small harmless programs that try what it must prevent.

A backend that fails one probe is not chosen. The programs that try are in `probe_programs.py`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from purpcode.sandbox import probe_programs as programs
from purpcode.sandbox.execution import ExecutionResult, Program, Sandbox

_VARIABLE = "PURPCODE_SANDBOX_PROBE"
_MEMORY_MB = 128


class ProbeResult(BaseModel):
    """Whether a sandbox held against one attempt, and what was seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    held: bool
    detail: str


@dataclass
class Bait:
    """What the probes try to reach on the host: canary files, an environment variable, sockets."""

    token: str
    folder: Path
    home: Path
    listener: socket.socket
    abstract: socket.socket

    @property
    def arguments(self) -> dict[str, str]:
        """Values the probe programs are formatted with; the token is not among them."""
        return {
            "folder": repr(str(self.folder)),
            "home": repr(str(self.home)),
            "port": str(self.listener.getsockname()[1]),
            "abstract": repr(self.abstract.getsockname()),
            "marker": repr(self.marker),
        }

    @property
    def marker(self) -> str:
        """Command-line mark of the process that tries to outlive its program."""
        return f"outlive-{self.token}"


@dataclass(frozen=True)
class _Probe:
    name: str
    program: str
    judge: Callable[[ExecutionResult, Bait], tuple[bool, str]]
    timeout_s: float = 8.0


def probe(sandbox: Sandbox) -> list[ProbeResult]:
    """Run every probe (a few seconds), first an honest program: without it nothing is proven."""
    honest = sandbox.run(Program(code=programs.HONEST, stdin="in", timeout_s=20.0))
    if honest.status != "passed" or honest.stdout.split() != ["ran", "in"]:
        what = honest.evidence.get("error") or honest.stderr.strip()[-300:] or honest.status
        return [ProbeResult(name="runs_programs", held=False, detail=str(what))]
    results = [ProbeResult(name="runs_programs", held=True, detail=f"{honest.seconds:.2f} s")]
    with _bait() as bait:
        tried = sandbox.run_many(
            [
                Program(
                    code=item.program.format(**bait.arguments),
                    timeout_s=item.timeout_s,
                    memory_mb=_MEMORY_MB,
                    output_bytes=1 << 16,
                )
                for item in _PROBES
            ],
            workers=2,
        )
        for item, result in zip(_PROBES, tried, strict=True):
            results.append(_judge(item, result, bait))
    return results


def _judge(item: _Probe, result: ExecutionResult, bait: Bait) -> ProbeResult:
    if result.status == "sandbox_error":
        held, detail = False, str(result.evidence.get("error"))
    elif not result.stdout.startswith("ran"):
        held, detail = False, f"the probe did not run: {result.stderr.strip()[-200:]}"
    else:
        held, detail = item.judge(result, bait)
    return ProbeResult(name=item.name, held=held, detail=detail)


@contextlib.contextmanager
def _bait() -> Iterator[Bait]:
    token = secrets.token_hex(16)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="purpcode-probe-")))
        folder.chmod(0o777)
        (folder / "canary").write_text(token)
        home = _home_canary(stack, token) or folder / "canary"
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0purpcode-probe-{secrets.token_hex(8)}")
        abstract.listen()
        for server in (listener, abstract):
            server.setblocking(False)
        os.environ[_VARIABLE] = token
        stack.callback(os.environ.pop, _VARIABLE, None)
        yield Bait(token, folder, home, listener, abstract)


def _home_canary(stack: contextlib.ExitStack, token: str) -> Path | None:
    """A canary in the user's home, where the home can be written."""
    try:
        descriptor, name = tempfile.mkstemp(dir=Path.home(), prefix=".purpcode-probe-")
    except (OSError, RuntimeError):
        return None
    os.close(descriptor)
    path = Path(name)
    stack.callback(path.unlink, missing_ok=True)
    path.write_text(token)
    return path


def _wrote_nothing(_: ExecutionResult, bait: Bait) -> tuple[bool, str]:
    seen = [path.name for path in bait.folder.iterdir() if path.name != "canary"]
    seen += [] if bait.home.read_text() == bait.token else [str(bait.home)]
    return not seen, f"wrote {seen} outside" if seen else "nothing written outside"


def _token_unseen(result: ExecutionResult, bait: Bait) -> tuple[bool, str]:
    seen = bait.token in result.stdout
    return not seen, "read it" if seen else "not readable"


def _unconnected(_: ExecutionResult, bait: Bait) -> tuple[bool, str]:
    reached = []
    for name, server in (("loopback TCP", bait.listener), ("abstract Unix", bait.abstract)):
        with contextlib.suppress(BlockingIOError):
            server.accept()[0].close()
            reached.append(name)
    return (
        not reached,
        f"reached {' and '.join(reached)} sockets" if reached else "no host socket reached",
    )


def _left_nothing(_: ExecutionResult, bait: Bait) -> tuple[bool, str]:
    alive = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if bait.marker.encode() in path.read_bytes().split(b"\0"):
                alive.append(int(path.parent.name))
    for pid in alive:  # this probe's own sleeping process
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return not alive, "a process outlived the program" if alive else "no process survived"


def _number(result: ExecutionResult) -> int | None:
    words = result.stdout.split()
    return int(words[-1]) if len(words) > 1 and words[-1].isdigit() else None


def _few_processes(result: ExecutionResult, _: Bait) -> tuple[bool, str]:
    count = _number(result)
    return count is not None and count < programs.FORKS, f"{count} of {programs.FORKS} forks"


def _little_disk(result: ExecutionResult, _: Bait) -> tuple[bool, str]:
    written = _number(result)
    return written is not None and written < programs.DISK_MIB, f"{written} MiB written"


def _status(*wanted: str) -> Callable[[ExecutionResult, Bait], tuple[bool, str]]:
    def judge(result: ExecutionResult, _: Bait) -> tuple[bool, str]:
        held = result.status in wanted and "done" not in result.stdout
        return held, f"{result.status} after {result.seconds:.1f} s"

    return judge


def _all_refused(result: ExecutionResult, _: Bait) -> tuple[bool, str]:
    allowed = result.stdout.split()[1:]
    held = result.status == "passed" and not allowed
    return held, f"allowed: {', '.join(allowed)}" if allowed else "refused"


_PROBES = (
    _Probe("write_outside", programs.WRITE_OUTSIDE, _wrote_nothing),
    _Probe("read_environment", programs.READ_ENVIRONMENT, _token_unseen),
    _Probe("read_host_files", programs.READ_HOST_FILES, _token_unseen),
    _Probe("reach_sockets", programs.REACH_SOCKETS, _unconnected),
    _Probe("leave_daemon", programs.LEAVE_DAEMON, _left_nothing),
    _Probe("fork_without_bound", programs.FORK_WITHOUT_BOUND, _few_processes),
    _Probe("exceed_memory", programs.EXCEED_MEMORY, _status("oom")),
    _Probe("exceed_memory_by_many", programs.EXCEED_MEMORY_BY_MANY, _status("oom")),
    _Probe("fill_disk", programs.FILL_DISK, _little_disk),
    _Probe("flood_output", programs.FLOOD_OUTPUT, _status("output_limit")),
    _Probe("outstay_deadline", programs.OUTSTAY_DEADLINE, _status("timeout"), timeout_s=1.0),
    _Probe("kernel_surface", programs.KERNEL_SURFACE, _all_refused),
    _Probe("inherited_descriptors", programs.INHERITED_DESCRIPTORS, _all_refused),
)
