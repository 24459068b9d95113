"""What evaluations showed, for people and for programs.

In: evaluation folders or a recipe's run folder (scored samples, headers, stages, metrics).
Out: reports, comparisons of two models, the release gate, model cards and SARIF logs.
"""

from purpcode.reports.comparison import ModelComparison, compare_models
from purpcode.reports.comparison_files import write_comparison
from purpcode.reports.evaluations import find_evaluations, read_folders, read_sides
from purpcode.reports.gate import GateResult, decide
from purpcode.reports.gate_settings import GateSettings, read_margins
from purpcode.reports.model_card import model_card
from purpcode.reports.pairing import ModelResults
from purpcode.reports.report import ReportPaths, write_report, write_run_report
from purpcode.reports.run_folder import Run, read_run
from purpcode.reports.tables import BeforeAfterTable, build_table, build_tables
from purpcode.reports.terminal import print_summary, print_tables

__all__ = [
    "BeforeAfterTable",
    "GateResult",
    "GateSettings",
    "ModelComparison",
    "ModelResults",
    "ReportPaths",
    "Run",
    "build_table",
    "build_tables",
    "compare_models",
    "decide",
    "find_evaluations",
    "model_card",
    "print_summary",
    "print_tables",
    "read_folders",
    "read_margins",
    "read_run",
    "read_sides",
    "write_comparison",
    "write_report",
    "write_run_report",
]
