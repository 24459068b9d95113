"""The core types every room speaks in. Frozen, validated, and free of heavy imports."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Role = Literal["system", "user", "assistant"]
Severity = Literal["low", "medium", "high", "critical"]
Confidence = Literal["low", "medium", "high"]
StopReason = Literal["stop", "length", "content_filter", "error", "unknown"]

SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
"""Severities from the mildest to the gravest; an index comparison orders them."""

UnitInterval = Annotated[float, Field(ge=0.0, le=1.0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(_Frozen):
    """One turn of a conversation."""

    role: Role
    content: str


class Sample(_Frozen):
    """What is asked of a model, and which oracles judge the answer.

    `target` holds what those oracles need (language, tests, expected behaviour ...);
    `metadata` holds lineage (rule, cwe, strategy, split ...), which no oracle reads.
    """

    id: str = Field(min_length=1)
    messages: tuple[Message, ...] = Field(min_length=1)
    oracles: tuple[str, ...] = Field(min_length=1)
    target: dict[str, Any] = {}
    metadata: dict[str, Any] = {}

    @model_validator(mode="after")
    def _ends_with_the_user(self) -> Self:
        if self.messages[-1].role != "user":
            raise ValueError("the last message of a sample must be the user's")
        return self

    @property
    def prompt(self) -> str:
        """Text of the last user message."""
        return self.messages[-1].content


class Usage(_Frozen):
    """Tokens a completion cost."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class Completion(_Frozen):
    """What a model answered. `stop_reason="length"` means it was cut off."""

    text: str
    stop_reason: StopReason = "unknown"
    usage: Usage | None = None
    logprobs: tuple[float, ...] | None = None


class Rollout(_Frozen):
    """One completion of one sample, with what produced it."""

    sample_id: str
    index: int = Field(ge=0)
    messages: tuple[Message, ...]
    completion: Completion
    model: str
    sampling: dict[str, Any] = {}


class Finding(_Frozen):
    """A weakness an analyzer saw. Lines are 1-based; `fingerprint` is stable over line moves."""

    analyzer: str
    rule_id: str
    cwes: tuple[int, ...]
    severity: Severity
    confidence: Confidence
    line: int = Field(ge=1)
    end_line: int = Field(ge=1)
    message: str
    fingerprint: str


class Verdict(_Frozen):
    """An oracle's judgement: passed, failed, or unmeasured (`passed` and `score` are None).

    Unmeasured always carries `error`: why it could not be judged. It is never safe and never 0.
    """

    oracle: str
    passed: bool | None
    score: UnitInterval | None
    reason: str
    findings: tuple[Finding, ...] = ()
    evidence: dict[str, Any] = {}
    error: str | None = None
    seconds: float = Field(default=0.0, ge=0.0)

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if (self.passed is None) != (self.score is None):
            raise ValueError("passed and score are None together or not at all")
        if (self.passed is None) != (self.error is not None):
            raise ValueError("exactly the unmeasured verdicts carry an error")
        return self

    @classmethod
    def ok(cls, oracle: str, reason: str, *, score: float = 1.0, **more: Any) -> Verdict:
        """A passed verdict."""
        return cls(oracle=oracle, passed=True, score=score, reason=reason, **more)

    @classmethod
    def failed(cls, oracle: str, reason: str, *, score: float = 0.0, **more: Any) -> Verdict:
        """A failed verdict."""
        return cls(oracle=oracle, passed=False, score=score, reason=reason, **more)

    @classmethod
    def unmeasured(cls, oracle: str, error: str, **more: Any) -> Verdict:
        """A verdict that could not be reached, and why."""
        return cls(oracle=oracle, passed=None, score=None, reason="unmeasured", error=error, **more)


class Rule(_Frozen):
    """A security rule the model is taught, with contrasting examples."""

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    cwes: tuple[int, ...] = Field(min_length=1)
    title: str
    description: str
    languages: tuple[str, ...] = ("python",)
    insecure_examples: tuple[str, ...] = Field(min_length=1)
    secure_examples: tuple[str, ...] = Field(min_length=1)
    source: str
