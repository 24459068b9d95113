"""Rates with exact denominators, and tests of one model against another on the same samples.

A sample's outcome is True (passed), False (failed) or None (unmeasured). Unmeasured samples
never enter a rate; they widen its bounds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
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
    design_effect: float = 1.0
    """How many times wider than independent answers several answers a sample leave the variance
    (Kish 1965); the interval takes it into account. It is 1 where each sample has one answer."""

    def __post_init__(self) -> None:
        if not 0 <= self.passed <= self.measured or self.unmeasured < 0:
            raise ValueError(f"impossible counts: {self.passed}/{self.measured}+{self.unmeasured}")

    @classmethod
    def of(cls, outcomes: Iterable[bool | None]) -> Rate:
        """Count outcomes."""
        seen = list(outcomes)
        measured = [outcome for outcome in seen if outcome is not None]
        return cls(sum(measured), len(measured), len(seen) - len(measured))

    @classmethod
    def clustered(
        cls, outcomes: Mapping[Id, bool | None], cluster: Callable[[Id], Hashable]
    ) -> Rate:
        """Count outcomes of which those of one cluster depend on each other."""
        gathered: dict[Hashable, list[int]] = {}
        for sample, outcome in outcomes.items():
            if outcome is not None:
                gathered.setdefault(cluster(sample), []).append(int(outcome))
        counts = cls.of(outcomes.values())
        effect = _design_effect(
            [(sum(found), len(found)) for found in gathered.values()], counts.passed
        )
        return cls(counts.passed, counts.measured, counts.unmeasured, effect)

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
        """Wilson's 95% score interval of the rate (Wilson 1927), its counts divided by the design
        effect (Rao and Scott 1992); None when nothing is measured."""
        if not self.measured:
            return None
        return wilson(self.passed / self.design_effect, self.measured / self.design_effect)

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


def wilson(passed: float, measured: float, z: float = Z_95) -> tuple[float, float]:
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

    `design_effect` is 1 where every sample was answered once; with several answers a sample it
    says how many times wider than independent answers they leave the variance (Kish 1965).
    """

    fixed: int
    regressed: int
    both_measured: int
    not_paired: int
    p_value: float | None
    difference: float | None
    interval: tuple[float, float] | None
    design_effect: float = 1.0


def paired(
    a: Mapping[Id, bool | None],
    b: Mapping[Id, bool | None],
    *,
    seed: int = 0,
    cluster: Callable[[Id], Hashable] | None = None,
) -> PairedTest:
    """Compare model `b` with model `a` sample by sample.

    A sample that only one of them has counts as unmeasured under the other. `cluster` names what
    belongs together (the sample of which an id is one of several answers); clusters, not answers,
    are then what is independent.

    The p-value is exact: within each cluster the two models are exchangeable if they do not
    differ, so the sum of differences may change sign. With one answer a cluster that is the exact
    McNemar test (McNemar 1947). The interval is a percentile bootstrap over clusters (Davison and
    Hinkley 1997, 3.8): resampling draws the kinds of cluster from a multinomial, so it is drawn
    as one. Half a sample is added to each of the four outcomes beforehand (Agresti and Min 2005):
    a plain bootstrap of few samples that all agree would claim a difference of exactly zero with
    certainty.
    """
    pairs = {sample: (a.get(sample), b.get(sample)) for sample in dict.fromkeys((*a, *b))}
    changes = {
        sample: int(second) - int(first)
        for sample, (first, second) in pairs.items()
        if first is not None and second is not None
    }
    both = len(changes)
    if not both:
        return PairedTest(0, 0, 0, len(pairs), None, None, None)
    gathered: dict[Hashable, list[int]] = {}
    for sample, change in changes.items():
        gathered.setdefault(cluster(sample) if cluster else sample, []).append(change)
    clusters = [(sum(found), len(found)) for found in gathered.values()]
    moved = list(changes.values())
    return PairedTest(
        fixed=moved.count(1),
        regressed=moved.count(-1),
        both_measured=both,
        not_paired=len(pairs) - both,
        p_value=_sign_flip(clusters),
        difference=sum(moved) / both,
        interval=_bootstrap(clusters, seed),
        design_effect=_design_effect(clusters, len(moved) - moved.count(0)),
    )


Cluster = tuple[int, int]
"""Sum of the changes (+1 fixed, -1 regressed) of a sample's answers, and their number."""


def _sign_flip(clusters: Sequence[Cluster]) -> float:
    """Chance of a sum at least as far from 0 when every cluster's sign is a fair coin."""
    import numpy as np
    from scipy.stats import binom, binomtest

    sizes = Counter(abs(change) for change, _ in clusters if change)
    if not sizes:
        return 1.0
    if set(sizes) == {1}:
        ups = sum(change > 0 for change, _ in clusters)
        return float(binomtest(ups, sizes[1], 0.5).pvalue)
    chances = np.ones(1)
    for size, count in sizes.items():  # sums are spread over -size*count ... size*count
        steps = np.zeros(2 * size * count + 1)
        steps[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
        chances = np.convolve(chances, steps)
    sums = np.arange(len(chances)) - len(chances) // 2
    seen = abs(sum(change for change, _ in clusters))
    return min(1.0, float(chances[np.abs(sums) >= seen].sum()))


def _bootstrap(clusters: Sequence[Cluster], seed: int) -> tuple[float, float]:
    import numpy as np

    kinds: Counter[Cluster] = Counter({(1, 1): 0, (-1, 1): 0, (0, 1): 0})
    kinds.update(clusters)
    added = {(1, 1): 0.5, (-1, 1): 0.5, (0, 1): 1.0}
    weights = np.array([count + added.get(kind, 0.0) for kind, count in kinds.items()])
    table = np.array(list(kinds))
    generator = np.random.default_rng(seed)
    draws = generator.multinomial(len(clusters), weights / weights.sum(), size=BOOTSTRAP_DRAWS)
    low, high = np.quantile((draws @ table[:, 0]) / (draws @ table[:, 1]), [0.025, 0.975])
    seen = sum(change for change, _ in clusters) / sum(size for _, size in clusters)
    return min(float(low), seen), max(float(high), seen)


def _design_effect(clusters: Sequence[Cluster], nonzero: int) -> float:
    """Variance of a mean of answers in clusters over that of independent ones, at least 1.

    Clusters are (sum, number) of outcomes (1 or 0) or of changes (1, 0 or -1), of which `nonzero`
    are not 0. Where all answers are equal nothing tells how alike those of a cluster are: they
    then count as one.
    """
    answers = sum(size for _, size in clusters)
    if answers == len(clusters):
        return 1.0
    mean = sum(total for total, _ in clusters) / answers
    spread = sum((total - size * mean) ** 2 for total, size in clusters)
    independent = nonzero - answers * mean**2
    if independent <= 1e-12 * answers or len(clusters) < 2:
        return answers / len(clusters)
    return max(1.0, spread / independent * len(clusters) / (len(clusters) - 1))


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
