"""The bandit analyzer: Python code, one bandit process per chunk of snippets."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from purpcode.analyzers.analyzer import AnalysisResult, FindingPrinter, Snippet
from purpcode.analyzers.batch import readable_output, run_tool, snippet_files
from purpcode.analyzers.command_line import CommandLineAnalyzer, python_module
from purpcode.analyzers.severity import rule_meaning, table_digest
from purpcode.types import Confidence, Finding, Severity

_OPTIONS = ("-q", "-f", "json", "--exit-zero", "--ignore-nosec", "-r")
_FAULT_LINE = re.compile(r"ERROR.*?\b(s\d{5,}\.py)\b")
_PYTHON = re.compile(r"python version = (\S+)")
_SEVERITIES: dict[str, Severity] = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high"}
_CONFIDENCES: dict[str, Confidence] = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high"}


class Bandit(CommandLineAnalyzer):
    """Runs bandit over code in the newest grammar, whatever interpreter runs (`bandit_runner`).
    `command` starts another bandit, which parses with the interpreter that it runs on."""

    name = "bandit"
    languages = frozenset({"python"})
    install_hint = "pip install bandit"
    version_pattern = re.compile(r"\A\S+ (\d\S*)")  # "__main__.py" or "bandit" comes first

    def _default_command(self) -> tuple[str, ...]:
        return python_module("purpcode.analyzers.bandit_runner")

    def _read_version(self, printed: str) -> str | None:
        bandit, python = self.version_pattern.search(printed), _PYTHON.search(printed)
        return f"{bandit[1]} on python {python[1]}" if bandit and python else None

    def fingerprint(self) -> str:
        """Version, interpreter, the reader of newer grammars, and severity table."""
        reader = f"libcst {version('libcst')}"
        return f"bandit {self.version}, newer grammar by {reader}, table {table_digest()}"

    def _run_once(self, snippets: Sequence[Snippet], timeout_s: float) -> list[AnalysisResult]:
        with snippet_files(snippets) as (folder, names):
            done = run_tool((*self._command, *_OPTIONS, str(folder)), timeout_s)
        with readable_output():
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


def _result(
    snippet: Snippet, issues: list[dict[str, Any]], fault: str | None, scanned: bool
) -> AnalysisResult:
    printer = FindingPrinter(snippet.code)
    issues = sorted(issues, key=lambda issue: (min(issue["line_range"]), issue["test_id"]))
    findings = tuple(_finding(issue, printer) for issue in issues)
    error = fault if scanned or fault else "the file was not scanned"
    return AnalysisResult(snippet.id, findings, error)


def _finding(issue: dict[str, Any], printer: FindingPrinter) -> Finding:
    """A finding that bandit itself has little confidence in is low: on labelled code such findings
    were as frequent in the fixed programs as in the vulnerable ones."""
    meaning = rule_meaning("bandit", issue["test_id"])
    message = issue["issue_text"]
    severity = meaning.severity_of(message, _SEVERITIES.get(issue["issue_severity"]))
    confidence = _CONFIDENCES.get(issue["issue_confidence"], "low")
    line = max(1, min(issue["line_range"]))
    return Finding(
        analyzer="bandit",
        rule_id=issue["test_id"],
        cwes=meaning.cwes or _native_cwes(issue),
        severity="low" if confidence == "low" else severity,
        confidence=confidence,
        line=line,
        end_line=max(line, *issue["line_range"]),
        message=message,
        fingerprint=printer.fingerprint(meaning.weakness, line),
    )


def _native_cwes(issue: dict[str, Any]) -> tuple[int, ...]:
    cwe = issue.get("issue_cwe") or {}
    return (cwe["id"],) if "id" in cwe else ()
