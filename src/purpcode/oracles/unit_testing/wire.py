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

MAX_DEPTH = 100
MAX_FRACTION_BITS = 1 << 17
"""Reducing longer fractions takes minutes, and the reader may stand outside of the sandbox."""
_MANY, _LEAST_SPREAD = 1000, 8


class WireError(Exception):
    """A value that cannot travel, or JSON that is no value."""


def refuse(value: Any) -> Any:
    """An `Export` that lets nothing pass by reference."""
    raise WireError(f"a value of type {type(value).__name__} cannot be compared")


def nested_lists(dtype: str, shape: list[int] | None, items: list[Any]) -> Any:
    """An array as nested lists, and an array's scalar as the plain number it holds."""
    if shape is None:
        (item,) = items
        return item
    if not shape:
        return items[0]
    if len(shape) == 1:
        return items
    step = len(items) // shape[0] if shape[0] else 0
    parts = [items[step * row : step * (row + 1)] for row in range(shape[0])]
    return [nested_lists(dtype, shape[1:], part) for part in parts]


class Reader:
    """What the reading side makes of the forms that plain Python values do not cover."""

    def resolve(self, tag: str, key: Any) -> Any:
        """The object of a reference; without references there are none."""
        raise WireError(f"an unexpected reference ({tag} {key})"[:100])

    def valued(self, value: Any, key: Any) -> Any:
        """An instance of a subclass, given its base value and its reference."""
        return self.resolve(key, value)

    def array(self, dtype: str, shape: list[int] | None, items: list[Any]) -> Any:
        """An array or an array's scalar."""
        return nested_lists(dtype, shape, items)


_RECORDS: dict[tuple[str, str], Callable[[Any], list[Any]]] = {
    ("builtins", "range"): lambda value: [value.start, value.stop, value.step],
    ("collections", "deque"): lambda value: [list(value), value.maxlen],
    ("collections", "Counter"): lambda value: [dict(value)],
    ("collections", "OrderedDict"): lambda value: [[list(item) for item in value.items()]],
    ("collections", "defaultdict"): lambda value: [None, dict(value)],
    ("decimal", "Decimal"): lambda value: [str(value)],
    ("fractions", "Fraction"): lambda value: [value.numerator, value.denominator],
    ("pathlib", "PosixPath"): lambda value: [str(value)],
    ("pathlib._local", "PosixPath"): lambda value: [str(value)],
    ("uuid", "UUID"): lambda value: [str(value)],
    ("datetime", "date"): lambda value: [value.year, value.month, value.day],
    ("datetime", "timedelta"): lambda value: [value.days, value.seconds, value.microseconds],
}
"""Exact standard types rebuilt from plain arguments (module, name → arguments)."""

_ISO = {("datetime", "datetime"), ("datetime", "time")}
"""Exact standard types that travel as their ISO 8601 text."""

_NAMED = (
    *("bool", "int", "float", "complex", "str", "bytes", "list", "tuple", "set", "frozenset"),
    *("dict", "object", "abs", "all", "any", "len", "max", "min", "ord", "chr", "repr", "round"),
    *("sorted", "sum", "type", "range", "reversed", "print"),
)
"""Builtins that travel by name, because tests pass them as arguments."""

_SEQUENCES: dict[str, type[Any]] = {"l": list, "t": tuple, "s": set, "z": frozenset}


def encode(value: Any, export: Export = refuse, depth: int = 0) -> Any:
    """The JSON form of a value; raises `WireError` for one without, and for deep nesting.

    With an `export`, an instance of a subclass travels as its base value and its reference.
    """
    if value is None or value is True or value is False:
        return value
    if depth > MAX_DEPTH:
        raise WireError("a value is nested too deeply")
    kind = type(value)
    name = _text_of(kind, "__module__"), _text_of(kind, "__qualname__")

    def inner(item: Any) -> Any:
        return encode(item, export, depth + 1)

    if name in _RECORDS and _standard(*name) is kind:
        return ["r", *name, inner(_RECORDS[name](value))]
    for plain, form in _FORMS:
        if issubclass(kind, plain):
            found = form(value, inner)
            if kind is plain or export is refuse:
                return found
            fields = _fields(kind) if plain is tuple else None
            if fields is not None:
                return ["m", kind.__name__, fields, found]
            return ["v", found, export(value)]
    if name in _ISO and _standard(*name) is kind:
        return ["o", *name, value.isoformat()]
    if name[0] == "numpy":
        array = _array_form(value, inner)
        if array is not None:
            return array
    for builtin in _NAMED:
        if value is _BUILTINS[builtin]:
            return ["n", builtin]
    return export(value)


_Encode = Callable[[Any], Any]


def _text_of(kind: type[Any], name: str) -> str:
    found = getattr(kind, name, "")  # a class may hold any object under these names
    return found if type(found) is str else ""


def _fields(kind: type[Any]) -> list[str] | None:
    """Field names of a plain named tuple; None for a class with more to it than its fields."""
    names = kind.__dict__.get("_fields")
    if kind.__bases__ != (tuple,) or type(names) is not tuple:
        return None
    return [str(name) for name in names]


def _array_form(value: Any, inner: _Encode) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if type(value) is numpy.ndarray and value.dtype.kind in "biufcUS":
        return ["q", value.dtype.str, inner(list(value.shape)), inner(value.ravel().tolist())]
    if isinstance(value, numpy.generic) and value.dtype.kind in "biufcUS":
        return ["q", value.dtype.str, None, inner([value.item()])]
    return None


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


_PLAIN = Reader()


def decode(form: Any, reader: Reader = _PLAIN) -> Any:
    """The value of a JSON form; `reader` says what becomes of references and arrays.

    Raises `WireError` for anything malformed: the form may come from hostile code.
    """
    if form is None or isinstance(form, bool | str):
        return form
    try:
        return _decode_tagged(form, reader)
    except WireError:
        raise
    except Exception as error:
        raise WireError(f"malformed value ({type(error).__name__})") from None


def _decode_tagged(form: Any, reader: Reader) -> Any:
    tag, *rest = form
    if tag in _SEQUENCES:
        (items,) = rest
        decoded = [decode(item, reader) for item in items]
        return _SEQUENCES[tag](decoded if tag in "lt" else _spread(decoded))
    if tag == "d":
        (pairs,) = rest
        keys = _spread([decode(key, reader) for key, _ in pairs])
        return dict(zip(keys, (decode(value, reader) for _, value in pairs), strict=True))
    if tag in ("r", "o"):
        module, name, arguments = rest
        return _decode_record(tag, (module, name), arguments, reader)
    if tag == "m":
        name, fields, items = rest
        from collections import namedtuple

        return namedtuple(name, fields)(*decode(items, reader))
    if tag == "q":
        dtype, shape, items = rest
        return reader.array(dtype, decode(shape, reader), decode(items, reader))
    if tag == "v":
        value, key = rest
        return reader.valued(decode(value, reader), key)
    if tag in ("mine", "yours"):
        return reader.resolve(tag, rest)
    return _decode_scalar(tag, rest)


def _spread(members: list[Any]) -> list[Any]:
    """Members of a set or keys, unless most share a hash: a million such numbers take hours."""
    if len(members) > _MANY and len(set(map(hash, members))) * _LEAST_SPREAD < len(members):
        raise WireError("too many members of a set or keys have the same hash")
    return members


def _decode_record(tag: str, kind: tuple[str, str], arguments: Any, reader: Reader) -> Any:
    if tag == "r" and kind in _RECORDS:
        __import__(kind[0])
        values = decode(arguments, reader)
        if kind[1] == "Fraction" and any(v.bit_length() > MAX_FRACTION_BITS for v in values):
            raise WireError("a fraction is too long")
        return _standard(*kind)(*values)
    if tag == "o" and kind in _ISO:
        __import__(kind[0])
        return _standard(*kind).fromisoformat(arguments)
    raise WireError("an unknown kind of record")


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
