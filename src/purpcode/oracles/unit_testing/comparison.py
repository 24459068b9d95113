"""Does an actual value equal an expected one? Strict about types, lenient about float rounding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

RELATIVE_TOLERANCE = 1e-6
ABSOLUTE_TOLERANCE = 1e-9


def values_match(expected: Any, actual: Any) -> bool:
    """Compare two plain values.

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


def outputs_match(expected: str, actual: str) -> bool:
    """Compare printed text: by line, without trailing blanks; numbers with a decimal point within
    the tolerances."""
    wanted, got = _lines(expected), _lines(actual)
    return len(wanted) == len(got) and all(map(_line_matches, wanted, got))


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().replace("\r\n", "\n").split("\n")]


def _line_matches(expected: str, actual: str) -> bool:
    if expected == actual:
        return True
    wanted, got = expected.split(), actual.split()
    return len(wanted) == len(got) and all(map(_token_matches, wanted, got))


def _token_matches(expected: str, actual: str) -> bool:
    if expected == actual:
        return True
    try:
        return "." in expected and floats_match(float(expected), float(actual))
    except ValueError:
        return False


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
