"""The before/after table: every objective under every model, with exact denominators."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from purpcode.errors import InputError
from purpcode.evals.results import ScoredSample
from purpcode.evals.statistics import PairedTest, Rate, holm, paired
from purpcode.reports.pairing import (
    Measure,
    ModelResults,
    SampleKey,
    clusters,
    conversations_of,
    counted_once,
    keyed_samples,
    measures,
    outcome,
)
from purpcode.reports.protocol import NOTED, Kind, protocol_differences, refuse_differences

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
    """One measure. `comparisons[i]` compares model i with the first; [0] is None."""

    objective: str
    part: str
    metric: str
    """What is counted of these samples, where it is more than one thing; else ""."""
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
        """Which metric and part of the objective, in words ("" when there is only one)."""
        metric = self.metric.replace("_", " ")
        return "; ".join(filter(None, (metric, PART_TITLES.get(self.part, self.part))))


@dataclass(frozen=True)
class BeforeAfterTable:
    """The table; column i of every row is `labels[i]`, and `labels[0]` is the baseline."""

    labels: tuple[str, ...]
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]
    """What a reader must know before trusting a comparison (records missing, unequal sampling)."""
    samples: int
    """Samples asked of any model."""
    suite: str = ""

    @property
    def parts(self) -> list[Row]:
        """One row for each objective and part: those of the headline metric."""
        first: dict[tuple[str, str], Row] = {}
        for row in self.rows:
            first.setdefault((row.objective, row.part), row)
        return list(first.values())


def build_tables(
    models: Sequence[ModelResults], *, seed: int = 0, allow: Collection[Kind] = NOTED
) -> list[BeforeAfterTable]:
    """One table a suite, in order of appearance, with Holm's adjustment over all of their rows.

    Raises what `build_table` raises.
    """
    suites: dict[str, list[ModelResults]] = {}
    for model in models:
        suites.setdefault(model.header.suite, []).append(model)
    tables = [_unadjusted(evaluated, seed, allow) for evaluated in suites.values()]
    rows = [row for table in tables for row in table.rows]
    done = iter(_adjusted(rows, [table.labels for table in tables for _ in table.rows]))
    return [replace(table, rows=tuple(next(done) for _ in table.rows)) for table in tables]


def build_table(
    models: Sequence[ModelResults], *, seed: int = 0, allow: Collection[Kind] = NOTED
) -> BeforeAfterTable:
    """Compare models on one suite, the first being the baseline, over the union of their samples.

    A sample without a record under one model counts there as unmeasured, so that all cells of a
    row share one denominator. `seed` is the paired bootstrap's. Differences of the kinds in
    `allow` become warnings.

    Raises:
        InputError: when models were judged by different oracles or on different suites, when one
            sample id stands for different questions, or when a model has a sample twice.
    """
    table = _unadjusted(models, seed, allow)
    rows = _adjusted(table.rows, [table.labels] * len(table.rows))
    return replace(table, rows=tuple(rows))


def _unadjusted(
    models: Sequence[ModelResults], seed: int, allow: Collection[Kind]
) -> BeforeAfterTable:
    if not models:
        raise InputError("there are no evaluated models to compare")
    differences = _differences(models, allow)
    by_model = keyed_samples(models, allow)
    groups: dict[Measure, dict[SampleKey, None]] = {}
    for samples in by_model:
        for key, sample in samples.items():
            for measure in measures(sample):
                groups.setdefault(measure, {})[key] = None
    rows = [
        _row(measure, list(ids), by_model, seed)
        for measure, ids in sorted(groups.items(), key=lambda item: _order(item[0]))
    ]
    labels = tuple(model.label for model in models)
    warnings = (*differences, *_warnings(models, by_model))
    asked = len({key for samples in by_model for key in samples})
    return BeforeAfterTable(labels, tuple(rows), warnings, asked, models[0].header.suite)


def _order(measure: Measure) -> tuple[int, str, int, str]:
    """Known objectives and parts first; metrics stay in the order of the records."""
    objective, part, _ = measure
    objectives, parts = list(OBJECTIVE_TITLES), list(PART_TITLES)
    return (
        objectives.index(objective) if objective in objectives else len(objectives),
        objective,
        parts.index(part) if part in parts else len(parts),
        part,
    )


def _differences(models: Sequence[ModelResults], allow: Collection[Kind]) -> list[str]:
    """The allowed differences in words; raises for the others."""
    first = models[0]
    labels = [model.label for model in models]
    if len(set(labels)) < len(labels):
        raise InputError(f"two evaluated models share a label: {', '.join(labels)}")
    warnings = []
    for model in models[1:]:
        ours, theirs = first.header.suite, model.header.suite
        if ours != theirs:
            raise InputError(
                f"'{first.label}' and '{model.label}' were evaluated on different suites"
                f" ('{ours}', '{theirs}')",
                hint="Evaluate both on the same suite.",
            )
        found = protocol_differences(first.header, model.header)
        refuse_differences(found, allow, (first.folder, model.folder))
        warnings += [f"{one.text}: their rates are not strictly comparable." for one in found]
    return warnings


def measure_cells(
    metric: str,
    ids: Sequence[SampleKey],
    by_model: Sequence[Mapping[SampleKey, ScoredSample]],
    seed: int,
    *,
    turns: bool = False,
) -> tuple[tuple[Cell, ...], tuple[Comparison | None, ...]]:
    """Every model's rate over `ids`, and each later model against the first (unadjusted).

    A conversation counts once, or with `turns` each of its turns.
    """
    cluster = clusters(by_model)
    whole = {} if turns else conversations_of(by_model)
    outcomes = [
        counted_once({key: outcome(samples.get(key), metric) for key in ids}, whole)
        for samples in by_model
    ]
    missing = [{whole.get(key, key) for key in ids if key not in samples} for samples in by_model]
    cells = tuple(
        Cell(Rate.clustered(found, cluster), len(absent))
        for found, absent in zip(outcomes, missing, strict=True)
    )
    tests = [paired(outcomes[0], other, seed=seed, cluster=cluster) for other in outcomes[1:]]
    return cells, (None, *(Comparison(test, None) for test in tests))


def _row(
    measure: Measure,
    ids: list[SampleKey],
    by_model: list[dict[SampleKey, ScoredSample]],
    seed: int,
) -> Row:
    judges = {
        verdict.oracle
        for samples in by_model
        for key in ids
        if key in samples
        for verdict in samples[key].verdicts
    }
    return Row(*measure, tuple(sorted(judges)), *measure_cells(measure[2], ids, by_model, seed))


def _adjusted(rows: Sequence[Row], labels: Sequence[Sequence[str]]) -> list[Row]:
    """The rows with Holm's adjustment over the rows, for each model apart. `labels[i]` names the
    columns of row i: not every model need be in every row."""
    families: dict[str, list[tuple[int, int]]] = {}
    for at, names in enumerate(labels):
        for place, name in enumerate(names[1:], start=1):
            families.setdefault(name, []).append((at, place))
    adjusted = [list(row.comparisons) for row in rows]
    for family in families.values():
        tests = [adjusted[at][place] for at, place in family]
        p_values = holm([None if one is None else one.test.p_value for one in tests])
        for (at, place), one, p in zip(family, tests, p_values, strict=True):
            adjusted[at][place] = one and Comparison(one.test, p)
    return [
        replace(row, comparisons=tuple(found)) for row, found in zip(rows, adjusted, strict=True)
    ]


def _warnings(
    models: Sequence[ModelResults], by_model: Sequence[Mapping[SampleKey, ScoredSample]]
) -> tuple[str, ...]:
    everyone = {key for samples in by_model for key in samples}
    warnings = []
    for model, samples in zip(models, by_model, strict=True):
        header = model.header
        missing = len(everyone) - len(samples)
        if missing:
            warnings.append(
                f"{model.label}: {missing} samples that another model answered have no record;"
                " they count as unmeasured."
            )
        announced, recorded = header.samples, len(model.samples)
        if announced != recorded:
            warnings.append(
                f"{model.label}: the evaluation announced {announced} samples and recorded"
                f" {recorded}."
            )
        if header.subset:
            chosen = ", ".join(f"{name} {value}" for name, value in header.subset.items())
            warnings.append(f"{model.label} was asked only some of the rows ({chosen[:200]}).")
        if header.data is not None and header.data.problem:
            warnings.append(f"{model.label}: {header.data.problem.rstrip('.')}.")
    return tuple(warnings)
