"""The `[distill]`, `[select]` and `[sft]` sections of a recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from purpcode.types import UnitInterval

_CONFIG = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class DistillSettings(BaseModel):
    """Sampling with guidelines, rule hints and exemplars in the context."""

    model_config = _CONFIG

    prompts: int | None = Field(None, ge=1)
    """Training prompts to sample, stratified over objectives; unset means all."""
    samples: int = Field(8, ge=1)
    """Completions per prompt (n)."""
    temperature: float = Field(0.8, gt=0)
    """Sampling temperature."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Nucleus sampling mass."""
    max_tokens: int = Field(4096, ge=16)
    """Completion budget, tokens."""
    batch_size: int = Field(16, ge=1)
    """Completions generated together; part of what a seed determines."""


class SelectSettings(BaseModel):
    """Which verified rollouts are learned from."""

    model_config = _CONFIG

    require_format: bool = True
    """Also demand the reasoning format and no repetition of every rollout."""
    min_score: UnitInterval = 0.5
    """Lowest score of a rollout worth learning."""
    easy_share: UnitInterval = 0.7
    """A prompt of which a larger share of its n rollouts verifies is easy: kept out of RL."""
    demonstrations: Literal["none", "missing", "all"] = "none"
    """Written demonstrations mixed in: none; for prompts the model could not answer itself
    (`missing`); or for every prompt (`all`). They pass the same oracles, and are counted apart."""


class SftSettings(BaseModel):
    """Supervised fine-tuning on the selected rollouts, without the context that produced them."""

    model_config = _CONFIG

    epochs: float = Field(1.0, gt=0)
    """Passes over the selected set."""
    learning_rate: float = Field(5e-6, gt=0)
    """Peak learning rate."""
    lr_schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    """Learning-rate schedule after the warm-up."""
    warmup_steps: int = Field(32, ge=0)
    """Optimiser steps of linear warm-up."""
    batch_size: int = Field(8, ge=1)
    """Rows per optimiser step and device."""
    micro_batch_size: int = Field(4, ge=1)
    """Rows per forward and backward pass; must divide `batch_size`."""
    max_tokens: int = Field(4096, ge=32)
    """Longest row, tokens; longer ones are left out and counted, never cut."""
    packing: bool = False
    """Pack rows to `max_tokens` (needs a GPU attention kernel)."""
    save_every_steps: int = Field(20, ge=1)
    """Steps between checkpoints, what a kill can lose."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of the weights in training."""
    autocast_bf16: bool = False
    """Compute in bfloat16 over float32 weights."""
