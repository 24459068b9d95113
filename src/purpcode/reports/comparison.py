"""Two models on the same samples: what was fixed, what regressed, what is no longer measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from purpcode.evals.results import ScoredSample
from purpcode.reports.evaluations import Sides
from purpcode.reports.pairing import (
    ModelResults,
    SampleKey,
    headline_metric,
    keyed_samples,
    measures,
    outcome,
)
from purpcode.reports.protocol import Kind, ProtocolDifference, protocol_differences
from purpcode.reports.sections import Section, build_sections
from purpcode.reports.tables import Row

FLIPS = ("fixed", "regressed", "newly unmeasured", "newly measured")
"""Changes from one model to the other."""
ONE_SIDED = ("only in A", "only in B")
UNCHANGED = ("passed twice", "failed twice", "unmeasured twice")
KINDS = (*FLIPS, *ONE_SIDED, *UNCHANGED)


@dataclass(frozen=True)
class Flip:
    """One sample that changed, or that only one side has."""

    suite: str
    sample_id: str
    index: int
    objective: str
    part: str
    kind: str
    before: str
    """Reasons of A's verdicts ("" without a record)."""
    after: str


@dataclass(frozen=True)
class FlipCounts:
    """One measure: how many of its samples are of each of `KINDS`; they add up to all of them."""

    row: Row
    suite: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class ModelComparison:
    """Everything a comparison says. `differences` are what makes it not strictly fair; there are
    some only where the user allowed them."""

    label_a: str
    label_b: str
    sections: tuple[Section, ...]
    counts: tuple[FlipCounts, ...]
    flips: tuple[Flip, ...]
    differences: tuple[ProtocolDifference, ...]
    warnings: tuple[str, ...]
    allow: tuple[Kind, ...]

    @property
    def models(self) -> list[ModelResults]:
        """The compared evaluations, suite by suite, A before B."""
        return [model for section in self.sections for model in section.models]


def compare_models(sides: Sides, *, allow: Collection[Kind] = ()) -> ModelComparison:
    """Compare the models of two sides on every suite they share.

    Raises:
        InputError: when the two were judged by different oracles, on different data or sampled
            differently, and `allow` does not name that kind of difference.
    """
    models = [model for pair in zip(sides.a, sides.b, strict=True) for model in pair]
    sections = build_sections(models, allow=allow)
    counts: list[FlipCounts] = []
    flips: list[Flip] = []
    differences: list[ProtocolDifference] = []
    for section in sections:
        first, second = keyed_samples(section.models, allow)
        counts += [_counted(row, section, first, second) for row in section.table.rows]
        flips += _flips(section, first, second)
        differences += protocol_differences(*(model.header for model in section.models))
    return ModelComparison(
        sides.label_a,
        sides.label_b,
        tuple(sections),
        tuple(counts),
        tuple(flips),
        tuple(dict.fromkeys(differences)),
        (*sides.warnings, *_one_sided_suites(sides)),
        tuple(allow),
    )


def flip_kind(first: ScoredSample | None, second: ScoredSample | None, metric: str = "") -> str:
    """Which of `KINDS` a sample is; at least one side has a record."""
    if first is None or second is None:
        return "only in B" if first is None else "only in A"
    before, after = outcome(first, metric), outcome(second, metric)
    if before is None or after is None:
        if before is after:
            return "unmeasured twice"
        return "newly measured" if before is None else "newly unmeasured"
    if before == after:
        return "passed twice" if after else "failed twice"
    return "fixed" if after else "regressed"


def reasons(sample: ScoredSample | None) -> str:
    """The verdicts that decided, in words: the objections, or what could not be measured."""
    if sample is None:
        return ""
    deciding = [one for one in sample.verdicts if one.passed is not True] or sample.verdicts
    return "; ".join(f"{one.oracle}: {one.error or one.reason}" for one in deciding)


def _counted(
    row: Row,
    section: Section,
    first: Mapping[SampleKey, ScoredSample],
    second: Mapping[SampleKey, ScoredSample],
) -> FlipCounts:
    measure = (row.objective, row.part, row.metric)
    found: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
    for key in dict.fromkeys((*first, *second)):
        known = first.get(key) or second[key]
        if measure in measures(known):
            found[flip_kind(first.get(key), second.get(key), row.metric)] += 1
    return FlipCounts(row, section.suite, dict(found))


def _flips(
    section: Section,
    first: Mapping[SampleKey, ScoredSample],
    second: Mapping[SampleKey, ScoredSample],
) -> list[Flip]:
    found = []
    for key in dict.fromkeys((*first, *second)):
        before, after = first.get(key), second.get(key)
        known = before or second[key]
        kind = flip_kind(before, after, headline_metric(known))
        if kind in UNCHANGED:
            continue
        place = (section.table.suite, *key, known.objective, known.part)
        found.append(Flip(*place, kind, reasons(before), reasons(after)))
    return sorted(found, key=lambda one: KINDS.index(one.kind))


def _one_sided_suites(sides: Sides) -> list[str]:
    sided: Sequence[tuple[str, tuple[ModelResults, ...]]] = (
        (sides.label_a, sides.only_a),
        (sides.label_b, sides.only_b),
    )
    return [
        f"Only {label} was evaluated on {model.header.published or model.header.suite}"
        f" ({len(model.samples)} samples): it is not compared."
        for label, models in sided
        for model in models
    ]
