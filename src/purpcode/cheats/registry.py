"""The families of cheats by name, one file each, and cheats from outside files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from purpcode.cheats.cheat import Cheat
from purpcode.errors import InputError


def _secure_code() -> tuple[Cheat, ...]:
    from purpcode.cheats.secure_code import secure_code_cheats

    return secure_code_cheats()


def _unit_tests() -> tuple[Cheat, ...]:
    from purpcode.cheats.unit_tests import unit_test_cheats

    return unit_test_cheats()


def _refusals() -> tuple[Cheat, ...]:
    from purpcode.cheats.refusals import refusal_cheats

    return refusal_cheats()


def _answer_format() -> tuple[Cheat, ...]:
    from purpcode.cheats.answer_format import answer_format_cheats

    return answer_format_cheats()


FAMILIES: dict[str, Callable[[], tuple[Cheat, ...]]] = {
    "secure_code": _secure_code,
    "unit_tests": _unit_tests,
    "refusals": _refusals,
    "answer_format": _answer_format,
}
"""Family → its cheats. Each imports its file only when called."""


def cheats_of(families: Iterable[str] = ()) -> list[Cheat]:
    """The cheats of those families, all families without any.

    Raises:
        InputError: there is no such family.
    """
    wanted = list(dict.fromkeys(families)) or list(FAMILIES)
    unknown = [name for name in wanted if name not in FAMILIES]
    if unknown:
        raise InputError(
            f"there is no family of cheats '{unknown[0]}'",
            hint=f"Known families: {', '.join(sorted(FAMILIES))}.",
        )
    return [cheat for name in wanted for cheat in FAMILIES[name]()]


def read_cheats(path: Path) -> list[Cheat]:
    """Cheats from a JSONL file, one `Cheat` a line.

    Raises:
        InputError: naming file, line and field of what is not a cheat, or a repeated id.
    """
    from purpcode.records import read_records

    cheats = read_records(path, Cheat)
    require_distinct(cheats, path)
    if not cheats:
        raise InputError("holds no cheat", path=path)
    return cheats


def require_distinct(cheats: Iterable[Cheat], path: Path | None = None) -> None:
    """Raise InputError when two cheats share an id."""
    counts = Counter(cheat.id for cheat in cheats)
    repeated = next((name for name, count in counts.items() if count > 1), None)
    if repeated is not None:
        raise InputError(f"two cheats are called '{repeated}'", path=path, field="id")
