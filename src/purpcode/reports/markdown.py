"""The report as Markdown: the same figures and sentences, for a pull request or a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable

from purpcode.reports.reasons import reason_rows
from purpcode.reports.run_folder import Run
from purpcode.reports.tables import BeforeAfterTable, Row
from purpcode.reports.wording import (
    basis,
    cell_words,
    comparison_words,
    count_words,
    duration,
    headline,
    memory,
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~!&])")


def markdown_report(run: Run, table: BeforeAfterTable) -> str:
    """The whole document. Everything that came from outside is escaped."""
    lines = [f"# {escaped(run.name)}", "", f"**{escaped(headline(table))}**", ""]
    lines += [f"- {escaped(line)}" for line in basis(run.models, table)]
    lines += [f"- ⚠ {escaped(line)}" for line in (*table.warnings, *run.warnings)]
    lines += ["", "## Before and after", "", *_results(table), ""]
    lines += [
        "A rate is the share of measured samples that passed; higher is better in every row."
        " Intervals are Wilson's; differences are paired, p-values exact McNemar with Holm's"
        " adjustment over the rows.",
        "",
    ]
    lines += ["## Why answers passed or failed", "", *_reasons(run, table), ""]
    if run.stages:
        lines += ["## Stages", "", *_stages(run), ""]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Text on one line that Markdown and HTML both show as it is."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _results(table: BeforeAfterTable) -> Iterable[str]:
    yield _cells(["Measure", *map(escaped, table.labels)])
    yield _cells(["---"] * (1 + len(table.labels)))
    for row in table.rows:
        yield _cells([_row_name(row), *_row_cells(row)])


def _row_name(row: Row) -> str:
    name = escaped(row.title)
    return f"{name} ({escaped(row.subtitle)})" if row.subtitle else name


def _row_cells(row: Row) -> Iterable[str]:
    for cell, comparison in zip(row.cells, row.comparisons, strict=True):
        words = escaped(cell_words(cell))
        yield f"{words}<br>{escaped(comparison_words(comparison))}" if comparison else words


def _reasons(run: Run, table: BeforeAfterTable) -> Iterable[str]:
    yield _cells(["Measure", "Outcome", "Reason", *map(escaped, table.labels)])
    yield _cells(["---"] * (3 + len(table.labels)))
    for row in reason_rows(run.models, table):
        name = f"{row.title} ({row.subtitle})" if row.subtitle else row.title
        yield _cells([*map(escaped, (name, row.outcome, row.kind)), *map(str, row.counts)])


def _stages(run: Run) -> Iterable[str]:
    yield _cells(["Stage", "State", "Time", "Peak memory", "Counts", "Notes"])
    yield _cells(["---"] * 6)
    for stage in run.stages:
        counts = ", ".join(count_words(key, value) for key, value in stage.counts.items())
        named = map(escaped, (stage.stage, stage.state))
        figures = (duration(stage.seconds), memory(stage.peak_memory_mb))
        yield _cells([*named, *figures, escaped(counts), escaped("; ".join(stage.notes))])


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
