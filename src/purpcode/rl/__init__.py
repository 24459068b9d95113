"""Reinforcement learning: GRPO with single-step dynamic sampling, rewarded by the oracles.

In: a local model folder, samples, the oracle panel. Out: a trained model folder, metrics.jsonl
(one row per update) and rollouts.jsonl (every completion with its verdicts)."""

from purpcode.oracles.objectives import objective_of
from purpcode.rl.dynamic_sampling import DynamicSampler, is_learnable
from purpcode.rl.metrics import UpdateMetrics
from purpcode.rl.rewards import JudgedRollout, PanelReward
from purpcode.rl.settings import RLSettings
from purpcode.rl.stage import RLResult, train_rl

__all__ = [
    "DynamicSampler",
    "JudgedRollout",
    "PanelReward",
    "RLResult",
    "RLSettings",
    "UpdateMetrics",
    "is_learnable",
    "objective_of",
    "train_rl",
]
