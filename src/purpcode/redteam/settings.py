"""The `[redteam]` section of a recipe."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from purpcode.redteam.strategies.registry import STRATEGIES

_Cap = int | None


class RedteamSettings(BaseModel):
    """Which prompts are made, how many of each kind, and what is held out for evaluation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategies: tuple[str, ...] = Field(("implicit", "explicit", "continuation"), min_length=1)
    """How a rule's task is put to the model: implicit, explicit, continuation."""
    unseen_rules: int = Field(6, ge=0)
    """Rules kept wholly out of training; the seed chooses them."""
    heldout_tasks_per_rule: int = Field(2, ge=0)
    """Tasks of each training rule that never occur in training, under any strategy."""
    train_secure: _Cap = Field(None, ge=0)
    """At most this many secure-code prompts for training; unset means all."""
    train_malicious: _Cap = Field(None, ge=0)
    """At most this many malicious requests for training; unset means all."""
    train_overrefusal: _Cap = Field(None, ge=0)
    """At most this many easily refused benign requests for training; unset means all."""
    train_coding: _Cap = Field(None, ge=0)
    """At most this many plain coding tasks for training; unset means all."""
    train_questions: _Cap = Field(None, ge=0)
    """At most this many security questions for training; unset means all."""
    heldout_secure_seen: _Cap = Field(48, ge=0)
    """At most this many held-out prompts of new tasks under training rules; unset means all."""
    heldout_secure_unseen: _Cap = Field(48, ge=0)
    """At most this many held-out prompts of rules never trained on; unset means all."""
    heldout_malicious: int = Field(30, ge=0)
    """Malicious requests held out."""
    heldout_overrefusal: int = Field(24, ge=0)
    """Easily refused benign requests held out."""
    heldout_coding: int = Field(24, ge=0)
    """Plain coding tasks held out."""
    dedup_threshold: float = Field(0.70, gt=0.0, le=1.0)
    """Jaccard similarity of word n-grams from which two prompts count as near-duplicates."""
    num_perm: int = Field(250, ge=16)
    """MinHash permutations; more find near-duplicates more surely and cost more time."""
    ngram: int = Field(3, ge=1)
    """Words in an n-gram of the near-duplicate search."""

    @field_validator("strategies")
    @classmethod
    def _strategies_are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in STRATEGIES]
        if unknown:
            known = ", ".join(sorted(STRATEGIES))
            raise ValueError(f"unknown strategies {', '.join(unknown)} (known: {known})")
        if len(set(names)) < len(names):
            raise ValueError("a strategy is named twice")
        return names
