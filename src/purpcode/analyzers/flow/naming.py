"""Dotted names and the patterns that match them, indexed by last part so that look-ups are fast."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Generic, TypeVar

T = TypeVar("T")


@lru_cache(maxsize=50_000)
def last_part(name: str) -> str:
    """What follows the last dot outside brackets: `a.b().c` → `c`."""
    return name.rpartition(".")[2]


@lru_cache(maxsize=20_000)
def pattern_of(text: str) -> re.Pattern[str]:
    """A name pattern: `*` stands for any characters, everything else for itself."""
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)


def matches(name: str, pattern: str) -> bool:
    """Whether a dotted name fits a pattern such as `*.execute` or `os.system`."""
    if "*" not in pattern:
        return name == pattern
    return pattern_of(pattern).fullmatch(name) is not None


def matches_any(names: Iterable[str], patterns: Iterable[str]) -> bool:
    """Whether any of the names fits any of the patterns."""
    patterns = tuple(patterns)
    return any(matches(name, pattern) for name in names for pattern in patterns)


class NameTable(Generic[T]):
    """Patterns with a meaning each; exact names first, then patterns in order of definition."""

    def __init__(self, entries: Mapping[str, T]) -> None:
        self._exact: dict[str, T] = {}
        self._by_last: dict[str, list[tuple[str, T]]] = {}
        self._open: list[tuple[str, T]] = []
        for pattern, meaning in entries.items():
            if "*" not in pattern:
                self._exact[pattern] = meaning
            elif "*" in last_part(pattern):
                self._open.append((pattern, meaning))
            else:
                self._by_last.setdefault(last_part(pattern), []).append((pattern, meaning))
        self._found: dict[str, T | None] = {}

    def find(self, name: str) -> T | None:
        """The meaning of a name, None when no pattern fits."""
        if name in self._found:
            return self._found[name]
        if len(self._found) > 50_000:
            self._found.clear()
        meaning = self._search(name)
        self._found[name] = meaning
        return meaning

    def _search(self, name: str) -> T | None:
        if name in self._exact:
            return self._exact[name]
        candidates: list[tuple[str, T]] = [*self._by_last.get(last_part(name), ()), *self._open]
        return next((meaning for pattern, meaning in candidates if matches(name, pattern)), None)
