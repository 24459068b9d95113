"""`purpcode scan`: the analyzers over files of code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from purpcode.commands.analyzers import Seconds, chosen_analyzers
from purpcode.errors import InputError
from purpcode.types import Severity

if TYPE_CHECKING:
    from purpcode.scanning import ScanReport

Format = Literal["text", "json", "sarif"]


def scan(
    *paths: Path,
    profile: str | None = None,
    analyzers: str | None = None,
    min_severity: Severity = "medium",
    format: Format = "text",
    output: Path | None = None,
    config: Path | None = None,
    honour_suppressions: bool = False,
    allow_unmeasured: bool = False,
    timeout_s: Seconds = 120.0,
) -> None:
    """Scan files and folders of code; exit 1 on findings or on files that were not measured.

    Parameters
    ----------
    paths
        Files and folders.
    profile
        The analyzers of a profile; `fast` where neither this nor --analyzers is given.
    analyzers
        Analyzers to use, separated by commas (`purpcode list analyzers`).
    min_severity
        Findings below this severity are only counted.
    format
        How the report is written.
    output
        Write the report to this file instead of printing it.
    config
        File of accepted findings; by default .purpcode-scan.toml, or [tool.purpcode.scan] in
        pyproject.toml, of the working folder.
    honour_suppressions
        Let `nosec`, `noqa` and `nosemgrep` comments wave findings through.
    allow_unmeasured
        Do not fail on files that could not be measured.
    timeout_s
        Deadline of one run of a tool, seconds.
    """
    from purpcode.analyzers import open_analyzers
    from purpcode.analyzers.ruff import Ruff
    from purpcode.scanning import ScanSettings, load_config, scan_paths, summary

    if not paths:
        raise InputError("give files or folders to scan")
    accepted = load_config(config, Path.cwd())
    chosen = open_analyzers(chosen_analyzers(analyzers, profile), timeout_s=timeout_s)
    settings = ScanSettings(min_severity, honour_suppressions, allow_unmeasured)
    report = scan_paths(paths, chosen, settings, accepted, parser=Ruff(timeout_s=timeout_s))
    if output is None:
        _print(report, format)
    else:
        from purpcode.records import write_text_atomic

        write_text_atomic(output, _rendered(report, format))
        print("\n".join((*summary(report), f"Report: {output}")))
    if report.failed:
        raise SystemExit(1)


def _print(report: ScanReport, format: Format) -> None:
    if format != "text":
        print(_rendered(report, format), end="")
        return
    from rich.console import Console

    from purpcode.scanning import print_scan

    print_scan(report, Console(highlight=False))


def _rendered(report: ScanReport, format: Format) -> str:
    """The report as the text of a file."""
    import json

    from purpcode.scanning import print_scan, scan_json

    if format == "json":
        return json.dumps(scan_json(report), indent=2) + "\n"
    if format == "sarif":
        return json.dumps(_sarif(report), indent=2) + "\n"
    from io import StringIO

    from rich.console import Console

    text = StringIO()
    print_scan(report, Console(file=text, highlight=False, no_color=True))
    return text.getvalue()


def _sarif(report: ScanReport) -> dict[str, Any]:
    from purpcode.reports.sarif import LocatedFinding, sarif_log

    located = [LocatedFinding(one.path, one.finding, one.snippet) for one in report.findings]
    properties = {"analyzers": dict(report.analyzers), "min_severity": report.settings.min_severity}
    return sarif_log(located, properties=properties, unmeasured=report.unmeasured)
