"""Objects of the other interpreter, as they are seen from this one. Runs in the sandbox.

What an object of the code under test may decide is limited. It can never claim to equal, contain,
exceed or differ by nothing from a plain value that the tests expect. An instance of a class that
the tests name and call themselves (`built`) may equal a plain value, if it tells that value from
its like: an answer can make a class of what should be a function. Operations whose result still
has to be right (`+`, `abs`, `len`, iteration, attributes, calls) always reach it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Generator
from random import SystemRandom
from typing import Any, Protocol

from purpcode.oracles.unit_testing.decoys import decoys

HARMLESS = (
    *("add", "mul", "matmul", "pow", "and_", "or_", "lshift", "rshift"),
    *("neg", "pos", "invert", "abs", "index"),
)
"""Operators whose plain result is no constant for every right answer."""

TELLING = ("sub", "truediv", "floordiv", "mod", "xor", "lt", "le", "gt", "ge")
"""Operators whose result is the same for every right answer: f(x) - expected, f(x) / expected."""

_REFLECTED = tuple(
    name
    for name in (*HARMLESS, *TELLING)
    if name not in ("neg", "pos", "invert", "abs", "index", "lt", "le", "gt", "ge")
)
_NUMERIC = frozenset((*HARMLESS, "len", "bool", "int", "float", "complex"))
_CONVERSIONS: dict[str, Callable[..., Any]] = {
    "int": int,
    "float": float,
    "complex": complex,
    "round": round,
    "hash": hash,
    "format": format,
    "bytes": bytes,
}


def _call(function: Any, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def _run_coroutine(coroutine: Any) -> Any:
    import asyncio

    async def wait() -> Any:
        return await coroutine

    return asyncio.run(wait())


OPERATIONS: dict[str, Callable[..., Any]] = {
    "call": _call,
    "getattr": getattr,
    "setattr": setattr,
    "delattr": delattr,
    "iter": iter,
    "next": next,
    "reversed": reversed,
    "len": len,
    "bool": bool,
    "str": str,
    "repr": repr,
    "isinstance": lambda kind, value: isinstance(value, kind),
    "enter": lambda manager: manager.__enter__(),
    "exit": lambda manager: manager.__exit__(None, None, None),
    "await": _run_coroutine,
    "contains": operator.contains,
    "getitem": operator.getitem,
    "setitem": operator.setitem,
    "delitem": operator.delitem,
    "eq": operator.eq,
    **_CONVERSIONS,
    **{name: getattr(operator, name) for name in (*HARMLESS, *TELLING)},
    **{
        f"r{name}": lambda own, other, apply=getattr(operator, name): apply(other, own)
        for name in _REFLECTED
    },
}
"""What one side may ask the other to do with an object that was passed to it."""


class Asks(Protocol):
    """The side of the conversation that a remote object belongs to."""

    def ask(self, operation: str, target: Any, *args: Any, **kwargs: Any) -> Any:
        """Have the other side apply an operation to an object of its own."""
        ...

    def refuse_to_extend(self) -> None:
        """Raise: a class cannot be derived from one of the other side."""
        ...


class Remote:
    """An object of the other side; calling it and reading its public attributes asks that side."""

    __slots__ = ("__weakref__", "_built", "_key", "_kind", "_peer", "_weighed")

    def __init__(self, peer: Asks, key: int, kind: str) -> None:
        for name, value in (("_peer", peer), ("_key", key), ("_kind", kind)):
            object.__setattr__(self, name, value)
        for name in ("_built", "_weighed"):
            object.__setattr__(self, name, False)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return named(_ask("getattr", self, name), name)

    def __setattr__(self, name: str, value: Any) -> None:
        _ask("setattr", self, name, value)

    def __delattr__(self, name: str) -> None:
        _ask("delattr", self, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Have the other side call the object."""
        made = _ask("call", self, *args, **kwargs)
        return _trusted(made) if _own(self, "_built") and _own(self, "_kind") == "class" else made

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Remote):
            is_class = _own(self, "_kind") == "class"
            return _own(self, "_built") and not is_class and _recognises(self, other)
        if _ask("eq", self, other) is not True:
            return False
        return not _equals_anything(self)

    def __hash__(self) -> int:
        value = _ask("hash", self)
        return value if isinstance(value, int) else 0

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, Remote) and _ask("isinstance", self, value) is True

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type[Any], ...]:
        _own(self, "_peer").refuse_to_extend()
        return bases

    def __contains__(self, item: object) -> bool:
        if _own(self, "_built"):
            return _ask("contains", self, item) is True
        return any(item is found or item == found for found in self)  # type: ignore[attr-defined]

    def __enter__(self) -> Any:
        return _ask("enter", self)

    def __exit__(self, *_: object) -> None:
        _ask("exit", self)

    def __await__(self) -> Generator[None, None, Any]:
        return _ask("await", self)
        yield

    def __round__(self, digits: int | None = None) -> Any:
        return _unweighed(self, _ask("round", self, *(() if digits is None else (digits,))))


def _own(remote: Remote, slot: str) -> Any:
    return object.__getattribute__(remote, slot)


def key_of(remote: Remote) -> int:
    """The number by which the owner knows the object."""
    key: int = _own(remote, "_key")
    return key


def named(value: Any, name: str) -> Any:
    """What the tests reach under a name. An upper-case one is a class they test: the tests chose
    the name, so an answer cannot pass off a function's result as an instance of it."""
    is_class = isinstance(value, Remote) and _own(value, "_kind") == "class"
    return _trusted(value) if is_class and name[:1].isupper() else value


def _trusted(value: Any) -> Any:
    """The same object as one of the tests' own making. A new `Remote`: whatever else returns the
    object, a method with `return self` too, gets it without that trust."""
    return _with(value, "_built") if isinstance(value, Remote) else value


def _with(value: Remote, slot: str) -> Remote:
    made = Remote(_own(value, "_peer"), _own(value, "_key"), _own(value, "_kind"))
    object.__setattr__(made, slot, True)
    return made


def _unweighed(remote: Remote, result: Any) -> Any:
    """A result of an object that has seen what the tests expect: `abs(f(x) - expected)` is the
    same number for every right answer, so a plain one proves nothing."""
    if not _own(remote, "_weighed"):
        return result
    if not isinstance(result, Remote):
        raise TypeError("an object of the code cannot say how far it is from a plain value")
    return _with(result, "_weighed")


class _Stranger:
    """Equal to nothing."""


def _equals_anything(remote: Remote) -> bool:
    try:
        return _ask("eq", remote, _Stranger()) is True
    except Exception:  # an honest __eq__ may well need what the stranger lacks
        return False


def _recognises(remote: Remote, value: Any) -> bool:
    """Whether it equals the value, and none of the value's like; asked in an order that does not
    tell which of them the tests expect."""
    asked = [value, *decoys(value)]
    rows = list(range(len(asked)))
    SystemRandom().shuffle(rows)
    equal = {row for row in rows if _says_equal(remote, asked[row])}
    return equal == {0}


def _says_equal(remote: Remote, value: Any) -> bool:
    try:
        return _ask("eq", remote, value) is True
    except Exception:  # an honest __eq__ may well stumble over a value unlike the expected one
        return False


def _ask(operation: str, target: Remote, *args: Any, **kwargs: Any) -> Any:
    peer: Asks = _own(target, "_peer")
    return peer.ask(operation, target, *args, **kwargs)


def _forward(operation: str) -> Callable[..., Any]:
    if operation not in _NUMERIC:
        return lambda self, *args: _ask(operation, self, *args)
    return lambda self, *args: _unweighed(self, _ask(operation, self, *args))


def _forward_if_telling_nothing(operation: str) -> Callable[..., Any]:
    def forward(self: Remote, other: object) -> Any:
        if isinstance(other, Remote):
            return _ask(operation, self, other)
        if not _own(self, "_built"):
            return NotImplemented
        made = _ask(operation, self, other)
        if operation in ("lt", "le", "gt", "ge"):
            return made
        return _with(made, "_weighed") if isinstance(made, Remote) else NotImplemented

    return forward


for _name in (
    *("iter", "next", "reversed", "len", "bool", "str", "repr", "getitem", "setitem", "delitem"),
    *("int", "float", "complex", "format", "bytes"),
):
    setattr(Remote, f"__{_name}__", _forward(_name))
for _name in HARMLESS:
    setattr(Remote, f"__{_name.rstrip('_')}__", _forward(_name))
for _name in TELLING:
    setattr(Remote, f"__{_name}__", _forward_if_telling_nothing(_name))
for _name in _REFLECTED:
    _reflect = _forward_if_telling_nothing if _name in TELLING else _forward
    setattr(Remote, f"__r{_name.rstrip('_')}__", _reflect(f"r{_name}"))


def valued_class(base: type[Any]) -> type[Any]:
    """A subclass of a builtin for values of the other side's subclasses: it behaves as the base
    value alone, and only what the base does not have is asked of the other side."""

    def missing(self: Any, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(_VALUED[id(self)][1], name)

    return type(base.__name__, (base,), {"__getattr__": missing})


def behind(value: Any) -> Any:
    """The instance behind a value that `valued` made; any other value itself."""
    held = _VALUED.get(id(value))
    return held[1] if held is not None and held[0] is value else value


_VALUED: dict[int, tuple[Any, Any]] = {}
_CLASSES: dict[type[Any], type[Any]] = {}


def valued(value: Any, remote: Any) -> Any:
    """The base value of a subclass's instance, with the instance behind it for what it lacks."""
    base = type(value)
    if base is bool or value is None:
        return value
    kind = _CLASSES.setdefault(base, valued_class(base))
    made = kind(value)
    _VALUED[id(made)] = (made, remote)  # kept alive, so that the id stays its own
    return made
