"""Values as JSON, losing neither type nor the base value beneath a subclass's overrides.

An `int` subclass travels as the integer it holds, a `dict` subclass as its items: whatever
`__eq__` the code under test gave them stays behind. What has no such form is passed by
reference, if the caller allows that. Runs in the sandbox too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

Export = Callable[[Any], Any]
"""Gives a JSON form to a value that has none of its own, or raises `WireError`."""

MAX_DEPTH = 60


class WireError(Exception):
    """A value that cannot travel, or JSON that is no value."""


_RECORDS: dict[tuple[str, str], Callable[[Any], list[Any]]] = {
    ("builtins", "range"): lambda value: [value.start, value.stop, value.step],
    ("collections", "deque"): lambda value: [list(value)],
    ("decimal", "Decimal"): lambda value: [str(value)],
    ("fractions", "Fraction"): lambda value: [value.numerator, value.denominator],
    ("datetime", "date"): lambda value: [value.year, value.month, value.day],
    ("datetime", "timedelta"): lambda value: [value.days, value.seconds, value.microseconds],
}
"""Exact standard types rebuilt from plain arguments (module, name → arguments)."""

_NAMED = (
    *("bool", "int", "float", "complex", "str", "bytes", "list", "tuple", "set", "frozenset"),
    *("dict", "object", "abs", "all", "any", "len", "max", "min", "ord", "chr", "repr", "round"),
    *("sorted", "sum"),
)
"""Builtins that travel by name, because tests pass them as arguments."""

_SEQUENCES: dict[str, type[Any]] = {"l": list, "t": tuple, "s": set, "z": frozenset}


def refuse(value: Any) -> Any:
    """An `Export` that lets nothing pass by reference."""
    raise WireError(f"a value of type {type(value).__name__} cannot be compared")


def encode(value: Any, export: Export = refuse, depth: int = 0) -> Any:
    """The JSON form of a value; raises `WireError` for one without, and for deep nesting."""
    if value is None or value is True or value is False:
        return value
    if depth > MAX_DEPTH:
        raise WireError("a value is nested too deeply")
    kind = type(value)
    for plain, form in _FORMS:
        if issubclass(kind, plain):
            return form(value, lambda item: encode(item, export, depth + 1))
    if value is Ellipsis or value is NotImplemented:
        return export(value)
    record = _RECORDS.get((kind.__module__, kind.__qualname__))
    if record is not None and _standard(kind.__module__, kind.__qualname__) is kind:
        return ["r", kind.__module__, kind.__qualname__, encode(record(value), export, depth + 1)]
    for name in _NAMED:
        if value is _BUILTINS[name]:
            return ["n", name]
    return export(value)


_Encode = Callable[[Any], Any]


def _sequence(tag: str, iterate: Callable[[Any], Any]) -> Callable[[Any, _Encode], Any]:
    return lambda value, inner: [tag, [inner(item) for item in iterate(value)]]


# The unbound base-class methods read what the value holds, past anything a subclass overrides.
_FORMS: tuple[tuple[type[Any], Callable[[Any, _Encode], Any]], ...] = (
    (str, lambda value, _: str.__str__(value)),
    (int, lambda value, _: ["i", int.__format__(value, "x")]),
    (float, lambda value, _: ["f", float.hex(value)]),
    (complex, lambda value, _: ["c", *(float.hex(float(part)) for part in _parts(value))]),
    (bytes, lambda value, _: ["b", bytes.hex(value)]),
    (bytearray, lambda value, _: ["a", bytearray.hex(value)]),
    (list, _sequence("l", list.__iter__)),
    (tuple, _sequence("t", tuple.__iter__)),
    (set, _sequence("s", set.__iter__)),
    (frozenset, _sequence("z", frozenset.__iter__)),
    (dict, lambda value, inner: ["d", [[inner(k), inner(v)] for k, v in dict.items(value)]]),
)


def _parts(value: complex) -> tuple[float, float]:
    plain = complex.__add__(value, 0j)
    return plain.real, plain.imag


def decode(form: Any, resolve: Callable[[str, Any], Any] | None = None) -> Any:
    """The value of a JSON form; `resolve(tag, id)` gives the object of a reference.

    Raises `WireError` for anything malformed: the form may come from hostile code.
    """
    if form is None or isinstance(form, bool | str):
        return form
    try:
        return _decode_tagged(form, resolve)
    except WireError:
        raise
    except Exception as error:
        raise WireError(f"malformed value ({type(error).__name__})") from None


def _decode_tagged(form: Any, resolve: Callable[[str, Any], Any] | None) -> Any:
    tag, *rest = form
    if tag in _SEQUENCES:
        (items,) = rest
        return _SEQUENCES[tag](decode(item, resolve) for item in items)
    if tag == "d":
        (pairs,) = rest
        return {decode(key, resolve): decode(value, resolve) for key, value in pairs}
    if tag == "r":
        module, name, arguments = rest
        if (module, name) not in _RECORDS:
            raise WireError("an unknown kind of record")
        __import__(module)
        return _standard(module, name)(*decode(arguments, resolve))
    if tag in ("mine", "yours") and resolve is not None:
        return resolve(tag, rest[0])
    return _decode_scalar(tag, rest)


def _decode_scalar(tag: str, rest: list[Any]) -> Any:
    if tag == "c":
        return complex(*(float.fromhex(part) for part in rest))
    (text,) = rest
    if tag == "i":
        return int(text, 16)
    if tag == "f":
        return float.fromhex(text)
    if tag == "b":
        return bytes.fromhex(text)
    if tag == "a":
        return bytearray.fromhex(text)
    if tag == "n" and text in _NAMED:
        return _BUILTINS[text]
    raise WireError("an unknown kind of value")


def _standard(module: str, name: str) -> Any:
    loaded = sys.modules.get(module)
    return getattr(loaded, name, None)


_BUILTINS: dict[str, Any] = {name: _standard("builtins", name) for name in _NAMED}
