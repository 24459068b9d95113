"""Turns rules and seeds into prompts: what the model is trained on, and what it is tested on.

In: the rule catalogue, the shipped seed requests, `RedteamSettings` and a seed. Out: a
`RedteamDataset` whose training set and held-out suite share no task, plus its coverage.
"""

from purpcode.redteam.candidates import Demonstration
from purpcode.redteam.coverage import Coverage, coverage, coverage_markdown
from purpcode.redteam.dataset import DropRecord, RedteamDataset, build_dataset
from purpcode.redteam.settings import RedteamSettings
from purpcode.redteam.stage import load_dataset, load_samples, run_redteam, sources_digest
from purpcode.redteam.strategies import STRATEGIES

__all__ = [
    "STRATEGIES",
    "Coverage",
    "Demonstration",
    "DropRecord",
    "RedteamDataset",
    "RedteamSettings",
    "build_dataset",
    "coverage",
    "coverage_markdown",
    "load_dataset",
    "load_samples",
    "run_redteam",
    "sources_digest",
]
