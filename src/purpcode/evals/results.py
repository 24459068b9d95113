"""The records an evaluation leaves behind: one per sample, and a header per evaluated model."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from purpcode.types import Completion, Message, UnitInterval, Verdict


class ScoredSample(BaseModel):
    """One judged answer (`eval/<label>/records.jsonl`).

    `objective` is one of secure_code, malicious_assistance, overrefusal, unit_tests (open set);
    `part` is "seen" (new tasks under rules met in training) or "unseen" (rules never met),
    or "" where the distinction does not apply. `passed is None` is unmeasured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_id: str
    objective: str
    part: str
    messages: tuple[Message, ...]
    completion: Completion
    verdicts: tuple[Verdict, ...]
    passed: bool | None
    score: UnitInterval | None
    metadata: dict[str, Any] = {}
    """rule, cwes, strategy ... as in the sample."""


class EvalHeader(BaseModel):
    """What was evaluated and how (`eval/<label>/header.json`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    """Short name in tables: base, rule-learned, rl."""
    model: str
    suite: str
    sampling: dict[str, Any]
    oracle_fingerprints: dict[str, str]
    samples: int
    seconds: float
    judge: str
    """Name of the judge and its measured agreement, as shown in reports."""
