"""`purpcode analyzers`: how often the analyzers are right, and the sets that show it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter, validators

from purpcode.errors import InputError
from purpcode.types import Severity

SetKind = Literal["sven", "securityeval", "owasp-python", "cweval"]
Seconds = Annotated[float, Parameter(validator=validators.Number(gt=0))]
DEFAULT_PROFILE = "fast"


def evaluate(
    dataset: Path,
    *,
    analyzers: str | None = None,
    profile: str | None = None,
    min_severity: Severity = "medium",
    match: Literal["any", "cwe"] = "any",
    timeout_s: Seconds = 300.0,
    json: Path | None = None,
    markdown: Path | None = None,
    rows: Path | None = None,
) -> None:
    """Measure analyzers, each alone and together, on code whose security is known.

    Parameters
    ----------
    dataset
        JSONL file of rows {id, code, label, cwe, pair, language}; `purpcode analyzers import`
        makes them from checkouts of published sets.
    analyzers
        Analyzers to measure, separated by commas (`purpcode list analyzers`).
    profile
        Measure the analyzers of a profile; `fast` where neither is given.
    min_severity
        Findings below this severity do not count.
    match
        `cwe`: a finding counts only if its CWE is of the row's family.
    timeout_s
        Deadline of one run of a tool, seconds.
    json
        Write every count, rate and interval to this file.
    markdown
        Write the tables to this file.
    rows
        Write what every tool found in every row to this JSONL file.
    """
    from rich.console import Console

    from purpcode.analyzers import open_analyzers
    from purpcode.evals import analyzer_accuracy as accuracy
    from purpcode.records import write_json_atomic, write_records, write_text_atomic

    labelled = accuracy.read_labelled(dataset)
    chosen = open_analyzers(chosen_analyzers(analyzers, profile), timeout_s=timeout_s)
    criterion = accuracy.Criterion(min_severity, match)
    judged = accuracy.evaluate_analyzers(labelled, chosen, criterion)
    measured = (dataset, labelled, judged, criterion)
    if json is not None:
        write_json_atomic(json, accuracy.accuracy_json(*measured))
    if markdown is not None:
        write_text_atomic(markdown, accuracy.markdown_accuracy(*measured))
    if rows is not None:
        write_records(rows, accuracy.row_outcomes(labelled, judged))
    accuracy.print_accuracy(*measured, Console(highlight=False))


def import_set(kind: SetKind, source: Path, out: Path) -> None:
    """Turn a checkout of a published labelled set into rows for `purpcode analyzers evaluate`.

    Parameters
    ----------
    kind
        Which set it is.
    source
        The checkout: its root folder, or the folder or file that holds the rows.
    out
        JSONL file to write.
    """
    from purpcode.evals.analyzer_accuracy import import_labelled, label_counts
    from purpcode.records import write_records

    rows = import_labelled(kind, source)
    write_records(out, rows)
    counts = label_counts(rows)
    print(f"{out}: {counts['insecure']} insecure and {counts['secure']} secure rows")


def export_examples(out: Path) -> None:
    """Write the paired examples of purpcode's own rules as rows for `purpcode analyzers evaluate`.

    Parameters
    ----------
    out
        JSONL file to write.
    """
    from purpcode.evals.analyzer_accuracy import example_rows, label_counts
    from purpcode.records import write_records

    rows = example_rows()
    write_records(out, rows)
    counts = label_counts(rows)
    print(f"{out}: {counts['insecure']} insecure and {counts['secure']} secure rows")


def chosen_analyzers(analyzers: str | None, profile: str | None) -> tuple[str, ...]:
    """The analyzers that `--analyzers` or `--profile` name.

    Raises:
        InputError: for both at once, an empty list, or an unknown profile.
    """
    if analyzers is not None and profile is not None:
        raise InputError("give --analyzers or --profile, not both")
    if analyzers is not None:
        names = tuple(name.strip() for name in analyzers.split(",") if name.strip())
        if not names:
            raise InputError("--analyzers names no analyzer")
        return names
    from purpcode.analyzers.registry import PROFILES

    name = profile or DEFAULT_PROFILE
    if name not in PROFILES:
        known = ", ".join(PROFILES)
        raise InputError(f"there is no profile '{name}'", hint=f"known: {known}")
    return tuple(PROFILES[name])
