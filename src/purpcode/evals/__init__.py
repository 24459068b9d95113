"""Benchmarks: samples and a model's answers in, judged samples and rates out.

In: held-out samples and saved completions (or a model to ask). Out: one `ScoredSample` a sample,
an `EvalHeader`, and an Inspect log that `inspect view` opens. Every benchmark is an Inspect task.
"""

from purpcode.evals.asking import generate_completions
from purpcode.evals.registry import TASKS, TaskInfo, find_task
from purpcode.evals.results import EvalHeader, ScoredSample
from purpcode.evals.stage import score_rollouts

__all__ = [
    "TASKS",
    "EvalHeader",
    "ScoredSample",
    "TaskInfo",
    "find_task",
    "generate_completions",
    "score_rollouts",
]
