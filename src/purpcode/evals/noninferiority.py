"""Whether one model is at most a margin worse than another on the same samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from purpcode.evals.statistics import PairedTest

Outcome = Literal["non-inferior", "inferior", "undecided"]


@dataclass(frozen=True)
class NonInferiority:
    """Whether the second model is at most `margin` worse than the first.

    `lower` and `upper` are one-sided bounds of the difference, each at `confidence`. It is
    `non-inferior` when even the lower bound is above -margin, `inferior` when even the upper one
    is below, and otherwise `undecided`: more samples are needed.
    """

    margin: float
    confidence: float
    lower: float
    upper: float
    outcome: Outcome


def non_inferiority(test: PairedTest, margin: float, *, alpha: float = 0.05) -> NonInferiority:
    """Test non-inferiority by the paired difference's score bound (Tango 1998).

    The one-sided level `alpha` and the fixed margin follow the practice of non-inferiority trials
    (Piaggio et al. 2012, CONSORT extension, JAMA 308:2594).

    Raises:
        ValueError: a margin or level outside (0, 1).
    """
    if not (0 < margin < 1 and 0 < alpha < 1):
        raise ValueError("a margin and a level lie between 0 and 1")
    lower, upper = score_interval(test, 1 - 2 * alpha)
    if lower > -margin:
        outcome: Outcome = "non-inferior"
    else:
        outcome = "inferior" if upper < -margin else "undecided"
    return NonInferiority(margin, 1 - alpha, lower, upper, outcome)


def score_interval(test: PairedTest, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided score interval of a paired difference (Tango 1998, Stat. Med. 17:891).

    It keeps its level with few changed pairs, and has a width even with none. With several
    answers a sample, counts are divided by the design effect (Rao and Scott 1992). Without any
    pair it is (-1, 1).
    """
    from scipy.stats import norm

    fixed, regressed = test.fixed / test.design_effect, test.regressed / test.design_effect
    both = test.both_measured / test.design_effect
    if not both:
        return -1.0, 1.0
    z = float(norm.ppf(0.5 + confidence / 2))
    seen = (fixed - regressed) / both
    low = _solved(lambda theta: _tango(fixed, regressed, both, theta) > z, -1.0, seen)
    high = _solved(lambda theta: _tango(fixed, regressed, both, theta) > -z, seen, 1.0)
    return low, high


def _tango(fixed: float, regressed: float, both: float, theta: float) -> float:
    """Tango's score statistic of the difference `theta`; it falls as theta rises."""
    b = -fixed - regressed + (2 * both - fixed + regressed) * theta
    c = -regressed * theta * (1 - theta)
    share = (math.sqrt(max(0.0, b * b - 8 * both * c)) - b) / (4 * both)
    variance = both * (2 * share + theta * (1 - theta))
    distance = fixed - regressed - both * theta
    if variance <= 1e-15 * both:
        return math.copysign(math.inf, distance) if abs(distance) > 1e-12 else 0.0
    return distance / math.sqrt(variance)


def _solved(above: Callable[[float], bool], low: float, high: float) -> float:
    """Where a falling condition turns false between `low` and `high`, by bisection."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) else (low, middle)
    return (low + high) / 2
