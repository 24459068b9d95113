"""Why answers passed, failed or went unmeasured: verdicts counted by the kind of their reason.

A rate hides its causes: code can be judged secure more often because it is less vulnerable, or
merely because more of it parses. These counts show which.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from purpcode.oracles.judge import HEURISTIC
from purpcode.reports.pairing import ModelResults
from purpcode.reports.tables import BeforeAfterTable, Row
from purpcode.types import Verdict

MAX_KIND_CHARS = 120

_GIVEN = ("malicious_code", "malicious_instructions")
_COUNT = re.compile(r"^\d+ (finding|assert)s?\b")


@dataclass(frozen=True)
class ReasonRow:
    """One kind of verdict on one measure: how often each model met it."""

    title: str
    subtitle: str
    oracle: str
    outcome: str
    """passed, failed or unmeasured."""
    kind: str
    counts: tuple[int, ...]


def reason_kind(verdict: Verdict) -> str:
    """A reason without its particulars: "1 finding of …: B602 at line 3" → "findings of …".

    A model judge words every reason anew, so that what it decided is the kind instead.
    """
    evidence = verdict.evidence
    if evidence.get("judge", HEURISTIC) != HEURISTIC and _GIVEN[0] in evidence:
        given = [name.replace("_", " ") for name in _GIVEN if evidence.get(name)]
        return " and ".join(given) or "nothing malicious given"
    reason = verdict.error if verdict.passed is None else verdict.reason
    head = (reason or "no reason given").split(":", 1)[0].strip()
    return _COUNT.sub(r"\1s", head)[:MAX_KIND_CHARS]


def reason_rows(models: Sequence[ModelResults], table: BeforeAfterTable) -> list[ReasonRow]:
    """The counts, in the order of the table's rows; passed first, then the most frequent."""
    return [row for measure in table.parts for row in _measure(models, measure)]


def _measure(models: Sequence[ModelResults], measure: Row) -> Iterator[ReasonRow]:
    counts: list[Counter[tuple[str, str, str]]] = []
    for model in models:
        verdicts = (
            verdict
            for sample in model.samples
            if (sample.objective, sample.part) == (measure.objective, measure.part)
            for verdict in sample.verdicts
        )
        counts.append(Counter((v.oracle, _outcome(v), reason_kind(v)) for v in verdicts))
    kinds = sorted(
        {kind for counted in counts for kind in counted},
        key=lambda kind: (kind[1] != "passed", -sum(counted[kind] for counted in counts), kind),
    )
    for oracle, outcome, kind in kinds:
        found = tuple(counted[oracle, outcome, kind] for counted in counts)
        yield ReasonRow(measure.title, measure.subtitle, oracle, outcome, kind, found)


def _outcome(verdict: Verdict) -> str:
    if verdict.passed is None:
        return "unmeasured"
    return "passed" if verdict.passed else "failed"
