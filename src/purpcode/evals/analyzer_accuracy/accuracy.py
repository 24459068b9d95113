"""How often analyzers are right on code whose security is known, each alone and all together.

Every analyzer runs once over the set. A row is flagged when a finding of the wanted severity (and
CWE, where asked) is there; it is unmeasured when the tool failed on it and flagged nothing.
Together the tools flag what any of them flags, and miss a row only where all of them measured it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from purpcode.analyzers import (
    Analyzer,
    Ensemble,
    EnsembleResult,
    Snippet,
    merge_findings,
    strip_suppressions,
)
from purpcode.evals.analyzer_accuracy.families import same_weakness
from purpcode.evals.analyzer_accuracy.labelled import LabelledCode
from purpcode.evals.statistics import Rate
from purpcode.types import SEVERITIES, Finding, Severity

Match = Literal["any", "cwe"]
ENSEMBLE = "ensemble"
"""Name of the judge that all analyzers are together."""

Outcome = bool | None
"""Flagged, not flagged, or unmeasured."""


@dataclass(frozen=True)
class Criterion:
    """Which findings count: from `min_severity` on, and with `match="cwe"` only those whose CWE
    is the row's or of its family (`cwe_families.toml`). Rows without CWEs take any finding."""

    min_severity: Severity = "medium"
    match: Match = "any"

    def counts(self, finding: Finding, row: LabelledCode) -> bool:
        """Whether a finding flags a row."""
        if SEVERITIES.index(finding.severity) < SEVERITIES.index(self.min_severity):
            return False
        return self.match == "any" or not row.cwe or same_weakness(finding.cwes, row.cwe)


@dataclass(frozen=True)
class Accuracy:
    """Of a judge over some rows.

    recall: insecure rows that it flagged. false_positives: secure rows that it flagged.
    pairs: insecure rows with a twin that it flagged without flagging any secure twin.
    precision: flagged rows that are insecure; it depends on the set's mix of labels.
    """

    recall: Rate
    false_positives: Rate
    pairs: Rate
    precision: Rate


@dataclass(frozen=True)
class Judged:
    """What one judge (an analyzer, or all together) said of a set.

    `results` and `outcomes` follow the rows. `sole` counts the insecure rows that no other
    analyzer flagged; None for the ensemble. `seconds` is wall-clock time.
    """

    name: str
    fingerprint: str
    results: tuple[EnsembleResult, ...]
    outcomes: tuple[Outcome, ...]
    overall: Accuracy
    by_cwe: Mapping[int, Accuracy]
    seconds: float
    sole: int | None = None


def evaluate_analyzers(
    rows: Sequence[LabelledCode], analyzers: Sequence[Analyzer], criterion: Criterion
) -> list[Judged]:
    """Every analyzer alone, then the ensemble of them (also of a single one)."""
    alone = [_judge_alone(rows, analyzer, criterion) for analyzer in analyzers]
    columns = list(zip(*(one.results for one in alone), strict=True))
    merged = [_merged(row.id, results) for row, results in zip(rows, columns, strict=True)]
    outcomes = [
        together(results, row, criterion) for row, results in zip(rows, columns, strict=True)
    ]
    fingerprint = " | ".join(one.fingerprint for one in alone)
    seconds = sum(one.seconds for one in alone)
    ensemble = _judged(ENSEMBLE, fingerprint, rows, merged, outcomes, seconds)
    return [*(_with_sole(one, alone, rows) for one in alone), ensemble]


def together(results: Sequence[EnsembleResult], row: LabelledCode, criterion: Criterion) -> Outcome:
    """Flagged where any tool flags; else unmeasured where any tool that reads the row's language
    is, or where none reads it; else not flagged."""
    outcomes = [outcome_of(one, row, criterion) for one in results if one.counts]
    if any(outcomes):
        return True
    return None if None in outcomes or not outcomes else False


def outcome_of(result: EnsembleResult, row: LabelledCode, criterion: Criterion) -> Outcome:
    """What a tool's result says of a row. A counting finding flags it even beside an error."""
    if any(criterion.counts(finding, row) for finding in result.findings):
        return True
    return None if result.errors else False


def accuracy(rows: Sequence[LabelledCode], outcomes: Sequence[Outcome]) -> Accuracy:
    """The rates of a judge over rows; `outcomes` follow the rows."""
    insecure = [one for row, one in zip(rows, outcomes, strict=True) if row.label == "insecure"]
    secure = [one for row, one in zip(rows, outcomes, strict=True) if row.label == "secure"]
    hits, alarms = insecure.count(True), secure.count(True)
    return Accuracy(
        recall=Rate.of(insecure),
        false_positives=Rate.of(secure),
        pairs=Rate.of(pair_outcomes(rows, outcomes)),
        precision=Rate(hits, hits + alarms),
    )


def pair_outcomes(rows: Sequence[LabelledCode], outcomes: Sequence[Outcome]) -> list[Outcome]:
    """For each insecure row that has a secure twin: was it flagged and no twin flagged?

    Unmeasured only where the missing outcome could still change the answer.
    """
    twins: dict[str, list[Outcome]] = defaultdict(list)
    for row, outcome in zip(rows, outcomes, strict=True):
        if row.label == "secure" and row.pair is not None:
            twins[row.pair].append(outcome)
    told: list[Outcome] = []
    for row, outcome in zip(rows, outcomes, strict=True):
        if row.label == "insecure" and row.pair is not None and row.pair in twins:
            others = twins[row.pair]
            if outcome is False or True in others:
                told.append(False)
            else:
                told.append(None if outcome is None or None in others else True)
    return told


def _judge_alone(rows: Sequence[LabelledCode], analyzer: Analyzer, criterion: Criterion) -> Judged:
    """One analyzer over the set, as an ensemble of one: faults and languages are seen to there."""
    one = Ensemble([analyzer])
    results = one.analyze(
        [  # suppression comments do not count, as in the oracle
            Snippet(row.id, strip_suppressions(row.code, row.language), row.language)
            for row in rows
        ]
    )
    outcomes = [
        outcome_of(result, row, criterion) for result, row in zip(results, rows, strict=True)
    ]
    seconds = sum(cost.seconds for cost in one.costs.values())
    return _judged(analyzer.name, analyzer.fingerprint(), rows, results, outcomes, seconds)


def _judged(
    name: str,
    fingerprint: str,
    rows: Sequence[LabelledCode],
    results: Sequence[EnsembleResult],
    outcomes: Sequence[Outcome],
    seconds: float,
) -> Judged:
    by_cwe: dict[int, Accuracy] = {}
    for cwe in sorted({cwe for row in rows for cwe in row.cwe}):
        places = [place for place, row in enumerate(rows) if cwe in row.cwe]
        by_cwe[cwe] = accuracy([rows[i] for i in places], [outcomes[i] for i in places])
    return Judged(
        name,
        fingerprint,
        tuple(results),
        tuple(outcomes),
        accuracy(rows, outcomes),
        by_cwe,
        seconds,
    )


def _merged(row_id: str, results: Sequence[EnsembleResult]) -> EnsembleResult:
    """The tools' results of one row as one; a tool that does not read its language has no part."""
    reading = [result for result in results if result.counts] or results
    findings, found_by = merge_findings([one for result in results for one in result.findings])
    return EnsembleResult(
        row_id,
        findings,
        found_by,
        {name: count for result in reading for name, count in result.counts.items()},
        {name: why for result in reading for name, why in result.errors.items()},
    )


def _with_sole(one: Judged, alone: Sequence[Judged], rows: Sequence[LabelledCode]) -> Judged:
    others = [other.outcomes for other in alone if other is not one]
    sole = sum(
        row.label == "insecure"
        and one.outcomes[place] is True
        and not any(outcomes[place] for outcomes in others)
        for place, row in enumerate(rows)
    )
    return replace(one, sole=sole)
