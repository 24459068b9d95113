"""Ready-made detectors: outside data reaching a sink, a call made wrongly, a setting stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from purpcode.analyzers.flow.code import Call, Code, Store
from purpcode.analyzers.flow.naming import NameTable
from purpcode.analyzers.flow.rule import Detector, Level, Match
from purpcode.analyzers.flow.values import SourceKind, Taint, Value

ORIGINS: Mapping[SourceKind, str] = {
    "request": "an HTTP request",
    "network": "the network",
    "cli": "the command line or standard input",
    "environment": "the environment",
    "file": "a file",
    "stored": "stored data",
    "parameter": "a parameter",
}

NUMBERS = (
    *("int", "float", "complex", "bool", "len", "round", "abs", "ord", "operator.arithmetic"),
    *("route.int", "decimal.Decimal", "uuid.UUID", "ipaddress.*", "datetime.*", "?int", "sum"),
)
"""Functions whose result cannot carry a text."""

CHECKS = (
    *("*sanitiz*", "*sanitis*", "*whitelist*", "*allowlist*", "*validate*", "*validator*"),
    *("+in", "+equals", "+re.match", "+re.fullmatch", "-re.search", "-re.match", "+*.match"),
    *("+*.fullmatch", "-*.search", "+.isalnum", "+.isdigit", "+.isalpha", "+.isdecimal"),
    *("+.isnumeric", "+.isidentifier", "+*valid*", "+*allowed*", "+*is_safe*", "+*permitted*"),
    *("-*invalid*", "-*is_malicious*", "-*unsafe*", "+*whitelist*", "+*check_*", "+*verify_*"),
    *("+*ensure*", "+*assert_*", "+all", "-any", "+*authorized*", "+*.issubset"),
    *("*.get_safe*", "*make_safe*", "*to_safe*"),
)
"""Tests and validating functions that every flow rule accepts."""


@dataclass(frozen=True)
class Sink:
    """A function that outside data must not reach unprepared.

    `names` are callee patterns; `args` the positions and keywords that matter (empty: all of them);
    `receiver` makes the object the method is called on matter; `when` must hold of the call and
    `holds` of the argument's value.
    """

    names: tuple[str, ...]
    args: tuple[int | str, ...] = (0,)
    receiver: bool = False
    when: Callable[[Call], bool] | None = None
    holds: Callable[[Value], bool] | None = None

    def values(self, call: Call) -> Iterator[Value]:
        """The values of a call that matter."""
        if self.receiver:
            yield call.receiver
        if not self.args and not self.receiver:
            yield from call.args
            yield from call.keywords.values()
        for one in self.args:
            value = call.argument(one) if isinstance(one, int) else call.argument(None, one)
            if value is not None:
                yield value


@dataclass(frozen=True)
class Flow:
    """The detector of outside data that reaches a sink.

    `harmless` are patterns of functions (`html.escape`) and tests (`+in`, `-re.search`) after which
    a value cannot do this harm, beside NUMBERS and CHECKS (`strict=True` leaves those out).
    `severities` gives the severity by kind of source, None for not at all; the rule's own where a
    kind is not named, except parameters, which are low: who calls the function is unseen.
    `parameter_when` must hold of a value (with no taint but this one) for its parameter taint to
    count with the severity of `severities`; otherwise it is low.
    """

    sinks: tuple[Sink, ...]
    what: str
    """What the sink does, as the end of "data from X ..."."""
    harmless: tuple[str, ...] = ()
    severities: Mapping[SourceKind, Level | None] = field(default_factory=dict)
    parameter_when: Callable[[Value], bool] | None = None
    strict: bool = False

    @cached_property
    def _table(self) -> NameTable[bool]:
        names = self.harmless if self.strict else (*self.harmless, *NUMBERS, *CHECKS)
        return NameTable(dict.fromkeys(names, True))

    def __call__(self, code: Code) -> Iterator[Match]:
        """Every sink that outside data reaches, with the gravest kind of source."""
        for sink in self.sinks:
            for call in code.calls_to(sink.names):
                if sink.when is not None and not sink.when(call):
                    continue
                for value in sink.values(call):
                    if sink.holds is None or sink.holds(value):
                        yield from self.judge(call.node, value)

    def judge(self, node: object, value: Value) -> Iterator[Match]:
        """At most one match for a value that reached a sink at a node."""
        best: tuple[int, Taint, Level | None] | None = None
        # In a fixed order, so that of equally grave sources the same is named on every run.
        for taint in sorted(value.taints, key=_place):
            if self.is_harmless(taint):
                continue
            level, shown = self._level(taint, value)
            if not shown:
                continue
            rank = _RANKS[level or "high"] * 2 + (taint.kind != "parameter")
            if best is None or rank > best[0]:
                best = (rank, taint, level)
        if best is not None:
            _, taint, level = best
            origin = taint.origin if taint.kind == "parameter" else ORIGINS[taint.kind]
            message = f"data from {origin} (line {taint.line}) {self.what}"
            yield Match(node, message, level)  # type: ignore[arg-type]

    def is_harmless(self, taint: Taint) -> bool:
        """Whether a taint passed something that takes its danger for this sink."""
        find = self._table.find
        return any(find(token) is not None for token in taint.passed)

    def _level(self, taint: Taint, value: Value) -> tuple[Level | None, bool]:
        """(severity, None for the rule's own; whether it counts at all)."""
        if taint.kind == "parameter":
            level = self.severities.get("parameter", "low")
            if level is None:
                return None, False
            if self.parameter_when is not None and not self.parameter_when(value.only(taint)):
                return "low", True
            return level, True
        if taint.kind in self.severities:
            level = self.severities[taint.kind]
            return level, level is not None
        return None, True


def _place(taint: Taint) -> tuple[int, str, str]:
    return taint.line, taint.origin, taint.kind


_RANKS: Mapping[str, int] = {"low": 0, "medium": 1, "high": 2, "critical": 3}


def is_built(value: Value) -> bool:
    """Whether a text was put together from literal and other parts, as an injected text is."""
    return value.built


def calls(
    names: Sequence[str],
    message: str,
    when: Callable[[Call], bool] | None = None,
    severity: Level | None = None,
) -> Detector:
    """A detector of calls to any of the names for which `when` holds."""
    patterns = tuple(names)

    def detect(code: Code) -> Iterator[Match]:
        for call in code.calls_to(patterns):
            if when is None or when(call):
                yield Match(call.node, message, severity)

    return detect


def stores(
    names: Sequence[str],
    message: str,
    when: Callable[[Store], bool] | None = None,
    severity: Level | None = None,
) -> Detector:
    """A detector of values stored under any of the names (`*.debug`, `*.check_hostname`, or a plain
    `DEBUG`) for which `when` holds."""
    patterns = tuple(names)

    def detect(code: Code) -> Iterator[Match]:
        for store in code.stores_to(patterns):
            if when is None or when(store):
                yield Match(store.node, message, severity)

    return detect


def argument_is(
    position: int | None, keyword: str | None, *consts: object
) -> Callable[[Call], bool]:
    """Holds of calls whose argument is one of the constants (compared with their type)."""

    def holds(call: Call) -> bool:
        value = call.argument(position, keyword)
        return (
            value is not None
            and value.known
            and any(type(value.const) is type(one) and value.const == one for one in consts)
        )

    return holds


def argument_missing(position: int | None, keyword: str) -> Callable[[Call], bool]:
    """Holds of calls that do not give an argument (nor may give it by `*args` or `**kwargs`)."""

    def holds(call: Call) -> bool:
        return call.argument(position, keyword) is None and not call.spread

    return holds


def argument_names(
    position: int | None, keyword: str | None, *names: str
) -> Callable[[Call], bool]:
    """Holds of calls whose argument may be one of these dotted names, such as `ssl.CERT_NONE`."""
    wanted = frozenset(names)

    def holds(call: Call) -> bool:
        value = call.argument(position, keyword)
        return value is not None and bool(value.names & wanted)

    return holds


def any_of(*tests: Callable[[Call], bool]) -> Callable[[Call], bool]:
    """Holds where one of the tests does."""
    return lambda call: any(test(call) for test in tests)


def all_of(*tests: Callable[[Call], bool]) -> Callable[[Call], bool]:
    """Holds where all of the tests do."""
    return lambda call: all(test(call) for test in tests)


def stored_const(*consts: object) -> Callable[[Store], bool]:
    """Holds of stores of one of the constants (compared with their type)."""

    def holds(store: Store) -> bool:
        value = store.value
        return value.known and any(
            type(value.const) is type(one) and value.const == one for one in consts
        )

    return holds
