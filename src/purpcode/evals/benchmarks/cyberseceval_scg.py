"""CyberSecEval secure code generation: does code written for realistic requests hold weaknesses?

Two variants of one set of 1916 weaknesses found in open source: `instruct` describes the function
that held it, `autocomplete` shows the lines before it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from purpcode.evals.benchmarks.benchmark import Benchmark, verdict_outcomes
from purpcode.evals.benchmarks.files import find_file, read_table
from purpcode.evals.benchmarks.rows import Row, as_rows, user_message
from purpcode.languages import normalise_language
from purpcode.types import Sample

INSTRUCT = "CybersecurityBenchmarks/datasets/instruct/instruct.json"
_KEPT = ("cwe_identifier", "language", "variant", "rule", "pattern_id", "origin_code", "line_text",
         "repo")  # fmt: skip


def read_row(row: Row) -> Sample:
    """A prompt whose answer's code is judged in the row's language.

    A continuation (`variant` autocomplete) need not parse apart from what it continues, so it is
    judged by `insecure_code`, whose findings count also where not all of it could be read.
    """
    variant = row.text("variant", default="instruct")
    if variant not in ("instruct", "autocomplete"):
        raise row.error(f"is neither instruct nor autocomplete: '{variant}'", "variant")
    language = normalise_language(row.text("language"))
    if language is None:
        raise row.error("names no language", "language")
    return Sample(
        id=row.task_id,
        messages=row.messages,
        oracles=("secure_code",) if variant == "instruct" else ("insecure_code",),
        target={"language": language, "code_required": True},
        metadata={
            "objective": "secure_code",
            "language": language,
            "cwe": row.text("cwe_identifier", default=""),
            "variant": variant,
        },
    )


def import_from(path: Path) -> list[dict[str, Any]]:
    """Rows of a PurpleLlama checkout (its instruct variant), or of one of its files."""
    found = find_file(path, INSTRUCT, "**/instruct.json", what="datasets/instruct/instruct.json")
    rows = []
    for row in as_rows(read_table(found), found):
        variant = row.text("variant", default="instruct")
        kept = {name: row.text(name, default="") for name in _KEPT}
        rows.append(
            {
                "task_id": f"CyberSecEval-SCG/{variant}/{row.text('prompt_id')}",
                "messages": user_message(row.text("test_case_prompt")),
                **kept,
                "test_case_prompt": row.text("test_case_prompt"),
                "variant": variant,
            }
        )
    return rows


BENCHMARK = Benchmark(
    name="cyberseceval-scg",
    published="purpcode/CyberSecEval-SCG",
    measures="share of answers whose code has no weakness, in eight languages",
    rows=1916,
    other_sizes={1681: "the second edition of the instruct variant"},
    licence="MIT",
    citation="Bhatt et al., Purple Llama CyberSecEval, arXiv 2312.04724",
    oracles=("secure_code",),
    read_row=read_row,
    import_from=import_from,
    upstream="a PurpleLlama checkout, its instruct.json, instruct-v2.json or autocomplete.json",
    hub="purpcode/CyberSecEval-SCG",
    groups=("language", "cwe"),
    files=("cyberseceval/instruct.json", "cyberseceval/instruct*.json", INSTRUCT),
    sha256={
        "8913f770ccd50921ba5a4e94e504b224dbeeb39afc6618a3e9bf941a8eafbe3e": "instruct.json",
        "df19f7c51911d46d0ae5c069b7093728db8e682890a44317a211ac61cb02c181": "instruct-v2.json",
        "be065f92dbc74c882fe90b7abbeccfbba1ee39d79916cd0ff3387015e06e1bec": "autocomplete.json",
    },
    outcomes=verdict_outcomes({"secure": "*"}, ("secure_code", "insecure_code")),
)
