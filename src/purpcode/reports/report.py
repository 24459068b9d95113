"""Turn a run folder into report.html, report.md and report.json."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purpcode.records import write_json_atomic, write_text_atomic
from purpcode.reports import wording
from purpcode.reports.charts import training_charts
from purpcode.reports.coverage import coverage_tables
from purpcode.reports.explorer import build_explorer
from purpcode.reports.markdown import markdown_report
from purpcode.reports.reasons import ReasonRow, reason_rows
from purpcode.reports.run_folder import Run, read_run
from purpcode.reports.tables import BeforeAfterTable, Row, build_table

if TYPE_CHECKING:
    from jinja2 import Environment

SCHEMA_VERSION = 1
"""Version of report.json's layout; it rises when a field changes its meaning or goes."""


@dataclass(frozen=True)
class ReportPaths:
    """The files written, and the table they show."""

    html: Path
    markdown: Path
    data: Path
    table: BeforeAfterTable


def write_report(run_dir: Path, out_dir: Path) -> ReportPaths:
    """Write the three forms of a run's report into `out_dir`.

    Raises:
        InputError: when the run folder has no finished evaluation, a file in it is malformed, or
            its models were judged by different oracles.
        PurpcodeError: when the files cannot be written.
    """
    run = read_run(run_dir)
    table = build_table(run.models)
    paths = ReportPaths(
        out_dir / "report.html", out_dir / "report.md", out_dir / "report.json", table
    )
    write_text_atomic(paths.html, html_report(run, table))
    write_text_atomic(paths.markdown, markdown_report(run, table))
    write_json_atomic(paths.data, figures(run, table))
    return paths


def html_report(run: Run, table: BeforeAfterTable) -> str:
    """The self-contained page.

    Templates escape everything. As a second line of defence the page's content security policy
    forbids every request, and every script but our own, by its hash.
    """
    environment = _environment()
    script = environment.get_template("report.js").render()
    style = environment.get_template("report.css").render()
    return environment.get_template("report.html.jinja").render(
        run=run,
        table=table,
        words=wording,
        charts=training_charts(run.metrics),
        explorer=build_explorer(run.models, table),
        reasons=reason_rows(run.models, table),
        coverage=coverage_tables(run.coverage),
        lock_text=json.dumps(run.lock, indent=2, ensure_ascii=False),
        script_hash=_csp_hash(script),
        style_hash=_csp_hash(style),
    )


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("purpcode.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _csp_hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def figures(run: Run, table: BeforeAfterTable) -> dict[str, Any]:
    """Every figure of the report, machine readable (`report.json`).

    Rates, intervals, bounds and differences are shares in [0, 1] ([-1, 1]); null is unmeasured.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "name": run.name,
        "headline": wording.headline(table),
        "basis": wording.basis(run.models, table),
        "warnings": [*table.warnings, *run.warnings],
        "models": [model.header.model_dump(mode="json") for model in run.models],
        "rows": [_row_figures(row, table.labels) for row in table.rows],
        "reasons": [_reason_figures(row, table.labels) for row in reason_rows(run.models, table)],
        "stages": [stage.model_dump(mode="json") for stage in run.stages],
        "metrics": {
            stage: [row.model_dump(mode="json") for row in rows]
            for stage, rows in run.metrics.items()
        },
        "coverage": run.coverage,
        "recipe_lock": run.lock,
    }


def _reason_figures(row: ReasonRow, labels: Sequence[str]) -> dict[str, Any]:
    return {**asdict(row), "counts": dict(zip(labels, row.counts, strict=True))}


def _row_figures(row: Row, labels: Sequence[str]) -> dict[str, Any]:
    cells = {
        label: {
            **asdict(cell.rate),
            "missing": cell.missing,
            "rate": cell.rate.rate,
            "interval": cell.rate.interval,
            "bounds": cell.rate.bounds,
        }
        for label, cell in zip(labels, row.cells, strict=True)
    }
    comparisons = {
        label: {
            "against": labels[0],
            **asdict(comparison.test),
            "adjusted_p_value": comparison.adjusted_p,
            "direction": wording.direction(comparison),
        }
        for label, comparison in zip(labels, row.comparisons, strict=True)
        if comparison is not None
    }
    return {
        "objective": row.objective,
        "part": row.part,
        "title": row.title,
        "subtitle": row.subtitle,
        "oracles": row.oracles,
        "models": cells,
        "comparisons": comparisons,
    }
