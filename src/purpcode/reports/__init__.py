"""What a run showed, for people and for programs.

In: a run folder (scored samples, stage summaries, training metrics, the recipe lock).
Out: the before/after table, a self-contained page, Markdown, and JSON with every figure.
"""

from purpcode.reports.report import ReportPaths, write_report
from purpcode.reports.run_folder import Run, read_run
from purpcode.reports.tables import BeforeAfterTable, ModelResults, build_table
from purpcode.reports.terminal import print_summary

__all__ = [
    "BeforeAfterTable",
    "ModelResults",
    "ReportPaths",
    "Run",
    "build_table",
    "print_summary",
    "read_run",
    "write_report",
]
