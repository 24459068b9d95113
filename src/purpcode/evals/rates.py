"""Rates of an evaluation: over all, and per language, CWE, category, turn ..."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from purpcode.evals.results import ScoredSample
from purpcode.evals.statistics import Rate, pass_at_k

TURN = "turn"
"""The group by which a conversation's turns are told apart; elsewhere a conversation is one."""
NOT_STATED = "not stated"
"""The value of samples that do not say where they belong, so that none vanishes from a group."""
BOOTSTRAP_DRAWS = 2_000
KS = (1, 2, 3, 5, 8, 10, 16, 32, 50, 64, 100)
"""The k of pass@k that are reported, as far as there are draws."""


@dataclass(frozen=True)
class RateRow:
    """A metric's rate over the units of a group (`group` and `value` are "" for all of them)."""

    metric: str
    group: str
    value: str
    rate: Rate

    def as_json(self) -> dict[str, Any]:
        """Numerator, denominator, rate, 95% interval, unmeasured, and the bounds they leave."""
        rate = self.rate
        low, high = rate.interval or (None, None)
        worst, best = rate.bounds or (None, None)
        return {
            "metric": self.metric,
            "group": self.group,
            "value": self.value,
            "passed": rate.passed,
            "measured": rate.measured,
            "unmeasured": rate.unmeasured,
            "rate": rate.rate,
            "interval": [low, high],
            "bounds": [worst, best],
        }


@dataclass(frozen=True)
class PassAtK:
    """pass@k over prompts with several draws each (Chen et al. 2021).

    `prompts` were measured: at least k of their draws were; `unmeasured` were not. `interval` is
    the 95% percentile bootstrap over prompts; `bounds` what the `unmeasured_draws` of all prompts
    leave open (all failed, all passed).
    """

    metric: str
    group: str
    value: str
    k: int
    draws: int
    prompts: int
    unmeasured: int
    unmeasured_draws: int
    mean: float | None
    interval: tuple[float, float] | None
    bounds: tuple[float, float]

    def __str__(self) -> str:
        """E.g. `62.0% (95% CI 55.1–68.2; 164 prompts, 10 draws)`."""
        if self.mean is None or self.interval is None:
            return f"– ({self.unmeasured} of {self.prompts + self.unmeasured} prompts unmeasured)"
        low, high = (100 * end for end in self.interval)
        text = f"{self.mean:.1%} (95% CI {low:.1f}–{high:.1f}; {self.prompts} prompts"
        if self.unmeasured:
            text += f", {self.unmeasured} unmeasured"
        if self.unmeasured_draws:
            worst, best = (100 * end for end in self.bounds)
            text += f", {self.unmeasured_draws} answers unmeasured: {worst:.1f}–{best:.1f}"
        return f"{text}, {self.draws} draws)"


def outcomes_of(sample: ScoredSample) -> dict[str, bool | None]:
    """What is counted of a record: its outcomes, else its objective."""
    return sample.outcomes or {sample.objective: sample.passed}


def groups_of(sample: ScoredSample) -> dict[str, str]:
    """By what a record's rates are broken down: its groups, else its part."""
    return sample.groups or ({"part": sample.part} if sample.part else {})


def fold(outcomes: Iterable[bool | None]) -> bool | None:
    """Several answers as one: failed when one failed, else unmeasured when one is, else passed."""
    seen = list(outcomes)
    if False in seen:
        return False
    return None if None in seen else True


def rate_rows(scored: Sequence[ScoredSample]) -> list[RateRow]:
    """Every metric's rate over all, then per value of every group, in order of appearance.

    A conversation counts once (passed when all its turns passed), except per turn.
    """
    rows = [
        RateRow(metric, group, value, Rate.of(units.values()))
        for (metric, group, value), units in _counted(scored).items()
    ]
    order = {group: place for place, group in enumerate(dict.fromkeys(row.group for row in rows))}
    return sorted(rows, key=lambda row: order[row.group])


def pass_at_k_rows(scored: Sequence[ScoredSample], draws: int, seed: int = 0) -> list[PassAtK]:
    """pass@k for every metric, over all and per group, for the k that `draws` allow.

    A course of a conversation is one draw of it, except per turn.
    """
    rows = []
    for (metric, group, value), units in _counted(scored).items():
        prompts: dict[str, list[bool | None]] = {}
        for (prompt, _), outcome in units.items():
            prompts.setdefault(prompt, []).append(outcome)
        answers = list(prompts.values())
        rows += [
            _pass_at_k(metric, group, value, k, draws, answers, seed) for k in KS if k <= draws
        ]
    return rows


_Cell = tuple[str, str, str]
"""Metric, group and value; group and value are "" for all samples."""
_Unit = tuple[str, int]
"""What counts once: a sample's or a conversation's id, and the draw."""


def _counted(scored: Sequence[ScoredSample]) -> dict[_Cell, dict[_Unit, bool | None]]:
    """What each rate is made of. Samples that do not say where they belong stand together in a
    group's value of their own, so that the parts of a group are all that was asked."""
    table: dict[_Cell, dict[_Unit, list[bool | None]]] = {}
    names = dict.fromkeys(name for sample in scored for name in sample.groups)
    for sample in scored:
        alone = (sample.sample_id, sample.index)
        unit = (sample.conversation or sample.sample_id, sample.index)
        groups = dict.fromkeys(names, NOT_STATED) | groups_of(sample)
        for metric, outcome in outcomes_of(sample).items():
            for group, value in (("", ""), *groups.items()):
                units = table.setdefault((metric, group, value), {})
                units.setdefault(alone if group == TURN else unit, []).append(outcome)
    stated = {cell[:2] for cell in table if cell[2] != NOT_STATED}
    return {
        cell: {unit: fold(outcomes) for unit, outcomes in units.items()}
        for cell, units in table.items()
        if cell[:2] in stated
    }


def _pass_at_k(
    metric: str,
    group: str,
    value: str,
    k: int,
    draws: int,
    prompts: Sequence[Sequence[bool | None]],
    seed: int,
) -> PassAtK:
    measured = [[one for one in prompt if one is not None] for prompt in prompts]
    chances = [pass_at_k(len(seen), sum(seen), k) for seen in measured if len(seen) >= k]
    worst = [pass_at_k(len(seen), seen.count(True), k) for seen in prompts if len(seen) >= k]
    best = [
        pass_at_k(len(seen), len(seen) - seen.count(False), k) for seen in prompts if len(seen) >= k
    ]
    return PassAtK(
        metric,
        group,
        value,
        k,
        draws,
        len(chances),
        len(prompts) - len(chances),
        sum(seen.count(None) for seen in prompts),
        sum(chances) / len(chances) if chances else None,
        _bootstrap(chances, seed) if chances else None,
        (sum(worst) / max(1, len(worst)), sum(best) / max(1, len(best))),
    )


def _bootstrap(chances: Sequence[float], seed: int) -> tuple[float, float]:
    import numpy as np

    values = np.asarray(chances)
    picks = np.random.default_rng(seed).integers(0, len(values), (BOOTSTRAP_DRAWS, len(values)))
    low, high = np.quantile(values[picks].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def rates_json(scored: Sequence[ScoredSample], draws: int) -> dict[str, Any]:
    """The content of `rates.json`: rates where each prompt was asked once, pass@k where more."""
    if draws == 1:
        return {"draws": 1, "rates": [row.as_json() for row in rate_rows(scored)]}
    rows = [
        {
            "metric": row.metric,
            "group": row.group,
            "value": row.value,
            "k": row.k,
            "prompts": row.prompts,
            "unmeasured": row.unmeasured,
            "unmeasured_draws": row.unmeasured_draws,
            "pass_at_k": row.mean,
            "interval": row.interval,
            "bounds": row.bounds,
        }
        for row in pass_at_k_rows(scored, draws)
    ]
    return {"draws": draws, "pass_at_k": rows}
