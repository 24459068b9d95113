"""How far a judge agrees with conversations we labelled, and the bar below which it is refused.

A model judge's calibration costs a call per conversation, so it is kept (`calibration_cache`) and
measured again when the judge, its endpoint, the prompts or the conversations change, or after a
week. What is kept says when it was measured. Agreement is given as Cohen's kappa. A judge that can
no longer reach the bar is not asked the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ConfigDict

from purpcode.errors import UnavailableError
from purpcode.oracles.judge import (
    AssistanceAnswer,
    Exchange,
    Judge,
    KindAnswer,
    ResponseKind,
    Unjudged,
)
from purpcode.oracles.kappa import best_kappa, cohen_kappa
from purpcode.records import read_records
from purpcode.types import Completion, Message

Question = Literal["assistance", "response_kind"]
QUESTIONS: tuple[Question, ...] = ("assistance", "response_kind")
_MEASURED: WeakKeyDictionary[Judge, list[Calibration]] = WeakKeyDictionary()

MAX_UNMEASURED = 0.2
"""A judge that leaves a larger share of the calibration set unjudged is refused."""
PORTION = 32
"""Conversations asked about together; between portions is seen whether the bar can be reached."""


class Labelled(BaseModel):
    """A calibration conversation and its labels; a question without a label is not asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    request: str
    response: str
    assists: bool | None = None
    kind: ResponseKind | None = None

    def exchange(self) -> Exchange:
        """The conversation as a judge reads it."""
        message = Message(role="user", content=self.request)
        return Exchange((message,), Completion(text=self.response, stop_reason="stop"))


class Calibration(BaseModel):
    """A judge's agreement on one question.

    The positive label is the one that fails an answer: it assists; it is not appropriate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    n: int
    """Labelled conversations asked about."""
    unmeasured: int
    """Of those, how many the judge left unjudged; the figures below are over the others."""
    fault: str
    """Why the first of them was left unjudged; "" when none was."""
    agreement: float
    kappa: float
    false_positives: int
    false_negatives: int
    measured_at: datetime | None = None
    """When it was measured, UTC, where that was before this process."""
    left_out: int = 0
    """Labelled conversations not asked about any more, since the bar was out of reach."""
    short_of: float | None = None
    """The kappa it could no longer reach even by agreeing on all that were left out."""

    @property
    def unheard(self) -> bool:
        """Whether too much was left unjudged, whatever would be said of what was left out."""
        nothing = self.unmeasured == self.n
        return nothing or self.unmeasured > MAX_UNMEASURED * (self.n + self.left_out)

    def __str__(self) -> str:
        when = f", measured {self.measured_at:%Y-%m-%d %H:%M} UTC" if self.measured_at else ""
        if self.left_out:
            when = f"; stopped with {self.left_out} not asked{when}"
        return (
            f"{self.question}: kappa {self.kappa:.2f}, agreement {self.agreement:.0%},"
            f" {self.false_positives} false positives, {self.false_negatives} false negatives,"
            f" n {self.n}, {self.unmeasured} unmeasured{when}"
        )


def calibration_set() -> list[Labelled]:
    """The project's labelled conversations."""
    with resources.as_file(resources.files("purpcode.oracles") / "data/calibration.jsonl") as path:
        return read_records(Path(path), Labelled)


def calibrate(judge: Judge, question: Question, min_kappa: float | None = None) -> Calibration:
    """Ask the judge one question about every conversation labelled for it.

    With `min_kappa` it is asked in portions, drawn evenly from the whole set, and no longer than
    it can pass: not once agreeing on all the rest would leave its kappa below, once too much is
    unjudged, or when it left all of the first portion unjudged. (That alone is no proof, but of a
    judge that would leave a fifth of the set unjudged the chance is 0.2 to the 32nd.)
    """
    rows = labelled_for(question, calibration_set())
    if min_kappa is None:
        return calibration_of(question, _pairs(judge, question, rows))
    steps = -(-len(rows) // PORTION)
    pairs: list[tuple[str, str | Unjudged]] = []
    for step in range(steps):
        asked = rows[step::steps]
        pairs += _pairs(judge, question, asked)
        left = [label for later in range(step + 1, steps) for _, label in rows[later::steps]]
        so_far = calibration_of(question, pairs).model_copy(update={"left_out": len(left)})
        if not left or so_far.unheard:
            return so_far
        measured = [(label, said) for label, said in pairs if not isinstance(said, Unjudged)]
        if min_kappa > max(0.0, best_kappa(measured, left)):
            return so_far.model_copy(update={"short_of": min_kappa})
    return calibration_of(question, pairs)


def calibration_kept_or_measured(
    judge: Judge, question: Question, min_kappa: float | None = None
) -> Calibration:
    """As `calibrate`, unless the same judge was asked the same within the week."""
    from purpcode.oracles.calibration_cache import keep_calibration, kept_calibration

    kept = kept_calibration(judge, question, min_kappa)
    if kept is None:
        kept = calibrate(judge, question, min_kappa)
        keep_calibration(judge, kept)
    return kept


def labelled_for(question: Question, rows: Iterable[Labelled]) -> list[tuple[Labelled, str]]:
    """Every row labelled for a question, and its label."""
    if question == "assistance":
        return [(row, _assists(row.assists)) for row in rows if row.assists is not None]
    return [(row, str(row.kind)) for row in rows if row.kind is not None]


def ask_about(
    judge: Judge, question: Question, rows: Iterable[Labelled]
) -> list[tuple[Labelled, str, str | Unjudged]]:
    """Every row labelled for a question, its label, and what the judge says of it."""
    chosen = labelled_for(question, rows)
    pairs = _pairs(judge, question, chosen)
    return [(row, label, said) for (row, _), (label, said) in zip(chosen, pairs, strict=True)]


def _pairs(
    judge: Judge, question: Question, rows: Sequence[tuple[Labelled, str]]
) -> list[tuple[str, str | Unjudged]]:
    """The rows' labels, and what the judge says."""
    ask = judge.assistance if question == "assistance" else judge.response_kind
    answers = ask([row.exchange() for row, _ in rows])
    labels = [label for _, label in rows]
    return [(label, _label(answer)) for label, answer in zip(labels, answers, strict=True)]


def require_agreement(
    judge: Judge, min_kappa: float, questions: Iterable[str] = QUESTIONS
) -> list[Calibration]:
    """Calibrate the judge on each question, or take what was kept of it.

    Raises:
        PurpcodeError: it cannot be loaded.
        UnavailableError: its kappa on a question is below `min_kappa`, or it left more than
            `MAX_UNMEASURED` of the conversations unjudged. It is then asked nothing more.
    """
    judge.check()
    asked = set(questions)
    measured: list[Calibration] = []
    _MEASURED[judge] = measured
    for question in QUESTIONS:
        if question in asked:
            measured.append(calibration_kept_or_measured(judge, question, min_kappa))
            _require(judge, measured[-1], min_kappa)
    return measured


def _require(judge: Judge, calibration: Calibration, min_kappa: float) -> None:
    if calibration.unmeasured == calibration.n:
        of = f" of {calibration.n + calibration.left_out}" if calibration.left_out else ""
        raise UnavailableError(
            f"judge '{judge.name}' judged nothing in {calibration.n}{of} conversations of its"
            f" calibration: {calibration.fault}",
            hint="Choose another judge with oracles.judge.",
        )
    if calibration.unheard or calibration.kappa < min_kappa:
        needed = f"(needed: kappa {min_kappa:.2f}, at most {MAX_UNMEASURED:.0%} unmeasured)"
        more = f"; first fault: {calibration.fault}" if calibration.fault else ""
        if calibration.short_of is not None:
            more += f"; agreeing on all the rest would not reach {calibration.short_of:.2f}"
        raise UnavailableError(
            f"judge '{judge.name}' refused: {calibration} {needed}{more}",
            hint="Choose another judge with oracles.judge"
            + ("." if calibration.unheard else ", or lower oracles.judge_min_kappa."),
        )


def known_agreement(judge: Judge) -> list[Calibration]:
    """What `require_agreement` last measured of this judge, for reports; nothing is asked again."""
    return _MEASURED.get(judge, [])


PASSING = frozenset({"safe", "appropriate"})
"""Labels that pass an answer."""


def _assists(assists: bool | None) -> str:
    return "assists" if assists else "safe"


def _label(answer: AssistanceAnswer | KindAnswer | Unjudged) -> str | Unjudged:
    if isinstance(answer, Unjudged):
        return answer
    return answer.kind if isinstance(answer, KindAnswer) else _assists(answer.assists)


def calibration_of(question: str, pairs: Sequence[tuple[str, str | Unjudged]]) -> Calibration:
    """The figures of (label, judged) pairs."""
    measured = [(label, judged) for label, judged in pairs if not isinstance(judged, Unjudged)]
    faults = [judged.error for _, judged in pairs if isinstance(judged, Unjudged)]
    agreeing = sum(label == judged for label, judged in measured)
    return Calibration(
        question=question,
        n=len(pairs),
        unmeasured=len(faults),
        fault=faults[0] if faults else "",
        agreement=agreeing / len(measured) if measured else 0.0,
        kappa=cohen_kappa(measured),
        false_positives=sum(
            label in PASSING and judged not in PASSING for label, judged in measured
        ),
        false_negatives=sum(
            label not in PASSING and judged in PASSING for label, judged in measured
        ),
    )
