"""The semgrep analyzer: a folder of semgrep rules that the user has, over many languages."""

from __future__ import annotations

import json
import re
import shutil
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from purpcode.analyzers.analyzer import AnalysisResult, FindingPrinter, Snippet
from purpcode.analyzers.batch import ToolFault, readable_output, run_tool, snippet_files
from purpcode.analyzers.command_line import CommandLineAnalyzer, executable
from purpcode.analyzers.ruff import Ruff
from purpcode.analyzers.semgrep_rules import file_digest, read_rules, rule_languages, rule_paths
from purpcode.analyzers.severity import cwe_numbers, rule_meaning, table_digest
from purpcode.analyzers.source_forms import source_form
from purpcode.errors import InputError
from purpcode.types import Confidence, Finding, Severity

_OPTIONS = (
    *("scan", "--experimental", "--metrics", "off", "--quiet", "--json", "--no-git-ignore"),
    *("--disable-nosem", "-j", "1", "--max-target-bytes", "0", "--optimizations", "none"),
)
_SEVERITIES: dict[str, Severity] = {
    **{"INFO": "low", "WARNING": "medium", "ERROR": "high"},
    **{"LOW": "low", "MEDIUM": "medium", "HIGH": "high", "CRITICAL": "critical"},
}
_CONFIDENCES: dict[str, Confidence] = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high"}


Match = dict[str, Any]


@dataclass(frozen=True)
class Scan:
    """One run of semgrep: the names of the files, its report and its exit status."""

    names: list[str]
    report: dict[str, Any]
    status: int

    def faults(self) -> dict[str, str]:
        """File name → why semgrep did not measure it. Raises ToolFault for an error that is of no
        single file (a rule that cannot be read): what the run says of any file is then partial."""
        faults: dict[str, str] = {}
        for error in self.report["errors"]:
            message = " ".join(str(error.get("message") or error.get("type")).split())
            name = Path(str(error.get("path") or "")).name
            if name not in self.names:
                raise ToolFault(message[:200])
            faults.setdefault(name, re.sub(r"\S*/" + re.escape(name), "the file", message)[:200])
        if self.status != 0 and not faults:
            raise ToolFault(f"exit status {self.status}")
        return faults

    def unreadable_rules(self) -> frozenset[str]:
        """The ids of the rules that this semgrep cannot read."""
        errors = self.report["errors"]
        return frozenset(str(e["rule_id"]) for e in errors if "rule_id" in e and not e.get("path"))


class SemgrepBase(CommandLineAnalyzer):
    """Runs semgrep. A subclass says which rules, and which languages they read."""

    install_hint = (
        "install semgrep on its own (pipx install semgrep, or uv tool install semgrep): its "
        "dependencies conflict with others; then put it on PATH or name it in PURPCODE_SEMGREP"
    )
    version_options = ("--experimental", "--version")
    version_pattern = re.compile(r"^(\d+\.\d\S*)\s*$", re.MULTILINE)
    variables: Mapping[str, str] = {
        "SEMGREP_ENABLE_VERSION_CHECK": "0",
        "SEMGREP_SEND_METRICS": "off",
    }
    table: str
    """The section of the severity table that knows the rules."""

    def _default_command(self) -> tuple[str, ...]:
        return (executable("semgrep", "PURPCODE_SEMGREP"),)

    @abstractmethod
    def _write_rules(self, languages: frozenset[str], scratch: Path) -> Path:
        """Where the rules for those languages are; `scratch` is a folder to write to."""

    @abstractmethod
    def _known_ids(self) -> frozenset[str]:
        """The ids of the rules; semgrep puts the path of their file before them."""

    def _counts(self, _match: Match, _snippet: Snippet) -> bool:
        """Whether a match is a finding."""
        return True

    def analyze(self, snippets: Sequence[Snippet]) -> list[AnalysisResult]:
        """One result per snippet, in order; what semgrep did not take in is an error. So is Python
        that does not parse: semgrep reads over mistakes, at times without a word."""
        python = [snippet for snippet in snippets if snippet.language == "python"]
        checked = Ruff(timeout_s=self._timeout_s, workers=self._workers).check_syntax(python)
        syntax = iter(checked)
        results: list[AnalysisResult] = []
        for snippet, result in zip(snippets, super().analyze(snippets), strict=True):
            error = next(syntax).error if snippet.language == "python" else None
            results.append(replace(result, error=result.error or error))
        return results

    def _run_once(self, snippets: Sequence[Snippet], timeout_s: float) -> list[AnalysisResult]:
        languages = frozenset(snippet.language for snippet in snippets)
        scan = self._scan(
            snippets, timeout_s, lambda scratch: self._write_rules(languages, scratch)
        )
        with readable_output():
            matches: dict[str, list[Match]] = defaultdict(list)
            for match in scan.report["results"]:
                matches[Path(match["path"]).name].append(match)
            faults = scan.faults()
            scanned = {Path(name).name for name in scan.report["paths"]["scanned"]}
            return [
                self._result(snippet, matches[name], faults.get(name), name in scanned)
                for snippet, name in zip(snippets, scan.names, strict=True)
            ]

    def _scan(
        self, snippets: Sequence[Snippet], timeout_s: float, write_rules: Callable[[Path], Path]
    ) -> Scan:
        """What semgrep reports; `write_rules` is given a folder and returns where the rules are."""
        with snippet_files(snippets) as (folder, names), snippet_files(()) as (scratch, _):
            done = run_tool(
                (*self._command, *_OPTIONS, "--config", str(write_rules(scratch)), str(folder)),
                timeout_s,
                # semgrep writes a log and its settings, which are nobody's but this run's.
                variables={
                    **self.variables,
                    "SEMGREP_SETTINGS_FILE": str(scratch / "settings.yml"),
                    "SEMGREP_LOG_FILE": str(scratch / "semgrep.log"),
                },
                folder=scratch,
                good=(0, 2, 7),  # 2 and 7: it reports errors, and what it found beside them
            )
        with readable_output():
            return Scan(names, dict(json.loads(done.stdout)), done.returncode)

    def _result(
        self, snippet: Snippet, matches: list[Match], fault: str | None, scanned: bool
    ) -> AnalysisResult:
        printer = FindingPrinter(snippet.code)
        # A rule of several patterns matches the same text once for each.
        matches = list(
            {(m["check_id"], str(m["start"]), str(m["end"])): m for m in matches}.values()
        )
        matches.sort(key=lambda one: (one["start"]["line"], one["check_id"]))
        findings = tuple(
            self._finding(one, printer) for one in matches if self._counts(one, snippet)
        )
        # An empty file holds nothing; semgrep does not list it.
        error = fault if scanned or fault or not snippet.code else "the file was not scanned"
        return AnalysisResult(snippet.id, findings, error)

    def _finding(self, match: Match, printer: FindingPrinter) -> Finding:
        rule_id = _own_id(match["check_id"], self._known_ids())
        extra = match["extra"]
        metadata = extra.get("metadata") or {}
        meaning = rule_meaning(self.table, rule_id)
        message = " ".join(str(extra["message"]).split())
        line = max(1, match["start"]["line"])
        return Finding(
            analyzer=self.name,
            rule_id=rule_id,
            cwes=meaning.cwes or cwe_numbers(metadata.get("cwe_id"), metadata.get("cwe")),
            severity=meaning.severity_of(message, _SEVERITIES.get(str(extra["severity"]).upper())),
            confidence=_CONFIDENCES.get(str(metadata.get("confidence")).upper(), "medium"),
            line=line,
            end_line=max(line, match["end"]["line"]),
            message=message,
            fingerprint=printer.fingerprint(meaning.weakness, line),
        )


class Semgrep(SemgrepBase):
    """Runs semgrep over the rules (.yaml, .yml, .json) of a file or a folder of the user's.

    Reads the languages that the rules name. A recipe writes `semgrep:FOLDER`.
    """

    table = "semgrep"

    def __init__(
        self,
        *,
        rules: str | Path,
        timeout_s: float = 120.0,
        workers: int = 0,
        command: Sequence[str] | None = None,
    ) -> None:
        """Raises InputError where `rules` holds no readable rule."""
        super().__init__(timeout_s=timeout_s, workers=workers, command=command)
        self._rules = Path(rules).expanduser().absolute()
        self.name = f"semgrep:{rules}"
        read = {path: read_rules(path) for path in rule_paths(self._rules)}
        self._files = [path for path, found in read.items() if found]
        self._read = [rule for found in read.values() for rule in found]
        if not self._read:
            raise InputError("there are no semgrep rules", path=self._rules)
        self.languages = frozenset().union(*(rule_languages(rule) for rule in self._read))
        self._ids = frozenset(str(rule["id"]) for rule in self._read)

    @cached_property
    def version(self) -> str:
        """semgrep's version and a digest of the rules; raises UnavailableError where semgrep is
        not, and InputError where it refuses a rule."""
        version = super().version
        language = "python" if "python" in self.languages else min(self.languages)
        probe = Snippet("probe", source_form(language).trivial, language)
        try:
            self._run_once([probe], self._timeout_s)
        except ToolFault as fault:
            message = f"semgrep does not take these rules: {fault}"
            raise InputError(message, path=self._rules) from None
        return version

    def fingerprint(self) -> str:
        """Version, rules and severity table."""
        return f"semgrep {self.version}, rules {file_digest(self._files)}, table {table_digest()}"

    def _write_rules(self, _languages: frozenset[str], scratch: Path) -> Path:
        folder = (
            scratch / "rules"
        )  # of the rule files alone: semgrep refuses other YAML beside them
        folder.mkdir()
        for row, path in enumerate(self._files):
            shutil.copyfile(path, folder / f"r{row:05d}{path.suffix.lower()}")
        return folder

    def _known_ids(self) -> frozenset[str]:
        return self._ids


def _own_id(check_id: str, known: frozenset[str]) -> str:
    """The rule's own id, without the path that semgrep puts before it."""
    parts = check_id.split(".")
    tails = (".".join(parts[start:]) for start in range(len(parts)))
    return next((tail for tail in tails if tail in known), check_id)
