"""Finds weaknesses in code with static analyzers.

In go snippets of code, as a batch; out come findings with CWEs and severities, or an error, for
every snippet: what an analyzer could not measure is never called clean."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from purpcode.analyzers.analyzer import AnalysisResult, Analyzer, Snippet
    from purpcode.analyzers.ensemble import AnalyzerCost, Ensemble, EnsembleResult, merge_findings
    from purpcode.analyzers.parsing import (
        MAX_CODE_BYTES,
        parse_errors,
        readable_source,
        refuses_readable_code,
    )
    from purpcode.analyzers.registry import ANALYZERS, analyzer_report, open_analyzers
    from purpcode.analyzers.suppressions import strip_suppressions
    from purpcode.analyzers.working_code import has_working_code, live_python

_HOMES = {
    **dict.fromkeys(("AnalysisResult", "Analyzer", "Snippet"), "analyzer"),
    **dict.fromkeys(("AnalyzerCost", "Ensemble", "EnsembleResult", "merge_findings"), "ensemble"),
    **dict.fromkeys(("MAX_CODE_BYTES", "parse_errors"), "parsing"),
    **dict.fromkeys(("readable_source", "refuses_readable_code"), "parsing"),
    **dict.fromkeys(("ANALYZERS", "analyzer_report", "open_analyzers"), "registry"),
    **dict.fromkeys(("has_working_code", "live_python"), "working_code"),
    "strip_suppressions": "suppressions",
}
"""Public name → the module it is imported from when it is first asked for. The processes that
analyse code import this package, too, and need nothing of it: loading all of it would be most of
their start."""

__all__ = [
    "ANALYZERS",
    "MAX_CODE_BYTES",
    "AnalysisResult",
    "Analyzer",
    "AnalyzerCost",
    "Ensemble",
    "EnsembleResult",
    "Snippet",
    "analyzer_report",
    "has_working_code",
    "live_python",
    "merge_findings",
    "open_analyzers",
    "parse_errors",
    "readable_source",
    "refuses_readable_code",
    "strip_suppressions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
