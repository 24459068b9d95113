"""Runs analyzers over files and sorts what they find into open, accepted and too mild."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from purpcode.analyzers import Analyzer, Ensemble, EnsembleResult, Snippet, strip_suppressions
from purpcode.analyzers.ruff import Ruff
from purpcode.errors import InputError
from purpcode.scanning.acceptance import AcceptedFinding, ScanConfig, stale_entries, suppressed
from purpcode.scanning.files import CodeFile, choose_files, read_code
from purpcode.types import SEVERITIES, Finding, Severity

FILES_AT_ONCE = 1000
"""Files whose text is held in memory together."""


@dataclass(frozen=True)
class ScanSettings:
    """What counts as a failure of a scan."""

    min_severity: Severity = "medium"
    honour_suppressions: bool = False
    allow_unmeasured: bool = False


@dataclass(frozen=True)
class ScannedFinding:
    """An open finding of a file, who found it, and the text of its lines."""

    path: str
    finding: Finding
    found_by: tuple[str, ...]
    snippet: str


@dataclass
class ScanReport:
    """What a scan saw.

    `findings` are open and of the wanted severity; `milder`, `accepted` (by configuration) and
    `suppressed` (by comments) count the others. `unmeasured` maps files to why they could not be
    measured; they may have findings as well. `analyzers` maps names to fingerprints.
    """

    settings: ScanSettings
    analyzers: Mapping[str, str]
    files: int = 0
    findings: list[ScannedFinding] = field(default_factory=list)
    milder: int = 0
    accepted: int = 0
    suppressed: int = 0
    unmeasured: dict[str, str] = field(default_factory=dict)
    stale: list[AcceptedFinding] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> bool:
        """Whether there are open findings, or unmeasured files that are not allowed."""
        return bool(self.findings or (self.unmeasured and not self.settings.allow_unmeasured))


def scan_paths(
    paths: Sequence[Path],
    analyzers: Sequence[Analyzer],
    settings: ScanSettings,
    config: ScanConfig,
    *,
    parser: Ruff | None = None,
) -> ScanReport:
    """Scan files and folders.

    Raises:
        InputError: for a path that cannot be scanned, or paths without any code that the
            analyzers read: nothing looked at is not clean.
    """
    ensemble = Ensemble(analyzers)
    choice = choose_files(paths, ensemble.languages)
    if not choice.files and not choice.refused:
        left = ", ".join(f"{count} {name}" for name, count in sorted(choice.unread.items()))
        raise InputError(
            f"no file that the analyzers read in {', '.join(map(str, paths))}",
            hint=f"files in other languages: {left}" if left else None,
        )
    report = ScanReport(settings, {one.name: one.fingerprint() for one in analyzers})
    report.skipped, report.unread = choice.skipped, choice.unread
    report.unmeasured.update(choice.refused)
    report.files = len(choice.files) + len(choice.refused)
    used: set[AcceptedFinding] = set()
    for start in range(0, len(choice.files), FILES_AT_ONCE):
        batch = choice.files[start : start + FILES_AT_ONCE]
        for file, code, result, broken in _analyze(batch, ensemble, parser or Ruff()):
            why = broken or result.error
            if why is not None:
                report.unmeasured[file.shown] = why
            _sort_findings(report, file, code, result, config, used)
    measured = {file.shown for file in choice.files} - set(report.unmeasured)
    report.stale = stale_entries(config, used, measured)
    return report


def _analyze(
    batch: Sequence[CodeFile], ensemble: Ensemble, parser: Ruff
) -> Iterator[tuple[CodeFile, str, EnsembleResult, str | None]]:
    """(file, its text, what was found, why it was not measured by anybody) of every file."""
    texts = [(file, *read_code(file)) for file in batch]
    snippets = [
        Snippet(
            file.shown,
            strip_suppressions(code, file.language),
            file.language,
        )
        for file, code, fault in texts
        if fault is None and code.strip()
    ]
    # Tools that match text do not notice what is not Python, so the parser must have read it.
    python = [snippet for snippet in snippets if snippet.language == "python"]
    broken = {one.snippet_id: one.error for one in parser.check_syntax(python)} if python else {}
    results = {one.snippet_id: one for one in ensemble.analyze(snippets)}
    for file, code, fault in texts:
        found = results.get(file.shown, EnsembleResult(file.shown))
        yield file, code, found, fault or broken.get(file.shown)


def _sort_findings(
    report: ScanReport,
    file: CodeFile,
    code: str,
    result: EnsembleResult,
    config: ScanConfig,
    used: set[AcceptedFinding],
) -> None:
    settings = report.settings
    waved = [False] * len(result.findings)
    if settings.honour_suppressions:
        waved = suppressed(code, result.findings, file.language)
    lines = code.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for finding, by_comment in zip(result.findings, waved, strict=True):
        entries = [one for one in config.accept if one.accepts(file.shown, finding)]
        used.update(entries)
        if entries:
            report.accepted += 1
        elif by_comment:
            report.suppressed += 1
        elif SEVERITIES.index(finding.severity) < SEVERITIES.index(settings.min_severity):
            report.milder += 1
        else:
            text = "\n".join(lines[finding.line - 1 : finding.end_line])
            by = result.found_by.get(finding.fingerprint, (finding.analyzer,))
            report.findings.append(ScannedFinding(file.shown, finding, by, text))
