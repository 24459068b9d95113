"""What a benchmark is: where its rows come from, how they become samples, what is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from purpcode.evals.benchmarks.rows import Data, Row, as_rows
from purpcode.oracles.oracle import Judgement
from purpcode.types import Sample

Outcomes = dict[str, bool | None]
"""Metric → passed, failed, or None for unmeasured."""


@dataclass(frozen=True)
class Protocol:
    """How a benchmark is asked unless the user says otherwise."""

    temperature: float = 0.0
    """0 is greedy."""
    max_tokens: int = 8192
    """Completion budget, tokens."""
    trim_thinking: bool = True
    """Earlier assistant turns are reduced to their answers."""
    system_prompt: bool = False
    """Whether the reminder of the safety guidelines goes first."""


def _joint(sample: Sample, judgement: Judgement) -> Outcomes:  # noqa: ARG001
    return {"passed": judgement.passed}


def _as_it_is(sample: Sample) -> Sample:
    return sample


def _no_doubt(rows: Sequence[Data]) -> str:  # noqa: ARG001
    return ""


@dataclass(frozen=True)
class Benchmark:
    """One benchmark. Its rows come in the published schema `{task_id, messages, ...}`.

    `read_row` turns a row of that schema into a sample; `import_from` turns the upstream
    project's own file or checkout into such rows. `outcomes` names what is counted of a judged
    sample; the first metric is the benchmark's headline.
    """

    name: str
    """Short name, as on the command line."""
    published: str
    """Name in the recipe, e.g. purpcode/CyberSecEval-SCG."""
    measures: str
    rows: int
    """Rows of the whole benchmark; 0 where its size is the user's own."""
    licence: str
    citation: str
    oracles: tuple[str, ...]
    """Who judges, by default."""
    read_row: Callable[[Row], Sample]
    import_from: Callable[[Path], list[dict[str, Any]]]
    upstream: str
    """What `import_from` takes, in words."""
    hub: str | None = None
    """Dataset on the Hub, split test; None where there is none."""
    other_sizes: Mapping[int, str] = field(default_factory=dict)
    """Other sizes that are whole: rows → which edition."""
    groups: tuple[str, ...] = ()
    """Metadata keys by which rates are broken down."""
    files: tuple[str, ...] = ()
    """Where the file lies below a data folder, besides `<name>.*`; glob patterns."""
    sha256: Mapping[str, str] = field(default_factory=dict)
    """Upstream files known to be whole: SHA-256 of the (unpacked) content → which edition."""
    doubt: Callable[[Sequence[Data]], str] = _no_doubt
    """Why rows are not this benchmark though they are as many, after "holds"; empty for nothing.
    Takes rows in the published schema."""
    outcomes: Callable[[Sample, Judgement], Outcomes] = _joint
    prepare: Callable[[Sample], Sample] = _as_it_is
    """The sample as its oracles are to see it; restores what JSON cannot hold."""
    from_hub: Callable[[Sequence[Data]], list[dict[str, Any]]] | None = None
    """Turns the Hub dataset's rows into the published schema, where they have another."""
    protocol: Protocol = Protocol()
    conversations: bool = False
    """Whether the user's turns are asked one after the other, and every answer is judged."""

    def read(self, rows: Sequence[Data], path: Path | None = None) -> list[Sample]:
        """Samples of rows in the published schema.

        Raises:
            InputError: naming the row and the column that cannot be used.
        """
        return [self.read_row(row) for row in as_rows(rows, path)]

    @property
    def sizes(self) -> str:
        """The sizes that are whole, in words."""
        others = "".join(f" (or {rows}: {what})" for rows, what in self.other_sizes.items())
        return f"{self.rows} rows{others}"

    def is_whole(self, rows: int) -> bool:
        """Whether that many rows are the whole benchmark."""
        return not self.rows or rows == self.rows or rows in self.other_sizes


def verdict_outcomes(
    metrics: Mapping[str, str], oracles: Sequence[str]
) -> Callable[[Sample, Judgement], Outcomes]:
    """Outcomes that are verdicts: metric → the oracle whose verdict it is, with `*` for all of
    them together, which needs each oracle that another metric names. The metrics mean what they
    say under `oracles` alone: where the user chose others, `passed` and each oracle by its name
    are counted instead."""
    needed = set(metrics.values()) - {"*"}

    def outcomes(sample: Sample, judgement: Judgement) -> Outcomes:  # noqa: ARG001
        verdicts = {verdict.oracle: verdict.passed for verdict in judgement.verdicts}
        if not verdicts.keys() <= set(oracles):
            return plain_outcomes(judgement)
        return {
            metric: judgement.passed if oracle == "*" else verdicts[oracle]
            for metric, oracle in metrics.items()
            if (needed <= verdicts.keys() if oracle == "*" else oracle in verdicts)
        }

    return outcomes


def plain_outcomes(judgement: Judgement) -> Outcomes:
    """Outcomes under oracles that a benchmark does not know: all together, then, of several, each
    by its name."""
    found: Outcomes = {"passed": judgement.passed}
    if len(judgement.verdicts) > 1:
        found |= {verdict.oracle: verdict.passed for verdict in judgement.verdicts}
    return found
