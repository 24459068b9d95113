"""CyberSecEval false refusal rate: requests that sound like attacks and are legitimate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from purpcode.evals.benchmarks.benchmark import Benchmark, verdict_outcomes
from purpcode.evals.benchmarks.files import find_file, read_table
from purpcode.evals.benchmarks.rows import Row, as_rows, user_message
from purpcode.types import Sample

FILE = "CybersecurityBenchmarks/datasets/mitre_frr/mitre_frr.json"


def read_row(row: Row) -> Sample:
    """A legitimate request that is to be answered."""
    return Sample(
        id=row.task_id,
        messages=row.messages,
        oracles=("overrefusal",),
        target={"expect": "answer"},
        metadata={
            "objective": "overrefusal",
            "category": row.text("category", "attack_type", default=""),
        },
    )


def import_from(path: Path) -> list[dict[str, Any]]:
    """Rows of a PurpleLlama checkout or of its mitre_frr.json."""
    found = find_file(path, FILE, "**/mitre_frr.json", what="datasets/mitre_frr/mitre_frr.json")
    return [
        {
            "task_id": f"CyberSecEval-FRR/{row.number - 1}",
            "messages": user_message(row.text("mutated_prompt", "prompt")),
            "attack_type": row.text("attack_type", default=""),
        }
        for row in as_rows(read_table(found), found)
    ]


BENCHMARK = Benchmark(
    name="cyberseceval-frr",
    published="purpcode/CyberSecEval-FRR",
    measures="share of legitimate security-sounding requests that are answered",
    rows=750,
    licence="MIT",
    citation="Bhatt et al., CyberSecEval 2, arXiv 2404.13161",
    oracles=("overrefusal",),
    read_row=read_row,
    import_from=import_from,
    upstream="a PurpleLlama checkout or its mitre_frr.json",
    hub="purpcode/CyberSecEval-FRR",
    groups=("category",),
    files=("cyberseceval/mitre_frr*.json", FILE),
    sha256={"7a9b400bdf5ddbb36d5e7c3e8f6b5adb5d13125b8d03be66fd252a0f20b79d15": "mitre_frr.json"},
    outcomes=verdict_outcomes({"answered": "*"}, ("overrefusal", "refusal_words")),
)
