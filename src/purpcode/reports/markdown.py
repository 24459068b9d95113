"""The report as Markdown: the same figures and sentences, for a pull request or a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from purpcode.reports.groups import GroupTable
from purpcode.reports.run_folder import Run
from purpcode.reports.sections import Section
from purpcode.reports.tables import BeforeAfterTable, Cell, Comparison, Row
from purpcode.reports.visible import visible
from purpcode.reports.wording import (
    basis,
    cell_words,
    comparison_words,
    count_words,
    data_words,
    duration,
    headline,
    memory,
)

METHOD = (
    "A rate is the share of measured samples that passed; higher is better in every row."
    " Intervals are Wilson's; differences are paired, p-values exact McNemar with Holm's"
    " adjustment over all rows."
)
MAX_GROUP_ROWS = 100
"""Rows that Markdown shows of a breakdown; the page and the JSON have all."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~!&])")


def markdown_report(run: Run, sections: Sequence[Section]) -> str:
    """The whole document. Everything that came from outside is escaped."""
    tables = [section.table for section in sections]
    lines = [f"# {escaped(run.name)}", "", f"**{escaped(headline(*tables))}**", ""]
    lines += [f"- ⚠ {escaped(line)}" for line in run.warnings]
    for section in sections:
        lines += section_lines(section, named=len(sections) > 1, data="report.json")
    if run.stages:
        lines += ["## Stages", "", *_stages(run), ""]
    return "\n".join(lines)


def section_lines(section: Section, *, named: bool, data: str) -> list[str]:
    """A suite's figures; headings carry its name where there are several. `data` is the file that
    has what is too long for Markdown."""
    table = section.table
    name = f"{escaped(section.suite)}: " if named else ""
    lines = [f"- {escaped(line)}" for line in basis(section.models, table)]
    lines += [f"- Data: {escaped(one)}." for one in _data(section)]
    lines += [f"- ⚠ {escaped(line)}" for line in table.warnings]
    lines = [f"## {name}{'results' if named else 'Results'}", "", *lines, ""]
    lines += [*results_lines(table), "", METHOD, ""]
    lines += [f"### {name}{'why' if named else 'Why'} answers passed or failed", ""]
    lines += [*_reasons(section), ""]
    for group in section.groups:
        lines += [f"### {name}{'by' if named else 'By'} {escaped(group.title)}", ""]
        lines += [*_groups(group, data), ""]
    return lines


def _data(section: Section) -> Iterable[str]:
    """Where the rows are from, once where all models were asked the same ones."""
    headers = [model.header for model in section.models]
    return dict.fromkeys(data_words(one.data) for one in headers if one.data is not None)


def escaped(text: str) -> str:
    """Text on one line that Markdown and HTML both show as it is."""
    return _SPECIAL.sub(r"\\\1", visible(" ".join(text.split())))


def results_lines(table: BeforeAfterTable) -> Iterable[str]:
    """The table of a suite's rates and differences."""
    yield table_row(["Measure", *map(escaped, table.labels)])
    yield table_row(["---"] * (1 + len(table.labels)))
    for row in table.rows:
        yield table_row([_row_name(row), *map(_cell, row.cells, row.comparisons)])


def _row_name(row: Row) -> str:
    name = escaped(row.title)
    return f"{name} ({escaped(row.subtitle)})" if row.subtitle else name


def _cell(cell: Cell, comparison: Comparison | None) -> str:
    words = escaped(cell_words(cell))
    return f"{words}<br>{escaped(comparison_words(comparison))}" if comparison else words


def _reasons(section: Section) -> Iterable[str]:
    labels = section.table.labels
    yield table_row(["Measure", "Outcome", "Reason", *map(escaped, labels)])
    yield table_row(["---"] * (3 + len(labels)))
    for row in section.reasons:
        name = f"{row.title} ({row.subtitle})" if row.subtitle else row.title
        yield table_row([*map(escaped, (name, row.outcome, row.kind)), *map(str, row.counts)])


def _groups(group: GroupTable, data: str) -> Iterable[str]:
    yield table_row(["Measure", escaped(group.title), *map(escaped, group.labels)])
    yield table_row(["---"] * (2 + len(group.labels)))
    for row in group.rows[:MAX_GROUP_ROWS]:
        cells = map(_cell, row.cells, row.comparisons)
        yield table_row([escaped(row.measure), escaped(row.value), *cells])
    if len(group.rows) > MAX_GROUP_ROWS:
        shown, of = MAX_GROUP_ROWS, len(group.rows)
        yield f"\n{shown} of {of} rows; the other {of - shown} are in {data}, under `groups`."


def _stages(run: Run) -> Iterable[str]:
    yield table_row(["Stage", "State", "Time", "Peak memory", "Counts", "Notes"])
    yield table_row(["---"] * 6)
    for stage in run.stages:
        counts = ", ".join(count_words(key, value) for key, value in stage.counts.items())
        named = map(escaped, (stage.stage, stage.state))
        figures = (duration(stage.seconds), memory(stage.peak_memory_mb))
        yield table_row([*named, *figures, escaped(counts), escaped("; ".join(stage.notes))])


def table_row(cells: Iterable[str]) -> str:
    """A row of a Markdown table; cells are escaped by the caller."""
    return f"| {' | '.join(cells)} |"
