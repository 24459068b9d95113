"""The analyzers and profiles by name, and what `doctor` says of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache, partial

from purpcode.analyzers.analyzer import Analyzer
from purpcode.errors import InputError, PurpcodeError

ANALYZERS: dict[str, str] = {
    "bandit": "purpcode.analyzers.bandit:Bandit",
    "ruff": "purpcode.analyzers.ruff:Ruff",
    "purpcode": "purpcode.analyzers.flow.analyzer:FlowAnalyzer",
    "codeshield": "purpcode.analyzers.codeshield:CodeShield",
    "semgrep": "purpcode.analyzers.semgrep:Semgrep",
    "pysa": "purpcode.analyzers.pysa:Pysa",
    "codeql": "purpcode.analyzers.codeql:CodeQL",
}
"""Name → where its constructor is. It takes `timeout_s` (seconds) and `workers` (0: one per
core)."""
ARGUMENTS: dict[str, str] = {"codeshield": "rule_set", "semgrep": "rules"}
"""Analyzer → the parameter of its constructor that `name:argument` sets."""
PROFILES: dict[str, tuple[str, ...]] = {
    "fast": ("bandit", "ruff", "purpcode"),
    "thorough": ("bandit", "ruff", "purpcode", "codeshield"),
    "deep": ("bandit", "ruff", "purpcode", "codeshield", "pysa"),
}
"""Names that stand for several analyzers: `fast` for rewards, `thorough` for evaluation, `deep`
where time does not matter."""
_FIELD = "oracles.analyzers"


def expand_profiles(names: Sequence[str]) -> tuple[str, ...]:
    """The names with each profile replaced by its analyzers, each once, in order."""
    return tuple(dict.fromkeys(one for name in names for one in PROFILES.get(name, (name,))))


@cache
def evaluation_profile() -> str:
    """`thorough` where this machine has all of it, else `fast`."""
    try:
        open_analyzers(["thorough"])
    except PurpcodeError:
        return "fast"
    return "thorough"


def open_analyzers(
    names: Sequence[str], *, timeout_s: float = 120.0, workers: int = 0
) -> list[Analyzer]:
    """The analyzers of those names and profiles, each known to run. `semgrep:FOLDER` and
    `codeshield:RULE_SET` pass an argument; foreign analyzers are named
    `package.module:attribute`. Raises InputError for an unknown name and UnavailableError for an
    analyzer that this machine lacks."""
    analyzers = [
        _constructor(name)(timeout_s=timeout_s, workers=workers) for name in expand_profiles(names)
    ]
    for analyzer in analyzers:
        analyzer.fingerprint()  # asks the tool its version, so that a missing one fails here
    return analyzers


def analyzer_report() -> list[tuple[str, bool, str]]:
    """(name, available, version or what to do) of every analyzer that needs no argument."""
    rows: list[tuple[str, bool, str]] = []
    for name in ANALYZERS:
        if name == "semgrep":
            continue  # without a folder of rules there is nothing to run
        try:
            rows.append((name, True, open_analyzers([name])[0].fingerprint()))
        except PurpcodeError as error:
            detail = f"{error.message} ({error.hint})" if error.hint else error.message
            rows.append((name, False, detail))
    return rows


def _constructor(name: str) -> Callable[..., Analyzer]:
    known, colon, argument = name.partition(":")
    if known in ANALYZERS:
        return _own(known, argument if colon else None)
    if not colon:
        listed = ", ".join(sorted((*ANALYZERS, *PROFILES)))
        raise InputError(
            f"there is no analyzer '{name}'",
            field=_FIELD,
            hint=f"known: {listed}; or package.module:attribute",
        )
    return _imported(name)


def _own(name: str, argument: str | None) -> Callable[..., Analyzer]:
    constructor = _imported(ANALYZERS[name])
    if argument is None:
        if name == "semgrep":
            raise InputError(
                "semgrep needs rules", field=_FIELD, hint="write semgrep:FOLDER, a folder of rules"
            )
        return constructor
    if name not in ARGUMENTS or not argument:
        raise InputError(f"'{name}:{argument}' is no analyzer", field=_FIELD)
    return partial(constructor, **{ARGUMENTS[name]: argument})


def _imported(place: str) -> Callable[..., Analyzer]:
    module, _, attribute = place.partition(":")
    try:
        constructor: Callable[..., Analyzer] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"the analyzer '{place}' cannot be loaded: {error}", field=_FIELD) from (
            None
        )
    return constructor
