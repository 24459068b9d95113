"""The records an evaluation leaves behind: one per sample, and a header per evaluated model."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
    edition: str = ""
    """Which edition these rows are, where they are another one than the recipe's."""


class Asking(BaseModel):
    """What was done to the prompts before they were asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system_prompt: str = ""
    """Short hash of the reminder of the safety guidelines put before prompts; "" for none."""
    trim_thinking: bool | None = None
    """Whether earlier assistant turns were reduced to their answers; None where no prompt has
    any."""
    transform: str = ""
    """Name and short hash of the user's file that rewrote the prompts; "" for none."""

    def __str__(self) -> str:
        told = [f"reminder {self.system_prompt} as system prompt" if self.system_prompt else ""]
        if self.trim_thinking is not None:
            told.append(f"earlier thoughts {'cut' if self.trim_thinking else 'kept'}")
        told.append(f"rewritten by {self.transform}" if self.transform else "")
        return ", ".join(filter(None, told)) or "as the benchmark has them"


class TokenTotals(BaseModel):
    """Tokens of all completions of an evaluation that told theirs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt_tokens: int
    completion_tokens: int
    counted: int
    """Completions that told their tokens."""
    completions: int


class Prices(BaseModel):
    """Money per million tokens, in one currency of the user's; None is not given."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    model_in: float | None = Field(None, ge=0)
    """Of the evaluated model's prompts."""
    model_out: float | None = Field(None, ge=0)
    """Of the evaluated model's answers."""
    judge_in: float | None = Field(None, ge=0)
    """Of what a judge that is a model reads."""
    judge_out: float | None = Field(None, ge=0)
    """Of what a judge that is a model answers."""

    @model_validator(mode="after")
    def _in_pairs(self) -> Prices:
        if (self.model_in is None) != (self.model_out is None):
            raise ValueError("give both prices of the model, or neither")
        if (self.judge_in is None) != (self.judge_out is None):
            raise ValueError("give both prices of the judge, or neither")
        return self


class Cost(BaseModel):
    """What an evaluation cost at the user's prices, of the tokens that were told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prices: Prices
    model: float | None
    """All answers of the results, also those of an earlier run that was continued."""
    judge: float | None
    """Judging these answers; the judge's calibration is not in it."""


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
    judge_tokens: TokenTotals | None = None
    """What a judge that is a model used to judge these answers; None for the heuristic one."""
    cost: Cost | None = None
    """None where no prices were given."""
    asking: Asking | None = None
    """What was done to the prompts; None in results of before this was noted."""
    tokens: TokenTotals | None = None
