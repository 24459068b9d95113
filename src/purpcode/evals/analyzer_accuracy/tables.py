"""What was measured of analyzers, as Markdown, JSON, rows to read and a terminal table."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from purpcode.evals.analyzer_accuracy.accuracy import Accuracy, Criterion, Judged
from purpcode.evals.analyzer_accuracy.labelled import Label, LabelledCode, label_counts
from purpcode.evals.statistics import Rate
from purpcode.types import Finding

if TYPE_CHECKING:
    from rich.console import Console

RATES = {
    "recall": "Recall",
    "false_positives": "False positives",
    "pairs": "Pairs told apart",
    "precision": "Precision",
}
"""Field of `Accuracy` → its heading."""


class RowOutcome(BaseModel):
    """One row of a set and what every judge said of it, for reading the misses.

    `flagged` and `findings` are by judge, the ensemble last; a `flagged` of None is unmeasured,
    and `errors` says why.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    label: Label
    cwe: tuple[int, ...]
    pair: str | None
    flagged: dict[str, bool | None]
    findings: dict[str, tuple[Finding, ...]]
    errors: dict[str, str]


def row_outcomes(rows: Sequence[LabelledCode], judged: Sequence[Judged]) -> list[RowOutcome]:
    """One record per row, in order."""
    records: list[RowOutcome] = []
    for place, row in enumerate(rows):
        results = {one.name: one.results[place] for one in judged}
        records.append(
            RowOutcome(
                id=row.id,
                label=row.label,
                cwe=row.cwe,
                pair=row.pair,
                flagged={one.name: one.outcomes[place] for one in judged},
                findings={name: result.findings for name, result in results.items()},
                errors={name: result.error for name, result in results.items() if result.error},
            )
        )
    return records


def accuracy_json(
    dataset: Path, rows: Sequence[LabelledCode], judged: Sequence[Judged], criterion: Criterion
) -> dict[str, Any]:
    """Everything measured, with the counts behind every rate and what identifies the measure."""
    return {
        "dataset": dataset.name,
        "sha256": hashlib.sha256(dataset.read_bytes()).hexdigest(),
        "rows": label_counts(rows),
        "min_severity": criterion.min_severity,
        "match": criterion.match,
        "judges": [
            {
                "name": one.name,
                "fingerprint": one.fingerprint,
                "seconds": round(one.seconds, 3),
                "found_by_it_alone": one.sole,
                **_accuracy_json(one.overall),
                "by_cwe": {str(cwe): _accuracy_json(part) for cwe, part in one.by_cwe.items()},
            }
            for one in judged
        ],
    }


def markdown_accuracy(
    dataset: Path, rows: Sequence[LabelledCode], judged: Sequence[Judged], criterion: Criterion
) -> str:
    """The tables as a Markdown document."""
    lines = [f"# Analyzer accuracy on {_cell_text(dataset.stem)}", "", basis(rows, criterion), ""]
    head = ["Judge", *RATES.values(), "Found by it alone"]
    body = [
        [one.name, *(rate_words(getattr(one.overall, name)) for name in RATES), _sole(one)]
        for one in judged
    ]
    lines += markdown_table(head, body)
    lines += ["", "## By CWE", "", "Insecure rows flagged · secure rows flagged.", ""]
    lines += markdown_table(["CWE", *(one.name for one in judged)], cwe_rows(judged))
    lines += ["", "## What was measured with", ""]
    lines += [f"- {one.name}: {_cell_text(one.fingerprint)}" for one in judged[:-1]]
    return "\n".join(lines) + "\n"


def print_accuracy(
    dataset: Path,
    rows: Sequence[LabelledCode],
    judged: Sequence[Judged],
    criterion: Criterion,
    console: Console,
) -> None:
    """Print both tables."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console.print(Text(f"{dataset.name}: {basis(rows, criterion)}"))
    overall = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("", *RATES.values(), "Alone"):
        overall.add_column(title)
    for one in judged:
        cells = [_narrow(getattr(one.overall, name)) for name in RATES]
        overall.add_row(*map(Text, (one.name, *cells, _sole(one))))
    console.print(overall)
    parts = Table("CWE", box=box.SIMPLE_HEAD, pad_edge=False)
    for one in judged:
        parts.add_column(Text(one.name))
    for cells in cwe_rows(judged):
        parts.add_row(*map(Text, cells))
    console.print(Text("By CWE: insecure rows flagged · secure rows flagged", style="bold"))
    console.print(parts)


def basis(rows: Sequence[LabelledCode], criterion: Criterion) -> str:
    """What the rates are shares of, in a sentence."""
    counts = label_counts(rows)
    matching = "of any CWE" if criterion.match == "any" else "of the row's CWE or its family"
    return (
        f"{counts['insecure']} insecure and {counts['secure']} secure rows; a row is flagged by a"
        f" finding of {criterion.min_severity} severity or above, {matching}. Intervals are"
        " Wilson's (95%)."
    )


def rate_words(rate: Rate) -> str:
    """E.g. `55.6% (208/374; 50.5–60.6; 6 unmeasured: 54.7–56.3)`."""
    if rate.rate is None or rate.interval is None or rate.bounds is None:
        return f"– ({rate.unmeasured} unmeasured)" if rate.unmeasured else "–"
    low, high = rate.interval
    words = f"{rate.rate:.1%} ({rate.passed}/{rate.measured}; {100 * low:.1f}–{100 * high:.1f}"
    if rate.unmeasured:
        worst, best = rate.bounds
        words += f"; {rate.unmeasured} unmeasured: {100 * worst:.1f}–{100 * best:.1f}"
    return words + ")"


def markdown_table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    rows = [head, ["---"] * len(head), *body]
    return ["| " + " | ".join(map(_cell_text, row)) + " |" for row in rows]


def cwe_rows(judged: Sequence[Judged]) -> list[list[str]]:
    """Per CWE, the counts of every judge; the CWEs with the most rows come first."""
    sizes = {
        cwe: part.recall.total + part.false_positives.total
        for cwe, part in judged[0].by_cwe.items()
    }
    return [
        [f"CWE-{cwe}", *(_counts(one.by_cwe[cwe]) for one in judged)]
        for cwe in sorted(sizes, key=lambda cwe: (-sizes[cwe], cwe))
    ]


def _counts(part: Accuracy) -> str:
    return " · ".join(_count(rate) for rate in (part.recall, part.false_positives))


def _count(rate: Rate) -> str:
    if not rate.total:
        return "–"
    return f"{rate.passed}/{rate.measured}" + (f" ({rate.unmeasured}?)" if rate.unmeasured else "")


def _narrow(rate: Rate) -> str:
    """The rate over two or three short lines."""
    return rate_words(rate).replace(" (", "\n", 1).replace("; ", "\n").rstrip(")")


def _sole(one: Judged) -> str:
    return "" if one.sole is None else str(one.sole)


def _accuracy_json(part: Accuracy) -> dict[str, Any]:
    return {name: _rate_json(getattr(part, name)) for name in RATES}


def _rate_json(rate: Rate) -> dict[str, Any]:
    return {
        "passed": rate.passed,
        "measured": rate.measured,
        "unmeasured": rate.unmeasured,
        "rate": rate.rate,
        "interval": rate.interval,
        "bounds": rate.bounds,
    }


def _cell_text(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
