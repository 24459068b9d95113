"""Rates by what samples have in common: weakness, language, category, turn of a conversation."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from purpcode.evals.rates import NOT_STATED, TURN
from purpcode.evals.results import ScoredSample
from purpcode.reports.pairing import ModelResults, SampleKey, keyed_samples, measures
from purpcode.reports.protocol import NOTED, Kind
from purpcode.reports.tables import BeforeAfterTable, Cell, Comparison, measure_cells

DIMENSIONS = {
    "cwe": ("cwes", "cwe"),
    "language": ("language",),
    "category": ("category",),
    "turn": ("turn",),
}
"""Dimension → metadata fields that say it, the first present one counting."""


@dataclass(frozen=True)
class GroupRow:
    """One value of a dimension within one measure."""

    measure: str
    value: str
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison | None, ...]


@dataclass(frozen=True)
class GroupTable:
    """One dimension. A sample with several values (weaknesses) counts once in each."""

    dimension: str
    suite: str
    labels: tuple[str, ...]
    rows: tuple[GroupRow, ...]

    @property
    def title(self) -> str:
        """The dimension in words."""
        return dimension_title(self.dimension)


def dimension_title(dimension: str) -> str:
    """A dimension's name as a heading."""
    return "CWE" if dimension == "cwe" else dimension.replace("_", " ").capitalize()


def sample_groups(sample: ScoredSample) -> dict[str, tuple[str, ...]]:
    """Dimension → values: from `groups` where the record has them, else from its metadata."""
    found: dict[str, tuple[str, ...]] = {
        name: (value,) for name, value in sample.groups.items() if value
    }
    for dimension, fields in DIMENSIONS.items():
        if dimension in found:
            continue
        value = next((sample.metadata[name] for name in fields if name in sample.metadata), None)
        values = tuple(dict.fromkeys(_values(value)))
        if values:
            found[dimension] = values
    if "cwe" in found:
        found["cwe"] = tuple(map(_cwe, found["cwe"]))
    return found


def _values(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [one for item in value for one in _values(item)]
    if isinstance(value, str | int | float) and str(value).strip():
        return [str(value).strip()]
    return []


def _cwe(value: str) -> str:
    found = re.fullmatch(r"(?:cwe[-_ ]?)?0*(\d{1,6})", value, re.IGNORECASE)
    return f"CWE-{found[1]}" if found else value


def group_tables(
    models: Sequence[ModelResults],
    table: BeforeAfterTable,
    *,
    seed: int = 0,
    allow: Collection[Kind] = NOTED,
) -> list[GroupTable]:
    """The tables of one suite, one for each dimension that any sample states.

    Groups show where a difference comes from; their p-values are not adjusted and not shown,
    since among many small groups some differ by chance.
    """
    by_model = keyed_samples(models, allow)
    everyone: dict[SampleKey, ScoredSample] = {}
    for samples in reversed(by_model):
        everyone.update(samples)
    stated = {key: sample_groups(sample) for key, sample in everyone.items()}
    dimensions = list(
        dict.fromkeys((*DIMENSIONS, *(name for one in stated.values() for name in one)))
    )
    found = []
    for dimension in dimensions:
        rows = _rows(dimension, table, everyone, stated, by_model, seed)
        if rows:
            found.append(GroupTable(dimension, table.suite, table.labels, tuple(rows)))
    return found


def _rows(
    dimension: str,
    table: BeforeAfterTable,
    everyone: Mapping[SampleKey, ScoredSample],
    stated: Mapping[SampleKey, Mapping[str, tuple[str, ...]]],
    by_model: Sequence[Mapping[SampleKey, ScoredSample]],
    seed: int,
) -> list[GroupRow]:
    rows = []
    for row in table.rows:
        members: dict[str, list[SampleKey]] = {}
        for key, sample in everyone.items():
            if (row.objective, row.part, row.metric) in measures(sample):
                for value in stated[key].get(dimension, (NOT_STATED,)):
                    members.setdefault(value, []).append(key)
        if not set(members) - {NOT_STATED}:
            continue
        measure = " · ".join(filter(None, (row.title, row.subtitle)))
        for value in sorted(members, key=_place):
            cells = measure_cells(
                row.metric, members[value], by_model, seed, turns=dimension == TURN
            )
            rows.append(GroupRow(measure, value, *cells))
    return rows


def _place(value: str) -> tuple[bool, str, int, str]:
    """Values in natural order (CWE-22 before CWE-78 before CWE-502); what is not stated last."""
    number = re.search(r"\d+$", value)
    if number is None:
        return value == NOT_STATED, value.lower(), -1, value
    return value == NOT_STATED, value[: number.start()].lower(), int(number[0]), value
