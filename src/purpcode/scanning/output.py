"""A scan's report as text and as JSON. File names, messages and code lines come from outside:
nothing in them may steer a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

from purpcode import __version__
from purpcode.scanning.scan import ScannedFinding, ScanReport

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

LONGEST_LINE = 160
"""Characters of a code line that are shown."""
_STYLES = {"low": "dim", "medium": "yellow", "high": "red", "critical": "bold red"}


def scan_json(report: ScanReport) -> dict[str, Any]:
    """The whole report, for programs."""
    return {
        "purpcode": __version__,
        "analyzers": dict(report.analyzers),
        "min_severity": report.settings.min_severity,
        "failed": report.failed,
        "files": report.files,
        "findings": [
            {
                "path": one.path,
                **one.finding.model_dump(mode="json"),
                "found_by": list(one.found_by),
                "code": one.snippet,
            }
            for one in report.findings
        ],
        "milder": report.milder,
        "accepted": report.accepted,
        "suppressed": report.suppressed,
        "unmeasured": dict(report.unmeasured),
        "stale": [entry.model_dump(mode="json") for entry in report.stale],
        "skipped": dict(report.skipped),
        "unread": dict(report.unread),
    }


def print_scan(report: ScanReport, console: Console) -> None:
    """Print the findings by file, what was not measured, and a summary."""
    from rich.text import Text

    for path, found in groupby(report.findings, key=lambda one: one.path):
        console.print(Text(printable(path), style="bold underline"), soft_wrap=True)
        for one in found:
            console.print(_finding(one), soft_wrap=True)
        console.print()
    for path, why in sorted(report.unmeasured.items()):
        words = f"not measured: {printable(path)}: {printable(why)}"
        console.print(Text(words, style="yellow"), soft_wrap=True)
    for entry in report.stale:
        words = f"stale: nothing to accept for {printable(entry.rule)} in {printable(entry.path)}"
        console.print(Text(words, style="yellow"), soft_wrap=True)
    for line in summary(report):
        console.print(Text(line), soft_wrap=True)


def summary(report: ScanReport) -> Iterator[str]:
    """What was looked at and found, in one to three lines."""
    least = report.settings.min_severity
    counts = [_many(len(report.findings), "finding") + f" of {least} severity or above"]
    for count, words in (
        (report.milder, "milder"),
        (report.accepted, "accepted"),
        (report.suppressed, "suppressed by comments"),
    ):
        counts += [f"{count} {words}"] if count else []
    yield f"{_many(report.files, 'file')}: {', '.join(counts)}"
    if report.unmeasured:
        ends = "allowed" if report.settings.allow_unmeasured else "--allow-unmeasured lets it pass"
        yield f"{_many(len(report.unmeasured), 'file')} not measured ({ends})"
    left = [f"{what}: {count}" for what, count in sorted(report.skipped.items())]
    left += [f"{language} files: {count}" for language, count in sorted(report.unread.items())]
    if left:
        yield f"not looked at ({', '.join(left)})"


def printable(text: str) -> str:
    """Text in one line in which control and formatting characters are shown as a placeholder."""
    return "".join(c if c.isprintable() else " " if c == "\t" else "\ufffd" for c in text)


def _finding(one: ScannedFinding) -> Text:
    from rich.text import Text

    finding = one.finding
    cwes = "".join(f" CWE-{cwe}" for cwe in finding.cwes)
    code = printable(one.snippet.split("\n")[0].strip())[:LONGEST_LINE]
    text = Text(f"  {finding.line}: ")
    text.append(finding.severity, style=_STYLES[finding.severity])
    text.append(f" {printable(finding.rule_id)}", style="bold")
    text.append(f"{cwes} ({', '.join(one.found_by)}, {finding.fingerprint})", style="dim")
    text.append(f" {printable(finding.message)}\n      ")
    text.append(code, style="cyan")
    return text


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
