"""Rates with exact denominators, and tests of one model against another on the same samples.

A sample's outcome is True (passed), False (failed) or None (unmeasured). Unmeasured samples
never enter a rate; they widen its bounds.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Id = TypeVar("Id", bound=Hashable)

Z_95 = 1.959963984540054
"""The 97.5% quantile of the standard normal distribution."""
BOOTSTRAP_DRAWS = 10_000


@dataclass(frozen=True)
class Rate:
    """How many of the measured samples passed, and how many could not be measured.

    Raises:
        ValueError: when the counts are negative or more passed than were measured.
    """

    passed: int
    measured: int
    unmeasured: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.passed <= self.measured or self.unmeasured < 0:
            raise ValueError(f"impossible counts: {self.passed}/{self.measured}+{self.unmeasured}")

    @classmethod
    def of(cls, outcomes: Iterable[bool | None]) -> Rate:
        """Count outcomes."""
        seen = list(outcomes)
        measured = [outcome for outcome in seen if outcome is not None]
        return cls(sum(measured), len(measured), len(seen) - len(measured))

    @property
    def total(self) -> int:
        """Samples asked for: measured and unmeasured."""
        return self.measured + self.unmeasured

    @property
    def rate(self) -> float | None:
        """Share of the measured samples that passed; None when nothing is measured."""
        return self.passed / self.measured if self.measured else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95% score interval of the rate (Wilson 1927); None when nothing is measured."""
        return wilson(self.passed, self.measured) if self.measured else None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The rate if all unmeasured samples had failed, and if all had passed.

        None when there are no samples at all.
        """
        if not self.total:
            return None
        return self.passed / self.total, (self.passed + self.unmeasured) / self.total

    def __str__(self) -> str:
        """E.g. `81.2% (95% CI 78.6–83.5; 12 of 1000 unmeasured: 80.2–81.4)`; "–" unmeasured."""
        if self.rate is None or self.interval is None or self.bounds is None:
            return "–"
        low, high = self.interval
        parts = f"{self.rate:.1%} (95% CI {100 * low:.1f}–{100 * high:.1f}; "
        if not self.unmeasured:
            return parts + f"{self.measured} measured)"
        worst, best = self.bounds
        return (
            parts + f"{self.unmeasured} of {self.total} unmeasured: "
            f"{100 * worst:.1f}–{100 * best:.1f})"
        )


def wilson(passed: int, measured: int, z: float = Z_95) -> tuple[float, float]:
    """Wilson's score interval for a proportion (Wilson 1927, JASA 22:209), within [0, 1].

    Raises:
        ValueError: when nothing was measured.
    """
    if measured <= 0:
        raise ValueError("an interval needs at least one measured sample")
    share = passed / measured
    scale = 1 + z * z / measured
    centre = (share + z * z / (2 * measured)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / measured + z * z / (4 * measured**2))
    low = 0.0 if passed == 0 else max(0.0, centre - half)
    high = 1.0 if passed == measured else min(1.0, centre + half)
    return low, high


@dataclass(frozen=True)
class PairedTest:
    """Two models on the same samples. Only samples measured under both count.

    `fixed` failed under the first and passed under the second, `regressed` the reverse;
    `not_paired` samples were unmeasured under at least one. `difference` is second minus first
    as a share of `both_measured`, `interval` its 95% paired bootstrap interval. `p_value` is the
    exact McNemar test's. All three are None when no sample is measured under both.
    """

    fixed: int
    regressed: int
    both_measured: int
    not_paired: int
    p_value: float | None
    difference: float | None
    interval: tuple[float, float] | None


def paired(
    a: Mapping[Id, bool | None], b: Mapping[Id, bool | None], *, seed: int = 0
) -> PairedTest:
    """Compare model `b` with model `a` sample by sample.

    A sample that only one of them has counts as unmeasured under the other. The p-value is the
    exact (binomial) McNemar test over the discordant samples (McNemar 1947). The interval is a
    percentile bootstrap over samples: resampling pairs draws the three kinds of pair (fixed,
    regressed, unchanged) from a multinomial, so it is drawn as one. Half a sample is added to
    each of the four outcomes beforehand (Agresti and Min 2005): a plain bootstrap of few samples
    that all agree would claim a difference of exactly zero with certainty.
    """
    pairs = [(a.get(sample), b.get(sample)) for sample in dict.fromkeys((*a, *b))]
    both = sum(None not in pair for pair in pairs)
    fixed = pairs.count((False, True))
    regressed = pairs.count((True, False))
    if not both:
        return PairedTest(0, 0, 0, len(pairs), None, None, None)
    return PairedTest(
        fixed=fixed,
        regressed=regressed,
        both_measured=both,
        not_paired=len(pairs) - both,
        p_value=_mcnemar(fixed, regressed),
        difference=(fixed - regressed) / both,
        interval=_bootstrap(fixed, regressed, both, seed),
    )


def _mcnemar(fixed: int, regressed: int) -> float:
    from scipy.stats import binomtest

    discordant = fixed + regressed
    return float(binomtest(fixed, discordant, 0.5).pvalue) if discordant else 1.0


def _bootstrap(fixed: int, regressed: int, both: int, seed: int) -> tuple[float, float]:
    import numpy as np

    unchanged = both - fixed - regressed
    shares = np.array([fixed + 0.5, regressed + 0.5, unchanged + 1.0]) / (both + 2)
    draws = np.random.default_rng(seed).multinomial(both, shares, size=BOOTSTRAP_DRAWS)
    low, high = np.quantile((draws[:, 0] - draws[:, 1]) / both, [0.025, 0.975])
    seen = (fixed - regressed) / both
    return min(float(low), seen), max(float(high), seen)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment (Holm 1979) of a family of p-values, in the given order.

    None (a test that could not be made) stays None and still counts in the family's size, as a
    p-value of 1 would: leaving it out would make the other tests look stronger.

    Raises:
        ValueError: when a p-value is outside [0, 1].
    """
    if any(p is not None and not 0 <= p <= 1 for p in p_values):
        raise ValueError("p-values lie in [0, 1]")
    tested = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    floor = 0.0
    for rank, (p, place) in enumerate(tested):
        floor = max(floor, min(1.0, (len(p_values) - rank) * p))
        adjusted[place] = floor
    return adjusted


def pass_at_k(n: int, c: int, k: int) -> float:
    """Chance that at least one of `k` completions passes, unbiased, from `c` passes among `n`.

    1 - C(n-c, k) / C(n, k) (Chen et al. 2021, arXiv 2107.03374, equation 1).

    Raises:
        ValueError: unless 0 <= c <= n and 1 <= k <= n.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@{k} is undefined for {c} passes among {n} completions")
    return 1.0 - math.comb(n - c, k) / math.comb(n, k)
