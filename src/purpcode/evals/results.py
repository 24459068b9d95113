"""The records an evaluation leaves behind: one per sample, and a header per evaluated model."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from purpcode.types import Completion, Message, UnitInterval, Verdict


class DataInfo(BaseModel):
    """Which rows a benchmark was run on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    """File, folder or dataset."""
    sha256: str = ""
    """SHA-256 of the upstream file's content; empty for a folder, the Hub or converted rows."""
    digest: str
    """Short hash of the rows themselves."""
    rows: int
    expected_rows: int
    problem: str = ""
    """Why these rows are not the whole benchmark; empty when they are."""


class TokenTotals(BaseModel):
    """Tokens of all completions of an evaluation that told theirs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt_tokens: int
    completion_tokens: int
    counted: int
    """Completions that told their tokens."""
    completions: int


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
    index: int = 0
    """Which of the sample's draws this is."""
    groups: dict[str, str] = {}
    """What rates are broken down by: language, cwe, category, turn ..."""
    outcomes: dict[str, bool | None] = {}
    """Metric → passed, failed or None; empty means `passed` is the only one."""
    conversation: str = ""
    """Id of the conversation this answer is a turn of; empty outside of conversations. With
    `index` it names one course of it."""


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
    published: str = ""
    """Published name of the benchmark; empty for the quick suite."""
    data: DataInfo | None = None
    """Which rows; None for the package's own samples."""
    draws: int = 1
    """Completions per prompt."""
    subset: dict[str, Any] = {}
    """`limit` and `sample_ids`, where only some rows were asked."""
    oracles: tuple[str, ...] = ()
    """Oracles chosen by the user in place of the benchmark's own; empty means its own."""
    tokens: TokenTotals | None = None
