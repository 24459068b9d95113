"""The analyzers by name, and what `doctor` says of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

from purpcode.analyzers.analyzer import Analyzer
from purpcode.analyzers.bandit import Bandit
from purpcode.analyzers.ruff import Ruff
from purpcode.errors import InputError, PurpcodeError

ANALYZERS: dict[str, Callable[..., Analyzer]] = {"bandit": Bandit, "ruff": Ruff}
"""Name → constructor taking `timeout_s` (seconds) and `workers` (0: one per core)."""


def open_analyzers(
    names: Sequence[str], *, timeout_s: float = 120.0, workers: int = 0
) -> list[Analyzer]:
    """The analyzers of those names, each known to run. Foreign ones are named
    `package.module:attribute`. Raises InputError for an unknown name and UnavailableError for an
    analyzer that this machine lacks."""
    analyzers = [
        _constructor(name)(timeout_s=timeout_s, workers=workers) for name in dict.fromkeys(names)
    ]
    for analyzer in analyzers:
        analyzer.fingerprint()  # asks the tool its version, so that a missing one fails here
    return analyzers


def analyzer_report() -> list[tuple[str, bool, str]]:
    """(name, available, version or what to do) of every analyzer."""
    rows: list[tuple[str, bool, str]] = []
    for name in ANALYZERS:
        try:
            rows.append((name, True, open_analyzers([name])[0].fingerprint()))
        except PurpcodeError as error:
            detail = f"{error.message} ({error.hint})" if error.hint else error.message
            rows.append((name, False, detail))
    return rows


def _constructor(name: str) -> Callable[..., Analyzer]:
    if name in ANALYZERS:
        return ANALYZERS[name]
    known = ", ".join(sorted(ANALYZERS))
    module, colon, attribute = name.partition(":")
    if not colon:
        raise InputError(
            f"there is no analyzer '{name}'",
            field="oracles.analyzers",
            hint=f"known: {known}; or package.module:attribute",
        )
    try:
        constructor: Callable[..., Analyzer] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"the analyzer '{name}' cannot be loaded: {error}", field="oracles.analyzers"
        ) from None
    return constructor
