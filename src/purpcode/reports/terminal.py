"""The before/after table in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from purpcode.reports.tables import BeforeAfterTable, Cell, Comparison
from purpcode.reports.visible import visible
from purpcode.reports.wording import direction, headline, p_words, percent, points

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_STYLES = {"better": "green", "worse": "red"}


def print_summary(table: BeforeAfterTable, report_path: Path, console: Console) -> None:
    """Print one suite's table and where the report lies."""
    print_tables([table], report_path, console)


def print_tables(tables: Sequence[BeforeAfterTable], report_path: Path, console: Console) -> None:
    """Print the tables of all suites and where the report lies.

    Every figure also stands in words, so that a terminal without colour, a pipe or a log loses
    nothing; it fits 80 columns with three models.
    """
    from rich.text import Text

    console.print()
    console.print(Text(visible(headline(*tables)), style="bold"))
    for table in tables:
        if len(tables) > 1:
            console.print(Text(f"\n{visible(table.suite)}", style="bold"))
        console.print(_grid(table))
        for warning in table.warnings:
            console.print(Text(visible(f"! {warning}"), style="yellow"))
    rows = [row for table in tables for row in table.rows]
    unmeasured = sum(cell.rate.unmeasured for row in rows for cell in row.cells)
    note = "[low–high] is the 95% interval"
    firsts = dict.fromkeys(table.labels[0] for table in tables if len(table.labels) > 1)
    if firsts:
        note += "; ± points and p are against " + " or ".join(firsts)
    if unmeasured:
        note += f"; {unmeasured} answers unmeasured, counted neither way"
    console.print(Text(visible(note) + ".", style="dim"))
    console.print(Text("Report: ").append(str(report_path)), soft_wrap=True)


def _grid(table: BeforeAfterTable) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=False)
    grid.add_column("Passed, % of measured", min_width=18)
    for label in table.labels:
        grid.add_column(Text(visible(label)), justify="left", min_width=16)
    for place, row in enumerate(table.rows):
        name = Text(visible(row.title))
        if row.subtitle:
            name.append(visible(f"\n{row.subtitle}"), style="dim")
        cells = map(_cell, row.cells, row.comparisons)
        grid.add_row(name, *cells, end_section=place == len(table.rows) - 1)
    return grid


def _cell(cell: Cell, comparison: Comparison | None) -> Text:
    from rich.text import Text

    rate = cell.rate
    if rate.interval is None:
        text = Text(f"–  not measured\n{rate.unmeasured} of {rate.total}")
    else:
        low, high = rate.interval
        text = Text(percent(rate.rate), style="bold")
        text.append(f" [{100 * low:.0f}–{100 * high:.0f}]", style="not bold")
        text.append(f"\n{rate.passed} of {rate.measured}", style="not bold dim")
        if rate.unmeasured:
            text.append(f", {rate.unmeasured} unm.", style="not bold yellow")
    if comparison is not None and comparison.test.difference is not None:
        change = f"\n{points(comparison.test.difference)}  {p_words(comparison.adjusted_p)}"
        text.append(change, style=f"not bold {_STYLES.get(direction(comparison), '')}".strip())
    return text
