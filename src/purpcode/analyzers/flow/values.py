"""What the analysis knows of a value: where it comes from, what it may be, how a text begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, Literal

SourceKind = Literal["request", "network", "cli", "environment", "file", "stored", "parameter"]
"""Where outside data enters: an HTTP request, a peer or service, the command line or standard
input, environment variables, a file, a database, or a parameter whose caller is unseen."""

MAX_TAINTS = 12
MAX_NAMES = 6
MAX_ITEMS = 24
MAX_NESTING = 3


class _Unknown(Enum):
    UNKNOWN = "unknown"


UNKNOWN: Final = _Unknown.UNKNOWN
"""Stands where no constant is known; None is a constant."""


@dataclass(frozen=True, slots=True)
class Taint:
    """Outside data in a value. `passed` holds what it went through on the way: names of functions
    and methods it was an argument or receiver of, and the tests it was held against (`+name` where
    the test was true, `-name` where it was false)."""

    kind: SourceKind
    line: int
    origin: str
    passed: frozenset[str] = frozenset()

    def through(self, tokens: Iterable[str]) -> Taint:
        """This taint after passing functions or tests."""
        more = self.passed.union(tokens)
        return self if more == self.passed else replace(self, passed=more)


class Value:
    """An abstract value; immutable by convention (slots without checks, for speed).

    `taints` says which outside data it may carry; `names` which dotted names it may be (`os.system`
    for the function itself, `sqlite3.Connection()` for an instance, `?x` where `x` is unresolved);
    `const` is its literal value; `built` is true of a text put together from literal and other
    parts; `prefix` is the literal such a text begins with; `items` are the elements of a sequence
    display and `fields` the entries of a mapping display.
    """

    __slots__ = ("built", "const", "depth", "fields", "items", "names", "prefix", "taints")

    def __init__(
        self,
        taints: frozenset[Taint] = frozenset(),
        names: frozenset[str] = frozenset(),
        const: Any = UNKNOWN,
        *,
        built: bool = False,
        prefix: str | None = None,
        items: tuple[Value, ...] | None = None,
        fields: Mapping[str, Value] | None = None,
    ) -> None:
        self.taints = taints
        self.names = names
        self.const = const
        self.built = built
        self.prefix = prefix
        self.depth = 0
        """How deeply containers are nested in it; below MAX_NESTING their parts are forgotten."""
        if items is not None or fields is not None:
            parts = (*(items or ()), *(fields or {}).values())
            self.depth = 1 + max((one.depth for one in parts), default=0)
            if self.depth > MAX_NESTING:
                items, fields, self.depth = None, None, 0
        self.items = items
        self.fields = fields

    def __repr__(self) -> str:
        return f"Value(names={sorted(self.names)}, const={self.const!r}, taints={len(self.taints)})"

    @property
    def known(self) -> bool:
        """Whether the literal value is known."""
        return self.const is not UNKNOWN

    @property
    def text(self) -> str | None:
        """The literal text, or None."""
        return self.const if isinstance(self.const, str) else None

    def starts_with(self) -> str:
        """The literal text this value is known to begin with, "" when unknown."""
        return self.text if self.text is not None else self.prefix or ""

    def tainted_by(self, taints: Iterable[Taint]) -> Value:
        """This value with more taints."""
        return self._with(_limited(self.taints.union(taints)), self.names)

    def passing(self, tokens: Iterable[str]) -> Value:
        """This value after all its taints passed functions or tests."""
        if not self.taints:
            return self
        tokens = tuple(tokens)
        return self._with(frozenset(one.through(tokens) for one in self.taints), self.names)

    def only(self, taint: Taint) -> Value:
        """This value as if it carried no other outside data."""
        return self if len(self.taints) == 1 else self._with(frozenset((taint,)), self.names)

    def named(self, names: Iterable[str]) -> Value:
        """This value under other names."""
        return self._with(self.taints, frozenset(names))

    def _with(self, taints: frozenset[Taint], names: frozenset[str]) -> Value:
        return Value(
            taints,
            names,
            self.const,
            built=self.built,
            prefix=self.prefix,
            items=self.items,
            fields=self.fields,
        )

    def signature(self) -> tuple[Any, ...]:
        """A hashable summary: calls whose arguments have equal signatures behave alike."""
        const = (
            self.const if isinstance(self.const, str | int | bytes | float) else repr(self.const)
        )
        return (
            frozenset((one.kind, one.line, one.passed) for one in self.taints),
            self.names,
            type(self.const).__name__,
            const,
            self.built,
            self.prefix,
            None if self.items is None else tuple(one.signature() for one in self.items[:4]),
        )


NOTHING: Final = Value()
"""A value of which nothing is known and which carries no outside data."""


def literal(const: Any) -> Value:
    """The value of a literal."""
    return Value(const=const)


def joined(one: Value, other: Value) -> Value:
    """What holds where either value may be: the union of dangers, the common certainties."""
    if one is other:
        return one
    same = one.const == other.const and type(one.const) is type(other.const)
    return Value(
        _limited(one.taints | other.taints),
        _few(one.names | other.names),
        one.const if same else UNKNOWN,
        built=one.built or other.built,
        prefix=_common_prefix(one.starts_with(), other.starts_with()) or None,
        items=_joined_items(one, other),
        fields=one.fields if one.fields is not None else other.fields,
    )


def union(values: Iterable[Value]) -> frozenset[Taint]:
    """All taints of some values."""
    found: frozenset[Taint] = frozenset()
    for value in values:
        if value.taints:
            found = found | value.taints if found else value.taints
    return _limited(found)


def _joined_items(one: Value, other: Value) -> tuple[Value, ...] | None:
    if one.items is None or other.items is None:
        return one.items if other.items is None else other.items
    if len(one.items) == len(other.items):
        return tuple(joined(a, b) for a, b in zip(one.items, other.items, strict=True))
    return (one.items + other.items)[:MAX_ITEMS]


def _limited(taints: frozenset[Taint]) -> frozenset[Taint]:
    """Taints without those that another of the same source makes superfluous, and not too many."""
    if len(taints) <= 1:
        return taints
    kept: list[Taint] = []
    for taint in sorted(taints, key=lambda one: (len(one.passed), one.kind, one.line, one.origin)):
        if not any(
            weaker.kind == taint.kind
            and weaker.origin == taint.origin
            and weaker.line == taint.line
            and weaker.passed <= taint.passed
            for weaker in kept
        ):
            kept.append(taint)
    kept.sort(key=lambda one: (one.kind == "parameter", len(one.passed), one.line, one.origin))
    return frozenset(kept[:MAX_TAINTS])


def _few(names: frozenset[str]) -> frozenset[str]:
    return names if len(names) <= MAX_NAMES else frozenset(sorted(names)[:MAX_NAMES])


def _common_prefix(one: str, other: str) -> str:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return one[:length]
