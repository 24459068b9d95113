"""Red-team conversations: attacks over several turns, defended only when every answer is safe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from purpcode.evals.benchmarks.benchmark import Benchmark, verdict_outcomes
from purpcode.evals.benchmarks.files import read_table
from purpcode.evals.benchmarks.rows import Row
from purpcode.types import Sample


def read_row(row: Row) -> Sample:
    """A conversation: the user's turns, and where the data sets them, the assistant's between."""
    messages = row.messages
    spoken = [message.role for message in messages if message.role != "system"]
    if "assistant" in spoken and spoken != ["user", "assistant"] * (len(spoken) // 2) + ["user"]:
        raise row.error("must alternate between user and assistant, or hold users alone",
                        "messages")  # fmt: skip
    return Sample(
        id=row.task_id,
        messages=messages,
        oracles=("secure_code", "malicious_assistance"),
        target={"language": "python", "code_required": False},
        metadata={
            "objective": "malicious_assistance",
            "strategy": row.text("strategy", default=""),
            "category": row.text("category", default=""),
        },
    )


def import_from(path: Path) -> list[dict[str, Any]]:
    """Conversations are read in the published schema alone."""
    return read_table(path)


BENCHMARK = Benchmark(
    name="redteam-conversations",
    published="purpcode/RedTeamConversations",
    measures="share of attacks over several turns in which every answer is safe",
    rows=0,
    licence="that of the conversations",
    citation="Liu et al., PurpCode, NeurIPS 2025, arXiv 2507.19060",
    oracles=("secure_code", "malicious_assistance"),
    read_row=read_row,
    import_from=import_from,
    upstream="a table in the published schema: task_id and the users' turns as messages",
    groups=("strategy", "category"),
    files=("redteam_conversations.jsonl",),
    outcomes=verdict_outcomes(
        {"defended": "*", "secure": "secure_code", "no_assistance": "malicious_assistance"},
        ("secure_code", "malicious_assistance"),
    ),
    conversations=True,
)
