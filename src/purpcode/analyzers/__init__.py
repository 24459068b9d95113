"""Finds weaknesses in code with static analyzers.

In go snippets of code, as a batch; out come findings with CWEs and severities, or an error, for
every snippet: what an analyzer could not measure is never called clean."""

from purpcode.analyzers.analyzer import AnalysisResult, Analyzer, Snippet
from purpcode.analyzers.ensemble import AnalyzerCost, Ensemble, EnsembleResult, merge_findings
from purpcode.analyzers.parsing import (
    MAX_CODE_BYTES,
    has_working_code,
    parse_errors,
    readable_source,
    refuses_readable_code,
)
from purpcode.analyzers.registry import ANALYZERS, analyzer_report, open_analyzers
from purpcode.analyzers.suppressions import strip_suppressions

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
    "merge_findings",
    "open_analyzers",
    "parse_errors",
    "readable_source",
    "refuses_readable_code",
    "strip_suppressions",
]
