"""What names stand for, and what a container's elements are."""

from __future__ import annotations

import stat
from collections.abc import Iterable

from purpcode.analyzers.flow.machine import Machine
from purpcode.analyzers.flow.values import (
    MAX_NAMES,
    NOTHING,
    UNKNOWN,
    Taint,
    Value,
    joined,
    literal,
)

LONGEST_NAME = 120
PERMISSIONS = {
    f"stat.{name}": getattr(stat, name)
    for name in dir(stat)
    if name.startswith("S_I") and name.isupper()
}
"""Permission bits by name, so that modes put together from them are known numbers."""


def named_value(machine: Machine, names: Iterable[str], line: int, base: Value = NOTHING) -> Value:
    """The value that dotted names stand for: their canonical names, the taint of those that are
    sources, what local instances hold; on top of the taints of `base`."""
    canonical: set[str] = set()
    taints = base.taints
    held: Value | None = None
    for name in names:
        if len(name) > LONGEST_NAME:
            continue
        known = machine.library.canonical(name)
        canonical.add(known)
        kept = machine.attributes.get(known)
        if kept is not None:
            held = kept if held is None else joined(held, kept)
    for known in canonical:
        kind = machine.library.source_kind(known)
        if kind is not None and not (held is not None and known.startswith("?self.")):
            taints = taints | {Taint(kind, line, known.removesuffix("()"))}
    few = canonical if len(canonical) <= MAX_NAMES else sorted(canonical)[:MAX_NAMES]
    if held is None:
        const = PERMISSIONS.get(next(iter(few)), UNKNOWN) if len(few) == 1 else UNKNOWN
        return Value(taints, frozenset(few), const)
    return held.named(held.names.union(few)).tainted_by(taints)


def attribute_names(base: Value, attribute: str) -> set[str]:
    """The dotted names of an attribute of a value."""
    if isinstance(base.const, str) or (base.built and not base.names):
        return {f"str.{attribute}"}
    return {f"{name}.{attribute}" for name in base.names} or {f"?.{attribute}"}


def element_of(value: Value, index: int | None = None) -> Value:
    """What iterating over or indexing a value gives."""
    if value.items:
        if index is not None and -len(value.items) <= index < len(value.items):
            return value.items[index]
        element = value.items[0]
        for item in value.items[1:]:
            element = joined(element, item)
        return element
    if isinstance(value.const, str):
        inside = index is not None and -len(value.const) <= index < len(value.const)
        return literal(value.const[index]) if inside and index is not None else NOTHING
    return Value(value.taints, frozenset(f"{name}[]" for name in value.names) or frozenset({"?[]"}))
