"""Tables as plain data, for the JSON that stands beside every page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from purpcode.evals.statistics import Rate
from purpcode.reports import wording
from purpcode.reports.groups import GroupTable
from purpcode.reports.reasons import ReasonRow
from purpcode.reports.sections import Section
from purpcode.reports.tables import Cell, Comparison, Row

Json = dict[str, Any]


def section_figures(sections: Sequence[Section]) -> Json:
    """The rows, reasons and groups of all suites."""
    return {
        "rows": [_row(row, one) for one in sections for row in one.table.rows],
        "reasons": [_reason(row, one) for one in sections for row in one.reasons],
        "groups": [_group(table) for one in sections for table in one.groups],
    }


def rate_figures(rate: Rate) -> Json:
    """Counts, rate, 95% interval and bounds; None is unmeasured."""
    return {
        **asdict(rate),
        "total": rate.total,
        "rate": rate.rate,
        "interval": rate.interval,
        "bounds": rate.bounds,
    }


def _row(row: Row, section: Section) -> Json:
    return {
        "suite": section.table.suite,
        "objective": row.objective,
        "part": row.part,
        "metric": row.metric,
        "title": row.title,
        "subtitle": row.subtitle,
        "oracles": row.oracles,
        **_measured(section.table.labels, row.cells, row.comparisons),
    }


def _measured(
    labels: Sequence[str], cells: Sequence[Cell], comparisons: Sequence[Comparison | None]
) -> Json:
    return {
        "models": {
            label: {**rate_figures(cell.rate), "missing": cell.missing}
            for label, cell in zip(labels, cells, strict=True)
        },
        "comparisons": {
            label: {
                "against": labels[0],
                **asdict(comparison.test),
                "adjusted_p_value": comparison.adjusted_p,
                "direction": wording.direction(comparison),
            }
            for label, comparison in zip(labels, comparisons, strict=True)
            if comparison is not None
        },
    }


def _reason(row: ReasonRow, section: Section) -> Json:
    counts = dict(zip(section.table.labels, row.counts, strict=True))
    return {"suite": section.table.suite, **asdict(row), "counts": counts}


def _group(table: GroupTable) -> Json:
    rows = [
        {
            "measure": row.measure,
            "value": row.value,
            **_measured(table.labels, row.cells, row.comparisons),
        }
        for row in table.rows
    ]
    return {"suite": table.suite, "dimension": table.dimension, "rows": rows}
