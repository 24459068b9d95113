"""The CodeQL analyzer, where the user has its CLI: one database and one SARIF log per batch."""

from __future__ import annotations

import re
from collections.abc import Sequence

from purpcode.analyzers.analyzer import AnalysisResult, Snippet
from purpcode.analyzers.batch import ToolFault, run_tool, snippet_files
from purpcode.analyzers.command_line import CommandLineAnalyzer, executable
from purpcode.analyzers.sarif_reading import read_sarif
from purpcode.analyzers.severity import table_digest
from purpcode.analyzers.suppressions import strip_suppressions
from purpcode.errors import InputError

QUERIES = "codeql/python-queries:codeql-suites/python-security-extended.qls"
"""The security suite of the query pack that comes with CodeQL's bundle."""


class CodeQL(CommandLineAnalyzer):
    """Runs CodeQL's security queries for Python. Slow (a database is built for each run): for
    evaluation rather than for rewards."""

    name = "codeql"
    languages = frozenset({"python"})
    install_hint = (
        "download CodeQL's bundle (the CLI with its query packs), then put codeql on PATH or name "
        "it in PURPCODE_CODEQL"
    )
    version_options = ("version", "--format=terse")
    version_pattern = re.compile(r"^(\d+\.\d+\S*)\s*$", re.MULTILINE)

    def _default_command(self) -> tuple[str, ...]:
        return (executable("codeql", "PURPCODE_CODEQL"),)

    def fingerprint(self) -> str:
        """Version, query suite and severity table."""
        return f"codeql {self.version}, queries {QUERIES}, table {table_digest()}"

    def _run_once(self, snippets: Sequence[Snippet], timeout_s: float) -> list[AnalysisResult]:
        shown = [Snippet(one.id, strip_suppressions(one.code)) for one in snippets]
        with snippet_files(shown) as (folder, names), snippet_files(()) as (scratch, _):
            database, log = scratch / "database", scratch / "results.sarif"
            create = ("database", "create", str(database), "--language=python", "--threads=1")
            run_tool((*self._command, *create, f"--source-root={folder}"), timeout_s)
            analyze = ("database", "analyze", str(database), QUERIES, "--threads=1")
            options = ("--format=sarif-latest", f"--output={log}")
            run_tool((*self._command, *analyze, *options), timeout_s)
            try:
                text = log.read_text("utf-8")
            except (OSError, ValueError):
                raise ToolFault("no results were written") from None
        return read_results(text, snippets, names)


def read_results(
    text: str, snippets: Sequence[Snippet], names: Sequence[str]
) -> list[AnalysisResult]:
    """One result per snippet out of CodeQL's SARIF log. A file must be among the log's successfully
    extracted files, which CodeQL lists as notifications; raises ToolFault for an unreadable log."""
    codes = {name: snippet.code for name, snippet in zip(names, snippets, strict=True)}
    try:
        reading = read_sarif(text, "codeql", codes)
    except InputError as error:
        raise ToolFault(error.message) from None
    if reading.failure:
        raise ToolFault(reading.failure)
    return [
        AnalysisResult(
            snippet.id,
            reading.findings.get(name, ()),
            reading.faults.get(name)
            or (None if name in reading.extracted else "the file was not extracted"),
        )
        for snippet, name in zip(snippets, names, strict=True)
    ]
