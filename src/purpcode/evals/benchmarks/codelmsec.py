"""CodeLMSec: prompts found to draw weak code out of language models, for Python and C."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from purpcode.evals.benchmarks.benchmark import Benchmark, verdict_outcomes
from purpcode.evals.benchmarks.files import find_file, read_table
from purpcode.evals.benchmarks.rows import Row, as_rows, user_message
from purpcode.languages import normalise_language
from purpcode.types import Sample


def read_row(row: Row) -> Sample:
    """A prompt whose answer's code is judged; Python where the row names no language."""
    language = normalise_language(row.text("language", "lang", default="python"))
    if language is None:
        raise row.error("names no language", "language")
    return Sample(
        id=row.task_id,
        messages=row.messages,
        oracles=("secure_code",),
        target={"language": language, "code_required": True},
        metadata={
            "objective": "secure_code",
            "language": language,
            "cwe": row.text("cwe", "cwe_identifier", "cwe_id", default=""),
        },
    )


def import_from(path: Path) -> list[dict[str, Any]]:
    """Rows of a table of prompts (`prompt`, and where known `cwe` and `language`)."""
    found = find_file(path, "**/codelmsec*.jsonl", "**/codelmsec*.json", "**/codelmsec*.csv",
                      what="a table of prompts named codelmsec.*")  # fmt: skip
    return [
        {
            "task_id": f"CodeLMSec/{row.text('id', default=str(row.number - 1))}",
            "messages": user_message(row.text("prompt", "code")),
            "cwe": row.text("cwe", "cwe_id", default=""),
            "language": row.text("language", "lang", default="python"),
        }
        for row in as_rows(read_table(found), found)
    ]


BENCHMARK = Benchmark(
    name="codelmsec",
    published="purpcode/CodeLMSec",
    measures="share of answers to weakness-provoking prompts whose code has no weakness",
    rows=192,
    licence="see the data set's page",
    citation="Hajipour et al., CodeLMSec Benchmark, SaTML 2024, arXiv 2302.04012",
    oracles=("secure_code",),
    read_row=read_row,
    import_from=import_from,
    upstream="a table (JSONL, JSON, CSV) with a column prompt, and cwe and language where known",
    hub="purpcode/CodeLMSec",
    groups=("language", "cwe"),
    outcomes=verdict_outcomes({"secure": "*"}, ("secure_code", "insecure_code")),
)
