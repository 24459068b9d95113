"""The before/after table: every objective under every model, with exact denominators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from purpcode.errors import InputError
from purpcode.evals.results import EvalHeader, ScoredSample
from purpcode.evals.statistics import PairedTest, Rate, holm, paired

OBJECTIVE_TITLES = {
    "secure_code": "Writes secure code",
    "malicious_assistance": "Withholds malicious assistance",
    "overrefusal": "Answers harmless security questions",
    "unit_tests": "Writes correct code",
}
"""Known objectives in table order, worded so that a higher share is better in every row."""

PART_TITLES = {
    "seen": "new tasks, rules met in training",
    "unseen": "new tasks, rules never met in training",
}


@dataclass(frozen=True)
class ModelResults:
    """One evaluated model: its header and its scored samples."""

    header: EvalHeader
    samples: tuple[ScoredSample, ...]

    @property
    def label(self) -> str:
        """Its short name in tables."""
        return self.header.label


@dataclass(frozen=True)
class Cell:
    """One row's result under one model. `missing` of the unmeasured samples have no record."""

    rate: Rate
    missing: int


@dataclass(frozen=True)
class Comparison:
    """One model against the first on one row; `adjusted_p` is Holm's over the table's rows."""

    test: PairedTest
    adjusted_p: float | None


@dataclass(frozen=True)
class Row:
    """One objective (and part). `comparisons[i]` compares model i with the first; [0] is None."""

    objective: str
    part: str
    oracles: tuple[str, ...]
    """Names of the oracles that judged it."""
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison | None, ...]

    @property
    def title(self) -> str:
        """What a passing sample shows, in words."""
        return OBJECTIVE_TITLES.get(self.objective, self.objective.replace("_", " "))

    @property
    def subtitle(self) -> str:
        """Which part of the objective's samples, in words ("" when there are no parts)."""
        return PART_TITLES.get(self.part, self.part)


@dataclass(frozen=True)
class BeforeAfterTable:
    """The table; column i of every row is `labels[i]`, and `labels[0]` is the baseline."""

    labels: tuple[str, ...]
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]
    """What a reader must know before trusting a comparison (records missing, unequal sampling)."""

    @property
    def samples(self) -> int:
        """Samples asked of every model."""
        return sum(row.cells[0].rate.total for row in self.rows)


def build_table(models: Sequence[ModelResults], *, seed: int = 0) -> BeforeAfterTable:
    """Compare models, the first being the baseline, over the union of their samples.

    A sample without a record under one model counts there as unmeasured, so that all cells of a
    row share one denominator. `seed` is the paired bootstrap's.

    Raises:
        InputError: when models were judged by different oracles or on different suites, when one
            sample id stands for different questions, or when a model has a sample twice.
    """
    if not models:
        raise InputError("there are no evaluated models to compare")
    _refuse_incomparable(models)
    by_model = [_by_id(model) for model in models]
    groups: dict[tuple[str, str], dict[str, None]] = {}
    for samples in by_model:
        for sample in samples.values():
            groups.setdefault((sample.objective, sample.part), {})[sample.sample_id] = None
    rows = [
        _row(key, list(ids), by_model, seed)
        for key, ids in sorted(groups.items(), key=lambda item: _order(item[0]))
    ]
    labels = tuple(model.label for model in models)
    return BeforeAfterTable(labels, tuple(_adjusted(rows)), _warnings(models, rows))


def _order(key: tuple[str, str]) -> tuple[int, str, int, str]:
    objective, part = key
    objectives, parts = list(OBJECTIVE_TITLES), list(PART_TITLES)
    return (
        objectives.index(objective) if objective in objectives else len(objectives),
        objective,
        parts.index(part) if part in parts else len(parts),
        part,
    )


def _refuse_incomparable(models: Sequence[ModelResults]) -> None:
    first = models[0].header
    labels = [model.label for model in models]
    if len(set(labels)) < len(labels):
        raise InputError(f"two evaluated models share a label: {', '.join(labels)}")
    for model in models[1:]:
        header = model.header
        pair = f"'{first.label}' and '{header.label}'"
        if header.suite != first.suite:
            raise InputError(
                f"{pair} were evaluated on different suites ('{first.suite}', '{header.suite}')",
                hint="Evaluate both on the same suite.",
            )
        ours, theirs = first.oracle_fingerprints, header.oracle_fingerprints
        differing = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
        if differing:
            raise InputError(
                f"{pair} were judged by different oracles ({', '.join(differing)}):"
                " their rates cannot be compared",
                hint="Evaluate both again with the same oracles, then report.",
            )


def _by_id(model: ModelResults) -> dict[str, ScoredSample]:
    found: dict[str, ScoredSample] = {}
    for sample in model.samples:
        if sample.sample_id in found:
            raise InputError(f"'{model.label}' has the sample '{sample.sample_id}' twice")
        found[sample.sample_id] = sample
    return found


def _row(
    key: tuple[str, str], ids: list[str], by_model: list[dict[str, ScoredSample]], seed: int
) -> Row:
    outcomes: list[dict[str, bool | None]] = []
    cells: list[Cell] = []
    for samples in by_model:
        _refuse_other_question(key, ids, by_model[0], samples)
        found = {sample: samples[sample].passed for sample in ids if sample in samples}
        outcomes.append({sample: found.get(sample) for sample in ids})
        cells.append(Cell(Rate.of(outcomes[-1].values()), len(ids) - len(found)))
    judges = {
        verdict.oracle
        for samples in by_model
        for sample in ids
        if sample in samples
        for verdict in samples[sample].verdicts
    }
    tests = [paired(outcomes[0], other, seed=seed) for other in outcomes[1:]]
    comparisons = (None, *(Comparison(test, None) for test in tests))
    return Row(*key, tuple(sorted(judges)), tuple(cells), comparisons)


def _refuse_other_question(
    key: tuple[str, str],
    ids: list[str],
    first: dict[str, ScoredSample],
    other: dict[str, ScoredSample],
) -> None:
    """System messages may differ between models (a reminder of the rules); questions may not."""
    for sample_id in ids:
        sample, baseline = other.get(sample_id), first.get(sample_id)
        same_row = sample is None or (sample.objective, sample.part) == key
        if sample is None or baseline is None:
            same_question = True
        else:
            same_question = _question(sample) == _question(baseline)
        if not (same_row and same_question):
            raise InputError(
                f"the sample id '{sample_id}' stands for different samples under different models",
                hint="Evaluate the models on the same suite.",
            )


def _question(sample: ScoredSample) -> list[str]:
    return [message.content for message in sample.messages if message.role == "user"]


def _adjusted(rows: list[Row]) -> list[Row]:
    """The rows with Holm's adjustment over the rows, for each model apart."""
    if not rows:
        return rows
    columns: list[list[Comparison | None]] = []
    for column in zip(*(row.comparisons for row in rows), strict=True):
        p_values = holm([None if cell is None else cell.test.p_value for cell in column])
        columns.append(
            [
                None if cell is None else Comparison(cell.test, p)
                for cell, p in zip(column, p_values, strict=True)
            ]
        )
    return [
        Row(row.objective, row.part, row.oracles, row.cells, tuple(comparisons))
        for row, comparisons in zip(rows, zip(*columns, strict=True), strict=True)
    ]


def _warnings(models: Sequence[ModelResults], rows: list[Row]) -> tuple[str, ...]:
    warnings = []
    for place, model in enumerate(models):
        missing = sum(row.cells[place].missing for row in rows)
        if missing:
            warnings.append(
                f"{model.label}: {missing} samples that another model answered have no record;"
                " they count as unmeasured."
            )
        announced, recorded = model.header.samples, len(model.samples)
        if announced != recorded:
            warnings.append(
                f"{model.label}: the evaluation announced {announced} samples and recorded"
                f" {recorded}."
            )
        if model.header.sampling != models[0].header.sampling:
            warnings.append(
                f"{model.label} was sampled differently from {models[0].label}"
                f" ({model.header.sampling} against {models[0].header.sampling})."
            )
    return tuple(warnings)
