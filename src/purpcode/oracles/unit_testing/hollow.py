"""Arrays without items: numpy stretches them to any shape, and they are close to anything. Runs in
the sandbox."""

from __future__ import annotations

import functools
import importlib
from typing import Any

STUB_SHAPES = {"hollow": (0, 1, 1, 1), "hollow_row": (0,)}
"""Shapes of the stubs' arrays: the first meets arrays of up to three dimensions, the second
numbers."""


def tell_hollow_arrays() -> None:
    """Have `isclose` and `allclose` say no where one side alone has items, if there is numpy."""
    try:
        numpy: Any = importlib.import_module("numpy")
    except ImportError:
        return
    numpy.isclose = _telling(numpy, numpy.isclose)
    numpy.allclose = _telling(numpy, numpy.allclose)


def _telling(numpy: Any, compare: Any) -> Any:
    @functools.wraps(compare)
    def told(a: Any, b: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            alike = (numpy.size(a) == 0) == (numpy.size(b) == 0)
        except (TypeError, ValueError):  # no array: the real function says what is wrong
            alike = True
        return compare(a, b, *args, **kwargs) if alike else numpy.False_

    return told


def is_refused(refused: str, shape: list[int] | None) -> bool:
    """Whether an array of this shape is one of those that the tests take for any (the name of a
    stub that passes them, or empty)."""
    if not refused or not shape or 0 not in shape:
        return False
    return refused == "hollow_row" or 1 in shape


def hollow_array(name: str) -> Any:
    """The array that a stub gives for everything; None without numpy."""
    try:
        return importlib.import_module("numpy").empty(STUB_SHAPES[name])
    except ImportError:
        return None
