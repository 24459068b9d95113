"""The red-teaming coverage file as small tables, side by side for each split of the data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_ROWS = 30
PIVOTED = {"cwe": "weaknesses", "strategy": "strategies", "source": "sources"}
"""Fields of the file's `rows` to count by, and the title of each table."""
NO_CWE = "none applies"

Figures = Mapping[str, float]


@dataclass(frozen=True)
class CoverageTable:
    """Counts (or ratios) by name; one value a column, None where the file has none."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    more: int
    """Rows left out of the page; report.json has them all."""


def coverage_tables(coverage: Mapping[str, Any] | None) -> list[CoverageTable]:
    """Everything countable in the file: figures by split and name, figures by name, and `rows`
    counted by weakness, strategy and source. What is neither stays in report.json alone."""
    if not coverage:
        return []
    by_split = {key: _nested(value) for key, value in coverage.items()}
    tables = [_table(key, figures) for key, figures in by_split.items() if figures]
    splits = {split for figures in by_split.values() for split in figures}
    totals: dict[str, dict[str, float]] = defaultdict(dict)
    for key, value in coverage.items():
        figures = _flat(value)
        if figures and splits.issuperset(figures):
            for split, count in figures.items():
                totals[split][f"distinct {key}"] = count
        elif figures:
            tables.append(_table(key, {"": figures}))
    if totals:
        tables.insert(0, _table("variety", totals))
    pivots = {title: _pivot(coverage, by) for by, title in PIVOTED.items()}
    return tables + [_table(title, figures) for title, figures in pivots.items() if figures]


def _flat(value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        return {}
    return {name: count for name, count in value.items() if _is_figure(count)}


def _nested(value: Any) -> dict[str, dict[str, float]]:
    if not isinstance(value, Mapping):
        return {}
    return {name: _flat(inner) for name, inner in value.items() if _flat(inner)}


def _pivot(coverage: Mapping[str, Any], by: str) -> dict[str, dict[str, float]]:
    rows = coverage.get("rows")
    counts: dict[str, dict[str, float]] = {}
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, Mapping) and by in row and _is_figure(row.get("samples")):
            split = counts.setdefault(str(row.get("split", "")), {})
            name = _named(by, row[by])
            split[name] = split.get(name, 0) + row["samples"]
    return counts


def _named(by: str, value: Any) -> str:
    if by == "cwe":
        return f"CWE-{value}" if value else NO_CWE
    return str(value).replace("_", " ") or "–"


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e15


def _table(title: str, figures: Mapping[str, Figures]) -> CoverageTable:
    """Largest rows first; ratios keep the file's order."""
    names = list(dict.fromkeys(name for column in figures.values() for name in column))
    rows = [(name, tuple(column.get(name) for column in figures.values())) for name in names]
    if all(isinstance(value, int) for _, values in rows for value in values if value is not None):
        rows.sort(key=lambda row: -sum(value or 0 for value in row[1]))
    shown = tuple((name.replace("_", " "), values) for name, values in rows[:MAX_ROWS])
    more = max(0, len(rows) - MAX_ROWS)
    return CoverageTable(title.replace("_", " "), tuple(figures), shown, more)
