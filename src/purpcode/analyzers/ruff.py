"""The ruff analyzer (its `S` rules), and ruff's parser, which reads the newest Python grammar."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from purpcode.analyzers.analyzer import AnalysisResult, FindingPrinter, Snippet
from purpcode.analyzers.batch import readable_output, run_batched, run_tool, snippet_files
from purpcode.analyzers.command_line import CommandLineAnalyzer, python_module
from purpcode.analyzers.severity import rule_meaning, table_digest
from purpcode.types import Finding

NEWEST_GRAMMAR = "py314"
_CANARY = "W292"
"""Files are written without a final newline, so this rule fires on every file that ruff read;
a file without it was not scanned. ruff has no list of the files it looked at."""
SYNTAX_ERROR = "does not parse: "
"""How the error of a snippet begins that ruff read and found to be invalid Python."""

Diagnostic = dict[str, Any]


class Ruff(CommandLineAnalyzer):
    """Runs ruff's security rules. `command` starts another ruff."""

    name = "ruff"
    languages = frozenset({"python"})
    install_hint = "pip install ruff"
    version_pattern = re.compile(r"ruff\s+(\S+)")

    def _default_command(self) -> tuple[str, ...]:
        return python_module("ruff")

    def fingerprint(self) -> str:
        """Version, grammar and severity table."""
        return f"ruff {self.version}, grammar {NEWEST_GRAMMAR}, table {table_digest()}"

    def check_syntax(self, snippets: Sequence[Snippet]) -> list[AnalysisResult]:
        """Results without findings, whose error says why a snippet is not valid Python (it then
        begins with `SYNTAX_ERROR`) or why ruff could not tell."""
        return run_batched(
            self._check_once, snippets, workers=self._workers, timeout_s=self._timeout_s
        )

    def _run_once(self, snippets: Sequence[Snippet], timeout_s: float) -> list[AnalysisResult]:
        return self._select(snippets, timeout_s, "S")

    def _check_once(self, snippets: Sequence[Snippet], timeout_s: float) -> list[AnalysisResult]:
        return self._select(snippets, timeout_s)

    def _select(
        self, snippets: Sequence[Snippet], timeout_s: float, *rules: str
    ) -> list[AnalysisResult]:
        shown = [Snippet(s.id, s.code.rstrip(" \t\r\n\f") or "pass") for s in snippets]
        options = (
            *("check", "--isolated", "--no-cache", "--no-respect-gitignore", "--exit-zero"),
            *("--select", ",".join((*rules, _CANARY)), "--preview", "--ignore-noqa"),
            *("--target-version", NEWEST_GRAMMAR, "--output-format", "json"),
        )
        with snippet_files(shown) as (folder, names):
            done = run_tool((*self._command, *options, str(folder)), timeout_s)
        with readable_output():
            seen: dict[str, list[Diagnostic]] = defaultdict(list)
            for diagnostic in json.loads(done.stdout):
                seen[Path(diagnostic["filename"]).name].append(diagnostic)
            return [
                _result(snippet, seen[name]) for snippet, name in zip(shown, names, strict=True)
            ]


def _result(snippet: Snippet, diagnostics: list[Diagnostic]) -> AnalysisResult:
    printer = FindingPrinter(snippet.code)
    security = [one for one in diagnostics if str(one["code"] or "").startswith("S")]
    security.sort(key=lambda one: (one["location"]["row"], one["code"]))
    findings = tuple(_finding(one, printer) for one in security)
    return AnalysisResult(snippet.id, findings, _error(diagnostics))


def _error(diagnostics: list[Diagnostic]) -> str | None:
    for diagnostic in diagnostics:
        if diagnostic["code"] in (None, "invalid-syntax"):
            row = diagnostic["location"]["row"]
            return f"{SYNTAX_ERROR}{diagnostic['message']} (line {row})"
    scanned = any(diagnostic["code"] == _CANARY for diagnostic in diagnostics)
    return None if scanned else "the file was not scanned"


def _finding(diagnostic: Diagnostic, printer: FindingPrinter) -> Finding:
    meaning = rule_meaning("ruff", diagnostic["code"])
    line = max(1, diagnostic["location"]["row"])
    return Finding(
        analyzer="ruff",
        rule_id=diagnostic["code"],
        cwes=meaning.cwes,
        severity=meaning.severity_of(diagnostic["message"], None),
        confidence="medium",
        line=line,
        end_line=max(line, diagnostic["end_location"]["row"]),
        message=diagnostic["message"],
        fingerprint=printer.fingerprint(meaning.weakness, line),
    )
