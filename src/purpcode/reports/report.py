"""Turn a run folder into report.html, report.md and report.json."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purpcode.records import write_json_atomic, write_text_atomic
from purpcode.reports import wording
from purpcode.reports.charts import training_charts
from purpcode.reports.coverage import coverage_tables
from purpcode.reports.explorer import build_explorer
from purpcode.reports.figures import section_figures
from purpcode.reports.markdown import markdown_report
from purpcode.reports.run_folder import Run, read_run
from purpcode.reports.sections import Section, build_sections
from purpcode.reports.tables import BeforeAfterTable
from purpcode.reports.visible import visible

if TYPE_CHECKING:
    from jinja2 import Environment

SCHEMA_VERSION = 1
"""Version of report.json's layout; it rises when a field changes its meaning or goes."""


@dataclass(frozen=True)
class ReportPaths:
    """The files written, and what they show, one section a suite."""

    html: Path
    markdown: Path
    data: Path
    sections: tuple[Section, ...]

    @property
    def tables(self) -> tuple[BeforeAfterTable, ...]:
        """The suites' tables."""
        return tuple(section.table for section in self.sections)

    @property
    def table(self) -> BeforeAfterTable:
        """The first suite's table; a recipe's run has one suite."""
        return self.tables[0]


def write_report(run_dir: Path, out_dir: Path) -> ReportPaths:
    """Write the three forms of a recipe run's report into `out_dir`.

    Raises:
        InputError: when the run folder has no finished evaluation, a file in it is malformed, or
            its models were judged by different oracles.
        PurpcodeError: when the files cannot be written.
    """
    return write_run_report(read_run(run_dir), out_dir)


def write_run_report(run: Run, out_dir: Path) -> ReportPaths:
    """Write the three forms of a report on what was read; raises like `write_report`."""
    sections = build_sections(run.models)
    paths = ReportPaths(
        out_dir / "report.html",
        out_dir / "report.md",
        out_dir / "report.json",
        tuple(sections),
    )
    write_text_atomic(paths.html, html_report(run, sections))
    write_text_atomic(paths.markdown, markdown_report(run, sections))
    write_json_atomic(paths.data, figures(run, sections))
    return paths


def html_report(run: Run, sections: Sequence[Section]) -> str:
    """The self-contained page."""
    return render_page(
        "report.html.jinja",
        run=run,
        sections=sections,
        charts=training_charts(run.metrics),
        explorer=build_explorer(sections),
        coverage=coverage_tables(run.coverage),
        lock_text=json.dumps(run.lock, indent=2, ensure_ascii=False),
    )


def render_page(template: str, **content: Any) -> str:
    """A page from a template of this room.

    Templates escape everything and spell out hidden characters. As a second line of defence the
    page's content security policy forbids every request, and every script but our own, by its
    hash.
    """
    environment = _environment()
    script = environment.get_template("report.js").render()
    style = environment.get_template("report.css").render()
    hashes = {"script_hash": _csp_hash(script), "style_hash": _csp_hash(style)}
    return environment.get_template(template).render(words=wording, **hashes, **content)


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("purpcode.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )


def _shown(value: Any) -> Any:
    """Plain text with hidden characters spelled out; markup that is already safe as it is."""
    return value if not isinstance(value, str) or hasattr(value, "__html__") else visible(value)


def _csp_hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def figures(run: Run, sections: Sequence[Section]) -> dict[str, Any]:
    """Every figure of the report, machine readable (`report.json`).

    Rates, intervals, bounds and differences are shares in [0, 1] ([-1, 1]); null is unmeasured.
    """
    tables = [section.table for section in sections]
    warnings = [warning for table in tables for warning in table.warnings]
    return {
        "schema_version": SCHEMA_VERSION,
        "name": run.name,
        "headline": wording.headline(*tables),
        "basis": [line for one in sections for line in wording.basis(one.models, one.table)],
        "warnings": [*warnings, *run.warnings],
        "models": [model.header.model_dump(mode="json") for model in run.models],
        **section_figures(sections),
        "stages": [stage.model_dump(mode="json") for stage in run.stages],
        "metrics": {
            stage: [row.model_dump(mode="json") for row in rows]
            for stage, rows in run.metrics.items()
        },
        "coverage": run.coverage,
        "recipe_lock": run.lock,
    }
