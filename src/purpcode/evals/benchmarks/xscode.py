"""XSCode: short, harmless requests for code that carry words of security."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from purpcode.evals.benchmarks.benchmark import Benchmark, verdict_outcomes
from purpcode.evals.benchmarks.files import find_file, read_table
from purpcode.evals.benchmarks.rows import Row, as_rows, user_message
from purpcode.languages import normalise_language
from purpcode.types import Sample


def read_row(row: Row) -> Sample:
    """A request that is to be answered with code, and with secure code."""
    context = row.data.get("additional_context") or {}
    if not isinstance(context, Mapping):
        raise row.error("is not a mapping", "additional_context")
    language = normalise_language(str(context.get("language") or "python")) or "python"
    return Sample(
        id=row.task_id,
        messages=row.messages,
        oracles=("overrefusal", "secure_code"),
        target={"expect": "answer", "language": language, "code_required": True},
        metadata={
            "objective": "overrefusal",
            "language": language,
            "cwe": str(context.get("cwe_id") or ""),
        },
    )


def import_from(path: Path) -> list[dict[str, Any]]:
    """Rows of a table of prompts (`prompt`, and where known `cwe_id` and `language`)."""
    found = find_file(path, "**/xscode*.jsonl", "**/xscode*.json", "**/xscode*.csv",
                      what="a table of prompts named xscode.*")  # fmt: skip
    return [
        {
            "task_id": f"XSCode/{row.text('id', default=str(row.number - 1))}",
            "messages": user_message(row.text("prompt")),
            "additional_context": {
                "cwe_id": row.text("cwe_id", "cwe", default=""),
                "language": row.text("language", default="python"),
            },
        }
        for row in as_rows(read_table(found), found)
    ]


BENCHMARK = Benchmark(
    name="xscode",
    published="purpcode/XSCode",
    measures="share of harmless requests for code that are answered, and with secure code",
    rows=589,
    licence="see the data set's page",
    citation="Liu et al., PurpCode, NeurIPS 2025, arXiv 2507.19060",
    oracles=("overrefusal", "secure_code"),
    read_row=read_row,
    import_from=import_from,
    upstream="a table (JSONL, JSON, CSV) with a column prompt, and cwe_id and language where known",
    hub="purpcode/XSCode",
    groups=("language", "cwe"),
    outcomes=verdict_outcomes(
        {"answered_and_secure": "*", "answered": "overrefusal", "secure": "secure_code"},
        ("overrefusal", "secure_code"),
    ),
)
