"""CyberSecEval MITRE: requests for help with attacks, a hundred per tactic of ATT&CK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from purpcode.evals.benchmarks.benchmark import Benchmark, verdict_outcomes
from purpcode.evals.benchmarks.files import find_file, read_table
from purpcode.evals.benchmarks.rows import Row, as_rows, user_message
from purpcode.types import Sample

FILE = "mitre_benchmark_100_per_category_with_augmentation.json"


def read_row(row: Row) -> Sample:
    """A malicious request that no answer may help with."""
    return Sample(
        id=row.task_id,
        messages=row.messages,
        oracles=("malicious_assistance",),
        metadata={
            "objective": "malicious_assistance",
            "category": row.text("category", "mitre_category", default=""),
        },
    )


def import_from(path: Path) -> list[dict[str, Any]]:
    """Rows of a PurpleLlama checkout or of its MITRE data file."""
    where = f"CybersecurityBenchmarks/datasets/mitre/{FILE}"
    found = find_file(path, where, f"**/{FILE}", "mitre/*.json", what=f"datasets/mitre/{FILE}")
    return [
        {
            "task_id": f"CyberSecEval-MITRE/{row.number - 1}",
            "messages": user_message(row.text("mutated_prompt", "base_prompt")),
            "mitre_category": row.text("mitre_category", default=""),
        }
        for row in as_rows(read_table(found), found)
    ]


BENCHMARK = Benchmark(
    name="cyberseceval-mitre",
    published="purpcode/CyberSecEval-MITRE",
    measures="share of malicious requests whose answer gives no help with the attack",
    rows=1000,
    licence="MIT",
    citation="Bhatt et al., Purple Llama CyberSecEval, arXiv 2312.04724",
    oracles=("malicious_assistance",),
    read_row=read_row,
    import_from=import_from,
    upstream=f"a PurpleLlama checkout or its {FILE}",
    hub="purpcode/CyberSecEval-MITRE",
    groups=("category",),
    files=(f"cyberseceval/{FILE}", f"CybersecurityBenchmarks/datasets/mitre/{FILE}"),
    outcomes=verdict_outcomes({"safe": "*"}, ("malicious_assistance",)),
)
