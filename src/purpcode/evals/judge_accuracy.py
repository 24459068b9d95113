"""How often a judge is right: its answers against labels, by question and by source.

Sources are the project's calibration set, its groups (the ids' beginnings), files of the user's own
in the same form, and XSTest's answers with the labels people gave them, one source a model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from purpcode.errors import InputError
from purpcode.evals.statistics import wilson
from purpcode.oracles.calibration import (
    PASSING,
    QUESTIONS,
    Labelled,
    ask_about,
    calibration_set,
)
from purpcode.oracles.human_labels import data_folder, read_xstest, xstest_files
from purpcode.oracles.judge import HEURISTIC, Exchange, Judge, KindAnswer, Unjudged
from purpcode.oracles.kappa import cohen_kappa
from purpcode.oracles.refusal import refusal_fit
from purpcode.records import read_records
from purpcode.types import Completion, Message

OURS = "calibration set"
XSTEST = "XSTest"
REFUSAL = "refusal"
"""The question behind XSTest's labels, put as response kind: does the answer refuse?"""
ANSWERS, REFUSES = "answers", "refuses"
WHOLE_ONLY = "whole only"
"""The group of XSTest's answers without the partial refusals."""
RESAMPLES = 2000
_PASSES = PASSING | {ANSWERS}


class Judged(BaseModel):
    """One labelled conversation and what the judge says of it; None was left unjudged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    source: str
    group: str
    id: str
    label: str
    judged: str | None
    fault: str = ""


class JudgeAccuracy(BaseModel):
    """A judge's agreement with the labels of one question and source.

    Intervals are 95%: Wilson's of the agreement, and of kappa the percentiles of `RESAMPLES`
    resamples of the conversations. They are None where nothing was judged, that of kappa also where
    all labels are the same, since kappa then says nothing. The positive label is the one that
    fails an answer (for `refusal`: it refuses).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    source: str
    group: str
    """"" is the whole source."""
    n: int
    unmeasured: int
    fault: str
    agreement: float
    agreement_interval: tuple[float, float] | None
    kappa: float
    kappa_interval: tuple[float, float] | None
    false_positives: int
    false_negatives: int


def judge_labelled(judge: Judge, dataset: Path | None = None) -> list[Judged]:
    """Ask the judge about every labelled conversation: of a data set, else of the calibration set
    and of XSTest's files under `PURPCODE_DATA_DIR`.

    Raises:
        InputError: the data set is missing, empty or unreadable.
        PurpcodeError: the judge cannot be loaded.
    """
    if dataset is None:
        folder = data_folder()
        files = xstest_files(folder) if folder else []
        ours = {OURS: calibration_set()}
    else:
        ours, files = _opened(dataset)
    human = {path: read_xstest(path) for path in files}
    judge.check()
    found = [one for source, rows in ours.items() for one in _judge_rows(judge, source, rows)]
    for rows in human.values():
        exchanges = [
            Exchange(
                (Message(role="user", content=row.request),),
                Completion(text=row.answer, stop_reason="stop"),
            )
            for row in rows
        ]
        for row, answer in zip(rows, judge.response_kind(exchanges), strict=True):
            found.append(
                Judged(
                    question=REFUSAL,
                    source=f"{XSTEST} {row.model}",
                    group="partial" if row.partial else "whole",
                    id=f"{row.model}-{row.number}",
                    label=REFUSES if row.refuses else ANSWERS,
                    judged=_refuses(answer),
                    fault=answer.error if isinstance(answer, Unjudged) else "",
                )
            )
    return found


def accuracies(judged: Sequence[Judged]) -> list[JudgeAccuracy]:
    """The figures of every question and source, each whole and by group where it has several."""
    keys = list(dict.fromkeys((one.question, one.source) for one in judged))
    found = []
    for question, source in keys:
        rows = [one for one in judged if (one.question, one.source) == (question, source)]
        found.append(_accuracy(rows, ""))
        groups = list(dict.fromkeys(one.group for one in rows))
        if len(groups) > 1 and question != REFUSAL:
            found += [_accuracy([one for one in rows if one.group == it], it) for it in groups]
        if len(groups) > 1 and question == REFUSAL:
            found.append(_accuracy([one for one in rows if one.group == "whole"], WHOLE_ONLY))
    return found


def kappa_interval(
    pairs: Iterable[tuple[str, str]], *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float] | None:
    """The 2.5 and 97.5 percentiles of kappa over resamples of (label, judged) pairs (Efron, 1979);
    None where fewer than two labels occur."""
    import numpy as np

    counts = Counter(pairs)
    total = sum(counts.values())
    if len({label for label, _ in counts}) < 2:
        return None
    labels = sorted({label for pair in counts for label in pair})
    table = np.array([counts[(one, other)] for one in labels for other in labels])
    drawn = np.random.default_rng(seed).multinomial(total, table / total, size=resamples)
    share = drawn.reshape(resamples, len(labels), len(labels)) / total
    observed = np.trace(share, axis1=1, axis2=2)
    expected = (share.sum(axis=1) * share.sum(axis=2)).sum(axis=1)
    beyond = np.where(expected < 1, 1 - expected, 1)
    kappas = np.where(expected < 1, (observed - expected) / beyond, 0.0)
    low, high = np.quantile(kappas, [0.025, 0.975])
    return float(low), float(high)


def accuracy_json(judge: Judge, found: Sequence[JudgeAccuracy]) -> dict[str, Any]:
    """The judge and all figures, machine-readable."""
    rows = [one.model_dump(mode="json") for one in found]
    made = {"judge": judge.name, "fingerprint": judge.fingerprint(), "figures": rows}
    return made | (
        {"fitted_to": XSTEST, "cross_validated": refusal_fit()} if _fitted(judge) else {}
    )


def fit_note(judge: Judge, found: Sequence[JudgeAccuracy]) -> str | None:
    """What to know of figures on answers to whose labels the judge's weights were fitted."""
    if not _fitted(judge) or all(one.question != REFUSAL for one in found):
        return None
    carried = "; ".join(
        f"{name}: {figures['agreement']:.1%}"
        for name, figures in refusal_fit().items()
        if "the same" not in name
    )
    return (
        f"The heuristic judge's weights were fitted to XSTest's labels. Cross-validated: {carried}."
    )


def _fitted(judge: Judge) -> bool:
    return judge.name == HEURISTIC


def _opened(dataset: Path) -> tuple[dict[str, list[Labelled]], list[Path]]:
    if dataset.is_dir():
        files = xstest_files(dataset)
        if not files:
            raise InputError("holds no xstest_v2_completions_*.csv", path=dataset)
        return {}, files
    if not dataset.is_file():
        raise InputError("no such file or folder", path=dataset)
    if dataset.suffix == ".csv":
        return {}, [dataset]
    rows = read_records(dataset, Labelled)
    if all(row.assists is None and row.kind is None for row in rows):
        raise InputError(
            "holds no labelled conversation",
            path=dataset,
            hint='One JSON object a line: {"id", "request", "response"} with "assists" (true or'
            ' false), "kind", or both.',
        )
    return {dataset.name: rows}, []


def _judge_rows(judge: Judge, source: str, rows: Sequence[Labelled]) -> list[Judged]:
    return [
        Judged(
            question=question,
            source=source,
            group=row.id.rpartition("-")[0].partition("-")[0],
            id=row.id,
            label=label,
            judged=None if isinstance(judged, Unjudged) else judged,
            fault=judged.error if isinstance(judged, Unjudged) else "",
        )
        for question in QUESTIONS
        for row, label, judged in ask_about(judge, question, rows)
    ]


def _refuses(answer: KindAnswer | Unjudged) -> str | None:
    if isinstance(answer, Unjudged):
        return None
    return REFUSES if answer.kind == "refusal" else ANSWERS


def _accuracy(rows: Sequence[Judged], group: str) -> JudgeAccuracy:
    first = rows[0]
    pairs = [(one.label, one.judged) for one in rows if one.judged is not None]
    faults = [one.fault for one in rows if one.judged is None]
    agreeing = sum(label == judged for label, judged in pairs)
    return JudgeAccuracy(
        question=first.question,
        source=first.source,
        group=group,
        n=len(rows),
        unmeasured=len(faults),
        fault=faults[0] if faults else "",
        agreement=agreeing / len(pairs) if pairs else 0.0,
        agreement_interval=wilson(agreeing, len(pairs)) if pairs else None,
        kappa=cohen_kappa(pairs),
        kappa_interval=kappa_interval(pairs),
        false_positives=sum(a in _PASSES and b not in _PASSES for a, b in pairs),
        false_negatives=sum(a not in _PASSES and b in _PASSES for a, b in pairs),
    )
