"""What Inspect finds under the name purpcode (entry point group `inspect_ai`)."""

from purpcode.evals.benchmark_tasks import TASK_BUILDERS
from purpcode.evals.inspect_turns import ask_turns, turns_scorer
from purpcode.evals.quick_suite import quick_suite, recorded
from purpcode.evals.scorers import panel_scorer, unmeasured
from purpcode.models.inspect_provider import PurpcodeAPI

__all__ = [
    "TASK_BUILDERS",
    "PurpcodeAPI",
    "ask_turns",
    "panel_scorer",
    "quick_suite",
    "recorded",
    "turns_scorer",
    "unmeasured",
]
