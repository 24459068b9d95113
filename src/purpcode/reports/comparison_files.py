"""A comparison as a page, Markdown, JSON and a table in the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purpcode.records import write_json_atomic, write_text_atomic
from purpcode.reports import wording
from purpcode.reports.comparison import FLIPS, KINDS, FlipCounts, ModelComparison
from purpcode.reports.explorer import build_explorer
from purpcode.reports.figures import section_figures
from purpcode.reports.markdown import escaped, section_lines, table_row
from purpcode.reports.report import render_page
from purpcode.reports.terminal import print_tables
from purpcode.reports.visible import visible

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA_VERSION = 1
"""Version of comparison.json's layout; it rises when a field changes its meaning or goes."""
LISTED = 50
"""Flips of each kind that the Markdown lists; the JSON and the page have all."""
ALARM = "NOT STRICTLY COMPARABLE"


@dataclass(frozen=True)
class ComparisonPaths:
    """The files written."""

    html: Path
    markdown: Path
    data: Path


def write_comparison(comparison: ModelComparison, out_dir: Path) -> ComparisonPaths:
    """Write comparison.html, .md and .json; raises PurpcodeError where they cannot be written."""
    paths = ComparisonPaths(
        out_dir / "comparison.html", out_dir / "comparison.md", out_dir / "comparison.json"
    )
    page = render_page(
        "compare.html.jinja",
        comparison=comparison,
        sections=comparison.sections,
        alarm=ALARM,
        kinds=KINDS,
        explorer=build_explorer(comparison.sections, allow=comparison.allow),
    )
    write_text_atomic(paths.html, page)
    write_text_atomic(paths.markdown, comparison_markdown(comparison))
    write_json_atomic(paths.data, comparison_figures(comparison))
    return paths


def comparison_figures(comparison: ModelComparison) -> dict[str, Any]:
    """Every figure, machine readable; shares are in [0, 1] ([-1, 1]), null is unmeasured."""
    tables = [section.table for section in comparison.sections]
    return {
        "schema_version": SCHEMA_VERSION,
        "a": comparison.label_a,
        "b": comparison.label_b,
        "comparable": not comparison.differences,
        "differences": [asdict(one) for one in comparison.differences],
        "headline": headline(comparison),
        "warnings": [
            *(warning for table in tables for warning in table.warnings),
            *comparison.warnings,
        ],
        "models": [model.header.model_dump(mode="json") for model in comparison.models],
        **section_figures(comparison.sections),
        "counts": [_count_figures(one) for one in comparison.counts],
        "flips": [asdict(one) for one in comparison.flips],
    }


def headline(comparison: ModelComparison) -> str:
    """One sentence; it says first where the two are not strictly comparable."""
    sentence = wording.headline(*(section.table for section in comparison.sections))
    return f"{ALARM}. {sentence}" if comparison.differences else sentence


def comparison_markdown(comparison: ModelComparison) -> str:
    """The whole document. Everything that came from outside is escaped."""
    title = f"{comparison.label_a} against {comparison.label_b}"
    lines = [f"# {escaped(title)}", "", f"**{escaped(headline(comparison))}**", ""]
    lines += [f"- ⚠ **{ALARM}: {escaped(one.text)}**" for one in comparison.differences]
    lines += [f"- ⚠ {escaped(line)}" for line in comparison.warnings]
    lines += ["", "## What changed", "", *_count_lines(comparison.counts), ""]
    for section in comparison.sections:
        named = len(comparison.sections) > 1
        lines += section_lines(section, named=named, data="comparison.json")
    for kind in FLIPS:
        lines += _flip_lines(comparison, kind)
    return "\n".join(lines)


def print_comparison(comparison: ModelComparison, page: Path, console: Console) -> None:
    """Print the tables and what changed; warnings first."""
    from rich.text import Text

    for difference in comparison.differences:
        console.print(Text(visible(f"! {ALARM}: {difference.text}"), style="bold red"))
    for warning in comparison.warnings:
        console.print(Text(visible(f"! {warning}"), style="yellow"))
    print_tables([section.table for section in comparison.sections], page, console)
    for one in comparison.counts:
        shown = ", ".join(f"{count} {kind}" for kind, count in one.counts.items() if count)
        console.print(Text(visible(f"{_name(one, comparison)}: {shown}")), soft_wrap=True)


def _name(one: FlipCounts, comparison: ModelComparison) -> str:
    many = len(comparison.sections) > 1
    words = (one.suite if many else "", one.row.title, one.row.subtitle)
    return " · ".join(filter(None, words))


def _count_figures(one: FlipCounts) -> dict[str, Any]:
    row = one.row
    measure = {"objective": row.objective, "part": row.part, "metric": row.metric}
    return {"suite": one.suite, **measure, "counts": dict(one.counts)}


def _count_lines(counts: Iterable[FlipCounts]) -> Iterable[str]:
    yield table_row(["Suite", "Measure", *KINDS])
    yield table_row(["---"] * (2 + len(KINDS)))
    for one in counts:
        name = " · ".join(filter(None, (one.row.title, one.row.subtitle)))
        numbers = [str(one.counts[kind]) for kind in KINDS]
        yield table_row([escaped(one.suite), escaped(name), *numbers])


def _flip_lines(comparison: ModelComparison, kind: str) -> list[str]:
    found = [one for one in comparison.flips if one.kind == kind]
    if not found:
        return []
    lines = [f"## {kind.capitalize()}: {len(found)}", ""]
    for one in found[:LISTED]:
        draw = f" #{one.index}" if one.index else ""
        reason = one.before if kind == "fixed" else one.after or one.before
        lines.append(f"- {escaped(one.sample_id + draw)}: {escaped(reason[:300])}")
    if len(found) > LISTED:
        lines.append(f"- and {len(found) - LISTED} more, in comparison.json")
    return [*lines, ""]
