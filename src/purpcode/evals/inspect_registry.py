"""What Inspect finds under the name purpcode (entry point group `inspect_ai`)."""

from purpcode.evals.quick_suite import quick_suite, recorded
from purpcode.evals.scorers import panel_scorer, unmeasured
from purpcode.models.inspect_provider import PurpcodeAPI

__all__ = ["PurpcodeAPI", "panel_scorer", "quick_suite", "recorded", "unmeasured"]
