"""The Pysa analyzer: taint flows in Python, by pyre-check with stubs and models of this package."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from purpcode.analyzers.analyzer import AnalysisResult, FindingPrinter, Snippet
from purpcode.analyzers.batch import ToolFault, readable_output, run_tool, snippet_files
from purpcode.analyzers.command_line import CommandLineAnalyzer, executable
from purpcode.analyzers.semgrep_rules import file_digest
from purpcode.analyzers.severity import rule_meaning, table_digest
from purpcode.analyzers.suppressions import strip_suppressions
from purpcode.types import Finding

_CANARY = """

def purpcode_canary_function() -> None:
    import purpcode_canary

    purpcode_canary.sink(purpcode_canary.source())
"""
"""Ends every file. Pysa returns nothing, silently, for a file that it could not take in; a file in
which it does not find this flow was not analysed."""
_CANARY_RULE = "canary"
_OPTIONS = (
    *("--noninteractive", "analyze", "--no-verify"),
    *("--output-format", "json", "--save-results-to", "out"),
)

Issue = dict[str, Any]


class Pysa(CommandLineAnalyzer):
    """Runs Pysa. Slow to start (seconds a run): for evaluation rather than for rewards."""

    name = "pysa"
    languages = frozenset({"python"})
    install_hint = (
        "install pyre-check on its own (pipx install pyre-check, or uv tool install pyre-check), "
        "then put pyre on PATH or name it in PURPCODE_PYRE"
    )
    version_pattern = re.compile(r"Client version: (\S+)")

    def _default_command(self) -> tuple[str, ...]:
        return (executable("pyre", "PURPCODE_PYRE"),)

    def fingerprint(self) -> str:
        """Version, models, stubs and severity table."""
        return f"pysa {self.version}, models {_models_digest()}, table {table_digest()}"

    def _run_once(self, snippets: Sequence[Snippet], timeout_s: float) -> list[AnalysisResult]:
        shown = [Snippet(one.id, strip_suppressions(one.code) + _CANARY) for one in snippets]
        with snippet_files(shown) as (project, names):
            _configure(project)
            run_tool(
                (*self._command, *_OPTIONS),
                timeout_s,
                variables={"PATH": self._path()},
                folder=project,
            )
            issues: dict[str, list[Issue]] = defaultdict(list)
            with readable_output():
                try:
                    report = json.loads((project / "out" / "errors.json").read_text("utf-8"))
                except OSError:
                    raise ToolFault("no results were written") from None
                for issue in report:
                    issues[Path(issue["path"]).name].append(issue)
        with readable_output():
            return [
                _result(snippet, issues[name])
                for snippet, name in zip(snippets, names, strict=True)
            ]

    def _path(self) -> str:
        """PATH with pyre's own folder first: pyre looks there for the programs it starts."""
        found = shutil.which(self._command[0])
        own = [str(Path(found).parent)] if found else []
        return os.pathsep.join((*own, os.environ.get("PATH", os.defpath)))


def _configure(project: Path) -> None:
    models = _models()
    configuration = {
        "source_directories": ["."],
        "search_path": [str(models / "stubs")],
        "taint_models_path": [str(models / "taint")],
        "strict": False,
        "workers": 1,
    }
    (project / ".pyre_configuration").write_text(json.dumps(configuration), "utf-8")
    settings = [
        'project-includes = ["*.py"]',
        f"search-path = [{json.dumps(str(models / 'stubs'))}]",
        # Otherwise functions without annotations are not looked into.
        'untyped-def-behavior = "check-and-infer-return-type"',
    ]
    (project / "pyrefly.toml").write_text("\n".join(settings), "utf-8")


def _result(snippet: Snippet, issues: list[Issue]) -> AnalysisResult:
    analysed = any(issue["name"] == _CANARY_RULE for issue in issues)
    flows = [issue for issue in issues if issue["name"] != _CANARY_RULE]
    flows.sort(key=lambda issue: (issue["line"], issue["name"]))
    printer = FindingPrinter(snippet.code)
    findings = tuple(_finding(issue, printer) for issue in flows)
    return AnalysisResult(snippet.id, findings, None if analysed else "Pysa did not take it in")


def _finding(issue: Issue, printer: FindingPrinter) -> Finding:
    rule_id = str(issue["name"])
    meaning = rule_meaning("pysa", rule_id)
    message = str(issue["description"]).partition(": ")[2] or rule_id
    line = max(1, issue["line"])
    return Finding(
        analyzer="pysa",
        rule_id=rule_id,
        cwes=meaning.cwes,
        severity=meaning.severity_of(message, None),
        confidence="medium",
        line=line,
        end_line=max(line, issue["stop_line"]),
        message=message,
        fingerprint=printer.fingerprint(meaning.weakness, line),
    )


def _models() -> Path:
    return Path(str(resources.files("purpcode.analyzers"))) / "pysa_models"


@cache
def _models_digest() -> str:
    return file_digest(sorted(path for path in _models().rglob("*") if path.is_file()))
