"""Errors a user can act on, in the form that Inspect's command line prints without a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from purpcode.errors import InputError, PurpcodeError
from purpcode.oracles.settings import OracleSettings
from purpcode.types import Sample

_OPTIONS = {"--allow-partial": "-T allow_partial=true", "--data": "-T data"}
"""Our command line's options that messages name → Inspect's."""


@contextmanager
def told_by_inspect() -> Iterator[None]:
    """Turn a `PurpcodeError` into Inspect's `PrerequisiteError`, whose message its command line
    prints alone and exits 1."""
    from inspect_ai._util.error import PrerequisiteError
    from rich.markup import escape

    try:
        yield
    except PurpcodeError as error:
        text = str(error)
        for ours, theirs in _OPTIONS.items():
            text = text.replace(ours, theirs)
        raise PrerequisiteError(escape(f"purpcode: {text}")) from error


def parse_settings(oracles: dict[str, Any] | str | None) -> OracleSettings:
    """Oracle settings from a mapping, a JSON text (`-T oracles='{...}'`) or nothing.

    Raises:
        InputError: it is neither, or a setting that does not exist or cannot have that value.
    """
    try:
        given: Any = json.loads(oracles) if isinstance(oracles, str) else oracles
    except json.JSONDecodeError as error:
        raise _not_settings(oracles, str(error)) from None
    if not isinstance(given, dict | None):
        raise _not_settings(given, "no mapping")
    try:
        return OracleSettings.model_validate(given or {})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(["oracles", *map(str, first["loc"])])
        known = ", ".join(OracleSettings.model_fields)
        unknown = first["type"] == "extra_forbidden"
        raise InputError(
            "unknown field" if unknown else first["msg"],
            field=field,
            hint=f"Known fields: {known}" if unknown else None,
        ) from None


def require_oracles(samples: Sequence[Sample], settings: OracleSettings) -> None:
    """Open what the samples' oracles need, before a model is asked anything.

    A judge is loaded, and not yet held against the calibration set: that costs calls.

    Raises:
        InputError: no such oracle, analyzer or judge.
        UnavailableError: this machine lacks one of them.
    """
    from purpcode.evals.oracle_choice import open_eval_oracle
    from purpcode.oracles.judge import open_judge
    from purpcode.oracles.registry import JUDGED

    names = dict.fromkeys(name for sample in samples for name in sample.oracles)
    for name in names:
        open_eval_oracle(name, settings)
    if any(name in JUDGED for name in names):
        open_judge(settings).check()


def _not_settings(given: object, why: str) -> InputError:
    example = """-T oracles='{"judge": "heuristic"}'"""
    return InputError(
        f"cannot be read as settings ({why}): {str(given)[:80]}",
        field="oracles",
        hint=f"Give the recipe's [oracles] section as JSON, such as {example}.",
    )
