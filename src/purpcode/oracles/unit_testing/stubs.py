"""Stubs in place of the code under test: tests that a stub passes prove nothing. Runs in the
sandbox."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from purpcode.oracles.unit_testing.hollow import STUB_SHAPES, hollow_array

_CONTAINERS = (list, dict, set, bytearray)


class Stub:
    """A subject whose every name is one function that ignores what it is asked for."""

    def __init__(self, answer: Callable[[tuple[Any, ...]], Any]) -> None:
        self._answer = answer
        self.calls = 0

    def load(self, names: set[str], module: str) -> dict[str, Any]:  # noqa: ARG002
        """Every name that is asked for, as the stub's function."""
        return dict.fromkeys(names, self._call)

    def look_up(self, name: str) -> Any:  # noqa: ARG002
        """Any name is the stub's function."""
        return self._call

    def define(self, name: str, value: Any) -> None:
        """A stub has nothing to patch."""

    def _call(self, *args: Any, **_: Any) -> Any:
        self.calls += 1
        return self._answer(args)


class _Anything:
    """Truthy, empty, and itself whatever is asked of it."""

    def __call__(self, *_: Any, **__: Any) -> _Anything:
        return self

    def __getattr__(self, name: str) -> _Anything:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def _emptied(args: tuple[Any, ...]) -> Any:
    """Empty the arguments in place: `f(xs) == sorted(xs)` then holds of nothing."""
    held = [arg for arg in args if isinstance(arg, _CONTAINERS)]
    for container in held:
        container.clear()
    return held[0] if held else []


STUBS: dict[str, Callable[[], Stub]] = {
    "none": lambda: Stub(lambda _: None),
    "anything": lambda: Stub(lambda _: _Anything()),
    "empty": lambda: Stub(
        lambda args: next((type(a)() for a in args if isinstance(a, _CONTAINERS)), [])
    ),
    "nan": lambda: Stub(lambda _: math.nan),
    "emptied": lambda: Stub(_emptied),
    **{
        name: lambda name=name: Stub(lambda _: hollow_array(name))  # type: ignore[misc]
        for name in STUB_SHAPES
    },
}
"""Name → a fresh stub. `emptied` spoils its arguments; arrays without items are for tests that
use numpy."""
