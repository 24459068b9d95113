"""The bandit analyzer: Python code, one bandit process per chunk of snippets."""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from purpcode.analyzers.analyzer import AnalysisResult, FindingPrinter, Snippet
from purpcode.analyzers.batch import ToolFault, core_count, run_batched, run_tool, snippet_files
from purpcode.analyzers.severity import rule_meaning, table_digest
from purpcode.errors import UnavailableError
from purpcode.types import Confidence, Finding, Severity

_OPTIONS = ("-q", "-f", "json", "--exit-zero", "--ignore-nosec", "-r")
_FAULT_LINE = re.compile(r"ERROR.*?\b(s\d{5,}\.py)\b")
_SEVERITIES: dict[str, Severity] = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high"}
_CONFIDENCES: dict[str, Confidence] = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high"}


class Bandit:
    """Runs bandit. `command` starts another bandit, for instance one under a newer Python: bandit
    parses with the interpreter it runs on and cannot measure code in a newer grammar."""

    name = "bandit"
    languages = frozenset({"python"})

    def __init__(
        self, *, timeout_s: float = 120.0, workers: int = 0, command: Sequence[str] | None = None
    ) -> None:
        self._timeout_s = timeout_s
        self._workers = workers or core_count()
        # -P keeps the working directory, which anyone may have written to, off the import path.
        self._command = tuple(command or (sys.executable, "-P", "-m", "bandit"))

    @cached_property
    def version(self) -> str:
        """bandit's version and its interpreter's; raises UnavailableError where bandit is not."""
        try:
            said = run_tool((*self._command, "--version"), min(self._timeout_s, 60.0)).stdout
        except ToolFault as fault:
            raise UnavailableError(
                f"the analyzer bandit does not run: {fault}", hint="pip install bandit"
            ) from None
        bandit = re.match(r"\S+ (\d\S*)", said)  # "__main__.py" or "bandit" comes first
        python = re.search(r"python version = (\S+)", said)
        if bandit is None or python is None:
            raise UnavailableError(
                "the analyzer bandit does not tell its version", hint="pip install bandit"
            )
        return f"{bandit[1]} on python {python[1]}"

    def fingerprint(self) -> str:
        """Version, interpreter and severity table."""
        return f"bandit {self.version}, table {table_digest()}"

    def analyze(self, snippets: Sequence[Snippet]) -> list[AnalysisResult]:
        """One result per snippet; what bandit skipped or could not parse is an error."""
        return run_batched(
            self._run_once, snippets, workers=self._workers, timeout_s=self._timeout_s
        )

    def _run_once(self, snippets: Sequence[Snippet], timeout_s: float) -> list[AnalysisResult]:
        with snippet_files(snippets, ".py") as (folder, names):
            done = run_tool(
                (*self._command, *_OPTIONS, str(folder)),
                timeout_s,
            )
        try:
            report = json.loads(done.stdout)
            issues: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for issue in report["results"]:
                issues[Path(issue["filename"]).name].append(issue)
            faults = {Path(row["filename"]).name: str(row["reason"]) for row in report["errors"]}
            scanned = {Path(name).name for name in report["metrics"]}
            # A rule that crashes is only logged; bandit goes on and would call the file clean.
            for name in _FAULT_LINE.findall(done.stderr):
                faults.setdefault(name, "a rule of bandit crashed")
            return [
                _result(snippet, issues[name], faults.get(name), name in scanned)
                for snippet, name in zip(snippets, names, strict=True)
            ]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ToolFault(f"unreadable output ({type(error).__name__})") from None


def _result(
    snippet: Snippet, issues: list[dict[str, Any]], fault: str | None, scanned: bool
) -> AnalysisResult:
    printer = FindingPrinter(snippet.code)
    issues = sorted(issues, key=lambda issue: (min(issue["line_range"]), issue["test_id"]))
    findings = tuple(_finding(issue, printer) for issue in issues)
    error = fault if scanned or fault else "the file was not scanned"
    return AnalysisResult(snippet.id, findings, error)


def _finding(issue: dict[str, Any], printer: FindingPrinter) -> Finding:
    meaning = rule_meaning("bandit", issue["test_id"])
    message = issue["issue_text"]
    line = max(1, min(issue["line_range"]))
    return Finding(
        analyzer="bandit",
        rule_id=issue["test_id"],
        cwes=meaning.cwes or _native_cwes(issue),
        severity=meaning.severity_of(message, _SEVERITIES.get(issue["issue_severity"])),
        confidence=_CONFIDENCES.get(issue["issue_confidence"], "low"),
        line=line,
        end_line=max(line, *issue["line_range"]),
        message=message,
        fingerprint=printer.fingerprint(meaning.weakness, line),
    )


def _native_cwes(issue: dict[str, Any]) -> tuple[int, ...]:
    cwe = issue.get("issue_cwe") or {}
    return (cwe["id"],) if "id" in cwe else ()
