"""What an update is reported with: the row of metrics.jsonl, and the tally it is built from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict


class UpdateMetrics(BaseModel):
    """One row of metrics.jsonl: one optimiser step and the draws that led to it.

    `drawn`, `kept`, `unmeasured`, the rewards and the token counts cover all completions drawn
    since the previous update, also those of skipped draws (draws without a learnable group).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    """Updates done, from 1."""
    epoch: float
    """Passes over the prompts, fractional."""
    loss: float | None
    reward: float | None
    """Mean over measured completions; None when none was measured."""
    rewards: dict[str, float | None]
    """Mean reward per objective."""
    learnable_fraction: float
    """u of the last draw: learnable groups over drawn groups."""
    drawn: int
    """Prompts rolled out."""
    kept: int
    """Groups trained on."""
    completions: int
    unmeasured: int
    """Completions without a reward: no influence on baseline or advantage."""
    truncated: int
    """Completions cut off by the token budget."""
    completion_tokens: int
    skipped_draws: int
    rollout_calls: int
    reward_calls: int
    kl: float | None
    """Mean k3 KL to the reference, nats per token; None without a reference."""
    entropy: float | None
    """Mean token entropy of the policy, nats."""
    grad_norm: float | None
    """Before clipping."""
    learning_rate: float
    seconds: float
    """Wall clock since the previous update."""


@dataclass
class DrawTally:
    """Counts over the draws since the last update."""

    drawn: int = 0
    kept: int = 0
    learnable_fraction: float = 0.0
    draws: int = 0
    skipped_draws: int = 0
    rollout_calls: int = 0
    reward_calls: int = 0
    completions: int = 0
    unmeasured: int = 0
    truncated: int = 0
    completion_tokens: int = 0
    rewards: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(
        self, objectives: Sequence[str], rewards: Sequence[Sequence[float | None]], kept: int
    ) -> None:
        """Count one draw: the objective and the rewards of each group, and how many were kept."""
        self.draws += 1
        self.drawn += len(rewards)
        self.kept += kept
        self.skipped_draws += kept == 0
        for objective, group in zip(objectives, rewards, strict=True):
            measured = [reward for reward in group if reward is not None]
            self.rewards[objective] += measured
            self.completions += len(group)
            self.unmeasured += len(group) - len(measured)

    def row(
        self, *, step: int, epoch: float, seconds: float, logs: Mapping[str, Any]
    ) -> UpdateMetrics:
        """The metrics row, with the trainer's own figures from its `logs`."""
        everything = [reward for rewards in self.rewards.values() for reward in rewards]
        return UpdateMetrics(
            step=step,
            epoch=epoch,
            loss=logs.get("loss"),
            reward=_mean(everything),
            rewards={name: _mean(rewards) for name, rewards in sorted(self.rewards.items())},
            learnable_fraction=self.learnable_fraction,
            drawn=self.drawn,
            kept=self.kept,
            completions=self.completions,
            unmeasured=self.unmeasured,
            truncated=self.truncated,
            completion_tokens=self.completion_tokens,
            skipped_draws=self.skipped_draws,
            rollout_calls=self.rollout_calls,
            reward_calls=self.reward_calls,
            kl=logs.get("kl"),
            entropy=logs.get("entropy"),
            grad_norm=logs.get("grad_norm"),
            learning_rate=logs["learning_rate"],
            seconds=seconds,
        )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
