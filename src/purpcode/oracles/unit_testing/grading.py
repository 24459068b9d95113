"""A trial of some code: the programs to run, and how to read what came of them."""

from __future__ import annotations

import functools
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from purpcode.oracles.settings import OracleSettings
from purpcode.sandbox.execution import ExecutionResult, Program

SHOWN_CHARS = 200
_PARTS = (
    *("wire", "decoys", "remote", "peer", "reach", "code_side", "tests_side", "stubs"),
    *("hollow", "marks"),
)
_DRIVER_BYTES = 64 << 20


@dataclass(frozen=True)
class Grade:
    """What the results say: passed, failed, or None for what could not be measured.

    `found` holds what a preparation wants to know beyond that.
    """

    passed: bool | None
    reason: str
    found: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """Programs to run for one piece of code, and how to read their results (given in their order,
    perhaps only the first of them). Trials of the same `key` get the same grade."""

    key: str
    programs: tuple[Program, ...]
    grade: Callable[[Sequence[ExecutionResult]], Grade]
    reference_s: float | None = None
    """Seconds that the reference needed for the same programs."""


@dataclass(frozen=True)
class Limits:
    """What the programs of a trial may use."""

    timeout_s: float
    memory_mb: int

    @classmethod
    def of(
        cls, settings: OracleSettings, reference_s: float | None = None, *, factor: float = 10.0
    ) -> Limits:
        """The settings' limits; `factor` times the reference's time where that is more."""
        timeout_s = max(settings.test_timeout_s, factor * (reference_s or 0.0))
        return cls(timeout_s, settings.test_memory_mb)


def stopped(result: ExecutionResult) -> Grade | None:
    """The grade of a program that was stopped from outside, None for one that ended by itself."""
    if result.status == "sandbox_error":
        return Grade(None, str(result.evidence.get("error") or "the sandbox failed"))
    reasons = {
        "timeout": "ran past its deadline",
        "oom": "needed more memory than it may",
        "output_limit": "printed more than it may",
    }
    return Grade(False, reasons[result.status]) if result.status in reasons else None


def new_nonce() -> str:
    """A name that no program can guess."""
    return secrets.token_hex(16)


def driver(name: str, request: dict[str, Any], limits: Limits) -> Program:
    """One of the main programs of this package, with its request on standard input."""
    return Program(
        code=_source(name),
        files={f"purpcode/oracles/unit_testing/{part}.py": _source(part) for part in _PARTS},
        stdin=json.dumps(request),
        timeout_s=limits.timeout_s,
        memory_mb=limits.memory_mb,
        output_bytes=_DRIVER_BYTES,
    )


@functools.cache
def _source(name: str) -> str:
    return (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")


def reports(stdout: str, nonce: str) -> list[dict[str, Any]]:
    """What a driver said under its nonce. Hostile text: anything unreadable counts as empty."""
    found: list[dict[str, Any]] = []
    for line in stdout.split("\n"):
        if line.startswith(nonce + " "):
            try:
                report = json.loads(line.removeprefix(nonce))
            except (ValueError, RecursionError):
                report = None
            found.append(report if isinstance(report, dict) else {})
    return found


def shown(value: Any) -> str:
    """A value for a reason."""
    try:
        return repr(value)[:SHOWN_CHARS]
    except (ValueError, RecursionError):  # an int too long to print
        return f"a {type(value).__name__}"
