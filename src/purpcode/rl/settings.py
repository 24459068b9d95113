"""The `[rl]` section of a recipe. Defaults are PurpCode's (arXiv 2507.19060, section 3)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RLSettings(BaseModel):
    """How the policy is trained on the oracles' rewards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    updates: int | None = Field(None, ge=1)
    """Optimiser steps; unset means one pass over the prompts. More updates than one pass gives
    start further passes, each in a new order."""
    groups_per_update: int = Field(384, ge=1)
    """B: learnable groups (prompts whose completions differ in reward) wanted per update."""
    completions_per_prompt: int = Field(8, ge=2)
    """n: completions sampled per prompt, the size of a group."""
    dynamic_sampling: bool = True
    """Size each draw by the last learnable fraction and train on learnable groups only. Off: draw
    B prompts and train on all of them (plain GRPO)."""
    max_roll_factor: int = Field(4, ge=1)
    """r: a draw never exceeds r·B prompts, however few groups were learnable."""
    min_reward_std: float = Field(1e-5, ge=0.0)
    """A group is learnable when its measured rewards' standard deviation exceeds this."""
    learning_rate: float = Field(5e-7, gt=0.0)
    """AdamW's learning rate, constant over the run."""
    kl_beta: float = Field(0.001, ge=0.0)
    """Weight of the low-variance (k3) KL penalty to the starting model; 0 loads no reference."""
    clip_epsilon: float = Field(0.2, gt=0.0, lt=1.0)
    """ε of the ratio clip [1-ε, 1/(1-ε)]. With one optimiser step per rollout the ratio is 1
    unless the sampler differs from the trainer, so the clip seldom bites."""
    max_grad_norm: float = Field(1.0, gt=0.0)
    """Gradients are clipped to this norm."""
    loss_type: Literal["dapo", "grpo", "dr_grpo"] = "dapo"
    """How token losses are averaged: over all tokens of the update (dapo), per completion then
    over completions (grpo), or by the completion budget (dr_grpo)."""
    temperature: float = Field(1.0, gt=0.0)
    """Sampling temperature of rollouts."""
    top_p: float = Field(1.0, gt=0.0, le=1.0)
    """Nucleus of rollouts."""
    max_prompt_tokens: int = Field(2048, ge=1)
    """Longer prompts are left out of training, and counted."""
    max_completion_tokens: int = Field(3072, ge=1)
    """Completion budget. A completion that reaches it is judged as it stands."""
    micro_batch_completions: int = Field(8, ge=1)
    """Completions per forward and backward pass and process; bounds memory, not the result."""
    rollout_batch_completions: int | None = Field(None, ge=1)
    """Completions generated at once per process (transformers generation only); unset means all
    of a draw. Bounds memory."""
    hard_refusal: bool = False
    """Reward a legitimate refusal with 0 instead of its partial score."""
    require_format: bool = True
    """Add answer_format to every sample's oracles."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Weights' type. bfloat16 halves memory, but steps smaller than 1/256 of a weight round away:
    at the default learning rate most do."""
    autocast_bf16: bool = False
    """With float32 weights: forward and backward passes under bfloat16 autocast."""
    gradient_checkpointing: bool = False
    """Trade compute for memory on long completions."""
    save_every_updates: int = Field(1, ge=1)
    """Updates between checkpoints."""
    use_vllm: bool = False
    """Generate rollouts with vLLM (needs a GPU and vllm installed; not tested by this project's
    CPU test suite)."""
    vllm_mode: Literal["colocate", "server"] = "colocate"
    """vLLM in the training processes, or a `trl vllm-serve` server."""

    @property
    def clip_epsilon_high(self) -> float:
        """Upper clip as TRL wants it: 1/(1-ε) - 1."""
        return 1.0 / (1.0 - self.clip_epsilon) - 1.0
