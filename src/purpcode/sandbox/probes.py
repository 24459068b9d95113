"""The self-test of a sandbox: small harmless programs that try what it must prevent.

A backend that fails one probe is not chosen. A probe that could not run did not hold.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from purpcode.sandbox import probe_kernel_programs as kernel
from purpcode.sandbox import probe_limit_programs as limits
from purpcode.sandbox import probe_programs as programs
from purpcode.sandbox.execution import ExecutionResult, Program, Sandbox
from purpcode.sandbox.probe_bait import Bait, lay_bait, survivors

_MEMORY_MB = 128
_OUTPUT_BYTES = 1 << 16
_SIDE_BY_SIDE = 4
_SHOWN = 6
_SIGNAL_S = 0.1
"""How long a signalled process may take to end."""

Elsewhere = Literal["required", "shown", "unseen"]


class ProbeResult(BaseModel):
    """Whether a sandbox held against one attempt, and what was seen.

    `required` is False for what a server elsewhere may lack, because it concerns that server.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    held: bool
    detail: str
    required: bool = True


Judge = Callable[[ExecutionResult, Bait], tuple[bool, str]]


@dataclass(frozen=True)
class _Probe:
    """A program and the judge of its result.

    `elsewhere` says what the probe means for a backend on another machine: it is required there
    too, only shown, or cannot be seen from here.
    """

    name: str
    program: str
    judge: Judge
    timeout_s: float = 8.0
    elsewhere: Elsewhere = "shown"
    alone: bool = False
    """Run when no other probe runs: older kernels count processes per uid over all namespaces."""
    then: tuple[str, ...] = ()
    """Programs to run afterwards, one by one, each judged the same; only for probes run alone."""


def probe(sandbox: Sandbox) -> list[ProbeResult]:
    """Run every probe (a few seconds), first an honest program: without it nothing is proven."""
    honest = sandbox.run(Program(code=programs.HONEST, stdin="in", timeout_s=20.0))
    if honest.status != "passed" or honest.stdout.split() != ["ran", "in"]:
        what = honest.evidence.get("error") or honest.stderr.strip()[-300:] or honest.status
        return [ProbeResult(name="runs_programs", held=False, detail=str(what))]
    ran = ProbeResult(name="runs_programs", held=True, detail=f"{honest.seconds:.2f} s")
    try:
        return [ran, *_probe_all(sandbox)]
    except OSError as error:  # no room for a file, no loopback: nothing can be tried
        fault = f"the probes cannot be set up: {error}"
        return [ran, ProbeResult(name="set_up", held=False, detail=fault)]


def _probe_all(sandbox: Sandbox) -> list[ProbeResult]:
    with lay_bait() as bait:
        together = [item for item in PROBES if not item.alone]
        made = [_program(item, item.program, bait) for item in together]
        tried = sandbox.run_many(made, workers=_SIDE_BY_SIDE)
        found = {
            item.name: _judged(item, result, bait)
            for item, result in zip(together, tried, strict=True)
        }
        found |= {item.name: _run_alone(item, sandbox, bait) for item in PROBES if item.alone}
    return [_result(item, *found[item.name], sandbox) for item in PROBES]


def _program(item: _Probe, text: str, bait: Bait) -> Program:
    return Program(
        code=programs.START + text + programs.END,
        stdin=bait.told(),
        timeout_s=item.timeout_s,
        memory_mb=_MEMORY_MB,
        output_bytes=_OUTPUT_BYTES,
    )


def _run_alone(item: _Probe, sandbox: Sandbox, bait: Bait) -> tuple[bool, str]:
    held, detail = False, ""
    for text in (item.program, *item.then):
        held, detail = _judged(item, sandbox.run(_program(item, text, bait)), bait)
        if not held:
            break
    return held, detail


def _judged(item: _Probe, result: ExecutionResult, bait: Bait) -> tuple[bool, str]:
    if result.status == "sandbox_error":
        return False, str(result.evidence.get("error"))
    if not result.stdout.startswith("ran"):
        return False, f"the probe did not run: {result.stderr.strip()[-200:]}"
    return item.judge(result, bait)


def _result(item: _Probe, held: bool, detail: str, sandbox: Sandbox) -> ProbeResult:
    remote = bool(getattr(sandbox, "remote", False))
    if remote and item.elsewhere == "unseen":
        held, detail = False, "cannot be seen from this machine"
    required = not remote or item.elsewhere == "required"
    return ProbeResult(name=item.name, held=held, detail=detail, required=required)


def _reported(result: ExecutionResult) -> list[str] | None:
    """The lines a program printed of what it managed; None when it did not come to its end."""
    lines = result.stdout.splitlines()
    complete = result.status == "passed" and lines[:1] == ["ran"] and lines[-1:] == ["end"]
    return lines[1:-1] if complete else None


def _unfinished(result: ExecutionResult) -> str:
    seen = result.stderr.strip()[-200:]
    return f"the probe did not end: {result.status} {seen}".strip()


def _none_managed(word: str) -> Judge:
    def judge(result: ExecutionResult, _: Bait) -> tuple[bool, str]:
        managed = _reported(result)
        if managed is None:
            return False, _unfinished(result)
        more = f" and {len(managed) - _SHOWN} more" if len(managed) > _SHOWN else ""
        return not managed, ", ".join(managed[:_SHOWN]) + more if managed else word

    return judge


def _seen_outside(look: Callable[[Bait], Sequence[object]], bad: str, good: str) -> Judge:
    """Judged by what is found on this machine after the program came to its end."""

    def judge(result: ExecutionResult, bait: Bait) -> tuple[bool, str]:
        found = look(bait)
        if found:
            return False, f"{bad} {', '.join(map(str, found))}"
        return (True, good) if _reported(result) is not None else (False, _unfinished(result))

    return judge


def _token_unseen(result: ExecutionResult, bait: Bait) -> tuple[bool, str]:
    if bait.token in result.stdout:
        return False, "read it"
    return (True, "not readable") if _reported(result) is not None else (False, _unfinished(result))


def _files_unseen(result: ExecutionResult, bait: Bait) -> tuple[bool, str]:
    if bait.token in result.stdout:
        return False, "read a canary file"
    return _none_managed("not readable")(result, bait)


def _victim_alive(result: ExecutionResult, bait: Bait) -> tuple[bool, str]:
    with contextlib.suppress(subprocess.TimeoutExpired):
        bait.victim.wait(_SIGNAL_S)
        return False, "ended a process outside"
    return _none_managed("not signalled")(result, bait)


def _few(limit: int, what: str) -> Judge:
    def judge(result: ExecutionResult, _: Bait) -> tuple[bool, str]:
        lines = _reported(result)
        if lines is None or len(lines) != 1 or not lines[0].isdigit():
            return False, _unfinished(result)
        return int(lines[0]) < limit, f"{lines[0]} {what}"

    return judge


def _status(*wanted: str) -> Judge:
    def judge(result: ExecutionResult, _: Bait) -> tuple[bool, str]:
        held = result.status in wanted and "done" not in result.stdout
        return held, f"{result.status} after {result.seconds:.1f} s"

    return judge


def _nothing_past_deadline(result: ExecutionResult, bait: Bait) -> tuple[bool, str]:
    if survivors(bait.deadline_marker):
        return False, "a process outlived the deadline"
    return result.status == "timeout", f"{result.status}, no process survived"


PROBES = (
    _Probe(
        "write_outside",
        programs.WRITE_OUTSIDE,
        _seen_outside(Bait.written, "wrote", "nothing written outside"),
        elsewhere="required",
    ),
    _Probe("read_environment", programs.READ_ENVIRONMENT, _token_unseen, elsewhere="required"),
    _Probe("read_host_files", programs.READ_HOST_FILES, _files_unseen, elsewhere="required"),
    _Probe("read_system_files", programs.READ_SYSTEM_FILES, _none_managed("not readable")),
    _Probe(
        "reach_sockets",
        programs.REACH_SOCKETS,
        _seen_outside(Bait.reached, "reached", "no socket outside reached"),
        elsewhere="required",
    ),
    _Probe("reach_network", programs.REACH_NETWORK, _none_managed("no interface, no family")),
    _Probe("signal_others", programs.SIGNAL_OTHERS, _victim_alive, elsewhere="required"),
    _Probe("trace_others", programs.TRACE_OTHERS, _none_managed("neither traced nor read")),
    _Probe(
        "leave_daemon",
        programs.LEAVE_DAEMON,
        _seen_outside(lambda bait: survivors(bait.outlive_marker), "left", "no process survived"),
        elsewhere="unseen",
    ),
    _Probe(
        "outlive_deadline",
        limits.OUTLIVE_DEADLINE,
        _nothing_past_deadline,
        timeout_s=1.0,
        elsewhere="unseen",
    ),
    _Probe(
        "leave_state",
        programs.LEAVE_STATE,
        _none_managed("nothing left"),
        alone=True,
        then=(programs.FIND_STATE,) * 3,  # a backend with several workers may take turns
    ),
    _Probe("exceed_memory", limits.EXCEED_MEMORY, _status("oom")),
    _Probe("exceed_memory_by_many", limits.EXCEED_MEMORY_BY_MANY, _status("oom")),
    _Probe("exceed_shared_memory", limits.EXCEED_SHARED_MEMORY, _status("oom")),
    _Probe("fill_disk", limits.FILL_DISK, _few(limits.DISK_MIB, "MiB written")),
    _Probe("flood_output", limits.FLOOD_OUTPUT, _status("output_limit"), elsewhere="required"),
    _Probe(
        "outstay_deadline",
        limits.OUTSTAY_DEADLINE,
        _status("timeout"),
        timeout_s=1.0,
        elsewhere="required",
    ),
    _Probe("kernel_surface", kernel.KERNEL_SURFACE, _none_managed("refused")),
    _Probe("new_namespaces", kernel.NEW_NAMESPACES, _none_managed("refused")),
    _Probe("mount", kernel.MOUNT, _none_managed("refused")),
    _Probe("gain_privilege", kernel.GAIN_PRIVILEGE, _none_managed("none")),
    _Probe("devices", kernel.DEVICES, _none_managed("only harmless ones")),
    _Probe("kernel_files", kernel.KERNEL_FILES, _none_managed("nothing of the machine")),
    _Probe(
        "inherited_descriptors", programs.INHERITED_DESCRIPTORS, _none_managed("none inherited")
    ),
    _Probe(
        "fork_without_bound",
        limits.FORK_WITHOUT_BOUND,
        _few(limits.FORKS, f"of {limits.FORKS} forks"),
        alone=True,
    ),
)
"""Every probe, in the order they are shown."""
