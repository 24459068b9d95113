"""Our own analysis as an analyzer among others: one process per chunk of snippets."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from purpcode.analyzers.analyzer import AnalysisResult, FindingPrinter, Snippet
from purpcode.analyzers.batch import ToolFault, core_count, run_batched, run_tool, snippet_files
from purpcode.types import Finding


class FlowAnalyzer:
    """Runs our own rules (`flow/rules/`) over Python code of any grammar."""

    name = "purpcode"
    languages = frozenset({"python"})

    def __init__(self, *, timeout_s: float = 120.0, workers: int = 0) -> None:
        self._timeout_s = timeout_s
        self._workers = workers or core_count()

    def fingerprint(self) -> str:
        """A digest of the analysis and its rules, and the interpreter's version."""
        return f"purpcode {sources_digest()} on python {platform.python_version()}"

    @cached_property
    def _command(self) -> tuple[str, ...]:
        # -P keeps the working directory, which anyone may have written to, off the import path.
        return (sys.executable, "-P", "-m", "purpcode.analyzers.flow.worker")

    def analyze(self, snippets: Sequence[Snippet]) -> list[AnalysisResult]:
        """One result per snippet; what does not parse or is too complex is an error."""
        return run_batched(
            self._run_once, snippets, workers=self._workers, timeout_s=self._timeout_s
        )

    def _run_once(self, snippets: Sequence[Snippet], timeout_s: float) -> list[AnalysisResult]:
        with snippet_files(snippets, ".py") as (folder, names):
            done = run_tool((*self._command, str(folder)), timeout_s)
        try:
            reports = {row["file"]: row for row in map(json.loads, done.stdout.splitlines())}
            return [
                _result(snippet, reports[name])
                for snippet, name in zip(snippets, names, strict=True)
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise ToolFault(f"unreadable output ({type(error).__name__})") from None


@cache
def sources_digest() -> str:
    """A short hash of the source of the analysis and all its rules."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _result(snippet: Snippet, report: dict[str, Any]) -> AnalysisResult:
    if "error" in report:
        return AnalysisResult(snippet.id, error=str(report["error"]))
    printer = FindingPrinter(snippet.code)
    findings = tuple(
        Finding(
            analyzer="purpcode",
            rule_id=row["rule_id"],
            cwes=tuple(row["cwes"]),
            severity=row["severity"],
            confidence=row["confidence"],
            line=row["line"],
            end_line=max(row["line"], row["end_line"]),
            message=row["message"],
            fingerprint=printer.fingerprint(f"purpcode:{row['rule_id']}", row["line"]),
        )
        for row in report["findings"]
    )
    return AnalysisResult(snippet.id, findings)
