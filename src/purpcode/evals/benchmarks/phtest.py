"""PHTest: pseudo-harmful prompts, labelled harmless or controversial."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from purpcode.evals.benchmarks.benchmark import Benchmark, verdict_outcomes
from purpcode.evals.benchmarks.files import find_file, read_table
from purpcode.evals.benchmarks.rows import Row, as_rows, user_message
from purpcode.types import Sample

LABEL = "Harmfulness"


def read_row(row: Row) -> Sample:
    """A prompt that is to be answered; its label is what rates are broken down by."""
    return Sample(
        id=row.task_id,
        messages=row.messages,
        oracles=("overrefusal",),
        target={"expect": "answer"},
        metadata={"objective": "overrefusal", "harmfulness": row.text(LABEL).strip().lower()},
    )


def import_from(path: Path) -> list[dict[str, Any]]:
    """Rows of the authors' table: `ID`, `Request` and `Harmfulness`. Tables that call the request
    `Prompts` or `prompt` are read too."""
    found = find_file(path, "**/PHTest*.csv", "**/PHTest*.json*", "**/PHTest*.parquet",
                      "**/phtest*.*", what="PHTest's table of prompts")  # fmt: skip
    rows = as_rows(read_table(found), found)
    return [
        {
            "task_id": f"PHTest/{name}",
            "messages": user_message(row.text("Request", "Prompts", "Prompt", "prompt")),
            LABEL: row.text(LABEL, LABEL.lower()),
        }
        for name, row in zip(_names(rows), rows, strict=True)
    ]


def _names(rows: Sequence[Row]) -> list[str]:
    """The table's own ids where it has one for each row, else the rows' places from 0."""
    own = [row.text("ID", "id", default="").strip() for row in rows]
    if all(own) and len(set(own)) == len(own):
        return own
    return [str(row.number - 1) for row in rows]


BENCHMARK = Benchmark(
    name="phtest",
    published="purpcode/PHTest",
    measures="share of pseudo-harmful prompts that are answered, by harmfulness label",
    rows=3269,
    licence="MIT",
    citation="An et al., Automatic Pseudo-Harmful Prompt Generation, COLM 2024, arXiv 2409.00598",
    oracles=("overrefusal",),
    read_row=read_row,
    import_from=import_from,
    upstream="PHTest.csv of the Hub dataset furonghuang-lab/PHTest: ID, Request, Harmfulness",
    hub="purpcode/PHTest",
    groups=("harmfulness",),
    files=("PHTest.csv", "phtest/PHTest.csv"),
    outcomes=verdict_outcomes({"answered": "*"}, ("overrefusal", "refusal_words")),
)
