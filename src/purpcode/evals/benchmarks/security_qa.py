"""SecurityQA: multiple-choice questions on computer security (CyberMetric, SecQA and the like)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from purpcode.evals.benchmarks.benchmark import Benchmark, Outcomes, plain_outcomes
from purpcode.evals.benchmarks.files import find_file, read_table
from purpcode.evals.benchmarks.rows import Row, as_rows, user_message
from purpcode.oracles.oracle import Judgement
from purpcode.types import Sample

LETTERS = "ABCDEFGH"
_ASK = "Answer the question. End with a line that says `The answer is X`, X being the letter."


def read_row(row: Row) -> Sample:
    """A question with `choices` (letter → text) and `answer` (the right letter)."""
    choices = row.data.get("choices")
    if not isinstance(choices, Mapping) or not choices:
        raise row.error("must map letters to texts", "choices")
    kept = {str(letter): str(text) for letter, text in choices.items() if text is not None}
    answer = row.text("answer").strip().upper()
    if answer not in kept:
        raise row.error(f"'{answer}' is none of {', '.join(kept)}", "answer")
    return Sample(
        id=row.task_id,
        messages=row.messages,
        oracles=("choice",),
        target={"choices": kept, "answer": answer, "expect": "answer"},
        metadata={"objective": "choice", "category": row.text("category", default="")},
    )


def import_from(path: Path) -> list[dict[str, Any]]:
    """Rows of CyberMetric's JSON (`question`, `answers`, `solution`) or of SecQA's table
    (`Question`, `A` to `D`, `Answer`)."""
    found = find_file(path, "CyberMetric*.json", "**/CyberMetric*.json", "**/secqa*.*",
                      what="CyberMetric's JSON or SecQA's table")  # fmt: skip
    rows = []
    for row in as_rows(read_table(found), found):
        choices = _choices(row)
        question = row.text("question", "Question").strip()
        listed = "\n".join(f"{letter}. {text}" for letter, text in choices.items())
        rows.append(
            {
                "task_id": f"{found.name.split('.')[0]}/{row.number - 1}",
                "messages": user_message(f"{question}\n\n{listed}\n\n{_ASK}"),
                "choices": choices,
                "answer": row.text("solution", "Answer", "answer").strip().upper(),
                "category": row.text("category", default=""),
            }
        )
    return rows


def _choices(row: Row) -> dict[str, str]:
    given = row.data.get("answers") or row.data.get("choices") or row.data
    if not isinstance(given, Mapping):
        raise row.error("must map letters to texts", "answers")
    choices = {letter: str(given[letter]) for letter in LETTERS if given.get(letter)}
    if len(choices) < 2:
        raise row.error("fewer than two choices A, B, ...", "answers")
    return choices


def outcomes(sample: Sample, judgement: Judgement) -> Outcomes:  # noqa: ARG001
    """`accuracy` is the choice's verdict; `answered` says whether a letter was chosen at all, or
    is overrefusal's verdict where the user asked for that oracle too."""
    found: Outcomes = {}
    for verdict in judgement.verdicts:
        if verdict.oracle == "choice":
            found["accuracy"] = verdict.passed
            chosen = verdict.evidence.get("chosen")
            found["answered"] = None if verdict.passed is None else bool(chosen)
    for verdict in judgement.verdicts:
        if verdict.oracle == "overrefusal":
            found["answered"] = verdict.passed
    return found if "accuracy" in found else plain_outcomes(judgement)


BENCHMARK = Benchmark(
    name="security-qa",
    published="purpcode/SecurityQA",
    measures="share of multiple-choice security questions answered, and rightly",
    rows=0,
    licence="that of the question set: see its page",
    citation="Tihanyi et al., CyberMetric, arXiv 2402.07688; Liu, SecQA, arXiv 2312.15838",
    oracles=("choice",),
    read_row=read_row,
    import_from=import_from,
    upstream="CyberMetric-*.json, or a table with columns Question, A, B, C, D and Answer",
    groups=("category",),
    files=("CyberMetric*.json", "secqa*.csv"),
    outcomes=outcomes,
)
