"""Does an actual value equal an expected one? Both are plain values: nothing here runs foreign
code."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

RELATIVE_TOLERANCE = 1e-6
ABSOLUTE_TOLERANCE = 1e-9


def values_match(expected: Any, actual: Any) -> bool:
    """Compare two plain values strictly.

    bool, int and str match only themselves (`True` is not 1, `2.0` is not 2); a float matches a
    float or int within the tolerances, NaN matches NaN; list and tuple are one kind, since JSON
    knows only lists; sets and dicts match by members.
    """
    if isinstance(expected, float):
        return type(actual) in (int, float) and floats_match(expected, actual)
    if isinstance(expected, list | tuple):
        return isinstance(actual, list | tuple) and _sequences_match(expected, actual)
    if isinstance(expected, set | frozenset):
        return (
            isinstance(actual, AbstractSet) and expected == actual and _same_kinds(expected, actual)
        )
    if isinstance(expected, dict):
        return isinstance(actual, dict) and _dicts_match(expected, actual)
    return type(expected) is type(actual) and bool(expected == actual)


def floats_match(expected: float, actual: float) -> bool:
    """Equal within `RELATIVE_TOLERANCE` or `ABSOLUTE_TOLERANCE`; NaN equals NaN."""
    if math.isnan(expected):
        return math.isnan(actual)
    try:
        return math.isclose(
            expected, actual, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE
        )
    except OverflowError:  # an int too large for a float
        return False


def values_equal(expected: Any, actual: Any, atol: float = 0.0) -> bool:
    """Python's own equality, with a tolerance for floats: what HumanEval+ and MBPP+ are scored by.

    `2 == 2.0 == True` here. Floats, and flat lists of floats, match within `atol` (1e-6 where it
    is 0) and 1e-7 of the expected value; so do all numbers where `atol` is given. After EvalPlus
    (arXiv 2305.01210); unlike there, NaN equals NaN, since a reference may give it.
    """
    if _equal(expected, actual):
        return True
    if atol == 0.0 and _all_floats(expected):
        atol = 1e-6
    return atol > 0.0 and type(expected) is type(actual) and _close(expected, actual, atol)


def _equal(expected: Any, actual: Any) -> bool:
    try:
        return bool(expected == actual)
    except (ValueError, RecursionError, OverflowError):
        return False


def _all_floats(value: Any) -> bool:
    items = value if isinstance(value, list | tuple) and value else [value]
    return all(isinstance(item, float) for item in items)


def _close(expected: Any, actual: Any, atol: float) -> bool:
    if isinstance(expected, list | tuple):
        return (
            isinstance(actual, list | tuple)
            and len(expected) == len(actual)
            and all(_close(one, other, atol) for one, other in zip(expected, actual, strict=True))
        )
    if not isinstance(expected, int | float | complex) or not isinstance(
        actual, int | float | complex
    ):
        return _equal(expected, actual)
    try:
        if expected != expected:
            return actual != actual
        return _equal(expected, actual) or abs(actual - expected) <= atol + 1e-7 * abs(expected)
    except OverflowError:
        return False


def _same_members(expected: Any, actual: Any) -> bool:
    if isinstance(actual, range) and actual[len(expected) ** 2 :]:  # too long to be taken apart
        return False
    try:
        return set(expected) == set(actual)
    except TypeError:
        return False


def _is_root(coefficients: Any, actual: Any, atol: float) -> bool:
    """Whether a number is a root of the polynomial, lowest coefficient first."""
    if type(actual) not in (int, float):
        return False
    try:
        number = float(actual)  # an integer may have millions of digits, which its powers multiply
        value = math.fsum(part * number**power for power, part in enumerate(coefficients))
    except (OverflowError, TypeError, ValueError):
        return False
    return abs(value) <= (atol or 1e-4)


COMPARISONS: dict[str, Callable[[Any, Any, Sequence[Any], float], bool]] = {
    "strict": lambda expected, actual, _, __: values_match(expected, actual),
    "equal": lambda expected, actual, _, atol: values_equal(expected, actual, atol),
    "set": lambda expected, actual, _, __: _same_members(expected, actual),
    "not_none": lambda expected, actual, _, __: _truth(actual) is _truth(expected),
    "polynomial_root": lambda _, actual, args, atol: _is_root(args[0], actual, atol),
}
"""Name → whether a value is right: (expected, actual, arguments, atol)."""


def _truth(value: Any) -> bool:
    """What a function says that may answer with a bool or with something for yes, None for no."""
    return value if isinstance(value, bool) else value is not None


def _sequences_match(expected: Sequence[Any], actual: Sequence[Any]) -> bool:
    return len(expected) == len(actual) and all(map(values_match, expected, actual))


def _same_kinds(expected: AbstractSet[Any], actual: AbstractSet[Any]) -> bool:
    return {(type(item), item) for item in expected} == {(type(item), item) for item in actual}


def _dicts_match(expected: Mapping[Any, Any], actual: Mapping[Any, Any]) -> bool:
    return (
        expected.keys() == actual.keys()
        and _same_kinds(expected.keys(), actual.keys())
        and all(values_match(value, actual[key]) for key, value in expected.items())
    )
