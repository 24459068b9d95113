"""Is printed text the expected text? Lenient about blanks and about how a number is written."""

from __future__ import annotations

import re
from decimal import Decimal

from purpcode.oracles.unit_testing.comparison import floats_match

_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{0,60})?(?:[eE][+-]?[0-9]{1,4})?")
"""A number as programs print it. Not "007", "1_0" or "inf", which are words."""


def outputs_match(expected: str, actual: str) -> bool:
    """Compare printed text by line and word, as published code benchmarks do.

    Blank lines and the amount of blanks between words do not count. Numbers match by value
    ("3" and "3.0"); one written with a point or an exponent matches within the tolerances.
    """
    wanted, got = _lines(expected), _lines(actual)
    return len(wanted) == len(got) and all(map(_line_matches, wanted, got))


def _lines(text: str) -> list[list[str]]:
    return [words for line in text.splitlines() if (words := line.split())]


def _line_matches(expected: list[str], actual: list[str]) -> bool:
    return len(expected) == len(actual) and all(map(_word_matches, expected, actual))


def _word_matches(expected: str, actual: str) -> bool:
    if expected == actual:
        return True
    if not (_NUMBER.fullmatch(expected) and _NUMBER.fullmatch(actual)):
        return False
    if Decimal(expected) == Decimal(actual):
        return True
    return not expected.lstrip("+-").isdigit() and floats_match(float(expected), float(actual))
