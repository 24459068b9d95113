"""What a dataset covers: weaknesses by strategy, split and source, and how varied it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from purpcode.redteam.dataset import RedteamDataset
from purpcode.redteam.dedup import words
from purpcode.types import Sample

NO_CWE = 0
"""Stands for samples that no CWE applies to."""
_NGRAMS = (1, 2, 3)


class _Cell(NamedTuple):
    cwe: int
    strategy: str
    split: str
    source: str


class CoverageRow(BaseModel):
    """Samples of one CWE (0: none applies), strategy, split and source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cwe: int
    strategy: str
    split: str
    source: str
    samples: int


class Coverage(BaseModel):
    """Counts over a dataset. A sample with several CWEs counts under each of them in `rows`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[CoverageRow, ...]
    samples: dict[str, dict[str, int]]
    """Split → objective → samples; the held-out secure code is told apart by its part."""
    cwes: dict[str, int]
    """Split → number of distinct CWEs."""
    rules: dict[str, int]
    """Split → number of distinct rules."""
    distinct_n: dict[str, dict[str, float | None]]
    """Split → n → distinct word n-grams over all word n-grams of the prompts (distinct-n, Li et
    al., arXiv 1510.03055); None without any n-gram."""
    dropped: dict[str, int]
    """Reason → prompts made and not used."""


def coverage(dataset: RedteamDataset) -> Coverage:
    """Count what a dataset covers."""
    samples = [*dataset.train, *dataset.heldout]
    splits = {"train": dataset.train, "heldout": dataset.heldout}
    cells = Counter(cell for sample in samples for cell in _cells(sample))
    return Coverage(
        rows=tuple(
            CoverageRow(**cell._asdict(), samples=count) for cell, count in sorted(cells.items())
        ),
        samples={
            split: dict(sorted(Counter(_objective(sample) for sample in chosen).items()))
            for split, chosen in splits.items()
        },
        cwes={
            split: len({cwe for sample in chosen for cwe in sample.metadata["cwes"]})
            for split, chosen in splits.items()
        },
        rules={
            split: len({sample.metadata["rule"] for sample in chosen} - {""})
            for split, chosen in splits.items()
        },
        distinct_n={
            split: {str(n): distinct_n((sample.prompt for sample in chosen), n) for n in _NGRAMS}
            for split, chosen in splits.items()
        },
        dropped=dict(sorted(Counter(record.reason for record in dataset.dropped).items())),
    )


def distinct_n(texts: Iterable[str], n: int) -> float | None:
    """Distinct word n-grams over all word n-grams of the texts, in (0, 1]; None without any."""
    grams: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        tokens = words(text)
        grams.update(tuple(tokens[at : at + n]) for at in range(len(tokens) - n + 1))
    return len(grams) / grams.total() if grams else None


def coverage_markdown(measured: Coverage) -> str:
    """The coverage as Markdown tables."""
    objectives = sorted({name for counts in measured.samples.values() for name in counts})
    summary = [
        (name, *(str(measured.samples[split].get(name, 0)) for split in measured.samples))
        for name in objectives
    ]
    splits = tuple(measured.samples)
    diversity = [
        (f"distinct-{n}", *(_ratio(measured.distinct_n[split][str(n)]) for split in splits))
        for n in _NGRAMS
    ]
    counts = [
        ("CWEs", *(str(measured.cwes[split]) for split in splits)),
        ("rules", *(str(measured.rules[split]) for split in splits)),
    ]
    rows = [
        (
            f"CWE-{row.cwe}" if row.cwe else "none",
            row.strategy,
            row.split,
            row.source,
            str(row.samples),
        )
        for row in measured.rows
    ]
    dropped = [(reason, str(count)) for reason, count in measured.dropped.items()]
    sections = [
        "# Coverage\n",
        _table(("samples", *splits), [*summary, *counts, *diversity]),
        "## Prompts made and not used\n",
        _table(("reason", "prompts"), dropped),
        "## Weaknesses\n",
        _table(("CWE", "strategy", "split", "source", "samples"), rows),
    ]
    return "\n".join(sections)


def _cells(sample: Sample) -> list[_Cell]:
    metadata = sample.metadata
    return [
        _Cell(cwe, metadata["strategy"], metadata["split"], metadata["source"])
        for cwe in metadata["cwes"] or [NO_CWE]
    ]


def _objective(sample: Sample) -> str:
    objective, part = str(sample.metadata["objective"]), str(sample.metadata["part"])
    return f"{objective} ({part})" if part else objective


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
