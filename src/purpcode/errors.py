"""Errors a user can act on. The command line prints them without a traceback and exits 2."""

from __future__ import annotations

from pathlib import Path


class PurpcodeError(Exception):
    """Something the user can fix: the message says what is wrong, `hint` says what to do."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class InputError(PurpcodeError):
    """Unusable input, located: file, line (1-based) and field where they are known."""

    def __init__(
        self,
        message: str,
        *,
        path: Path | str | None = None,
        line: int | None = None,
        field: str | None = None,
        hint: str | None = None,
    ) -> None:
        place = str(path) if path is not None else ""
        if line is not None:
            place = f"{place}:{line}" if place else f"line {line}"
        if field:
            place = f"{place}: field '{field}'" if place else f"field '{field}'"
        super().__init__(f"{place}: {message}" if place else message, hint=hint)
        self.path = Path(path) if path is not None else None
        self.line = line
        self.field = field


class UnavailableError(PurpcodeError):
    """A part this machine lacks (a sandbox, a model, a judge); the hint names how to get it."""
