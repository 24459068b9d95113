"""`purpcode gate`: may the tuned model be released?"""

from __future__ import annotations

from pathlib import Path


def gate(
    base: Path,
    tuned: Path,
    *,
    margins: Path | None = None,
    label_base: str | None = None,
    label_tuned: str | None = None,
    junit: Path | None = None,
    sarif: Path | None = None,
    json: Path | None = None,
) -> None:
    """Check that a tuned model is safer, and neither less useful nor more evasive; exit 1 if not.

    Parameters
    ----------
    base
        The base model's evaluation folder, a folder of evaluations, or a recipe's run folder.
    tuned
        The tuned model's; the same run folder again takes its first model as base, its last as
        tuned.
    margins
        TOML file of margins and limits.
    label_base
        Which model of BASE, where it holds several.
    label_tuned
        Which model of TUNED, where it holds several.
    junit
        Write the checks as JUnit XML to this file.
    sarif
        Write newly vulnerable code as SARIF to this file, and the answers beside it.
    json
        Write the decision and its figures to this file.
    """
    from rich.console import Console

    from purpcode.reports import decide, read_margins, read_sides
    from purpcode.reports import gate_files as files

    settings = read_margins(margins)
    options = ("--label-base", "--label-tuned")
    sides = read_sides(base, tuned, label_base, label_tuned, options=options)
    result = decide(sides, settings)
    console = Console(highlight=False)
    files.print_gate(result, console)
    if json is not None:
        files.write_gate_json(json, result)
    if junit is not None:
        files.write_junit(junit, result, sides)
    if sarif is not None:
        vulnerable = files.write_newly_vulnerable(sarif, sides)
        console.print(f"{vulnerable} newly vulnerable answers: {sarif}", soft_wrap=True)
    if not result.passed:
        raise SystemExit(1)
