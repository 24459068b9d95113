"""Oracles judge completions, the same way in rule learning, RL and evaluation.

In: samples and completions, in batches. Out: verdicts that passed, failed or are unmeasured.
"""

from purpcode.oracles.calibration import (
    Calibration,
    calibrate,
    calibration_set,
    require_agreement,
)
from purpcode.oracles.judge import (
    AssistanceAnswer,
    Exchange,
    Judge,
    KindAnswer,
    Unjudged,
    open_judge,
)
from purpcode.oracles.kappa import best_kappa, cohen_kappa
from purpcode.oracles.oracle import Expectation, Judgement, Oracle, Panel, digest
from purpcode.oracles.refusal import is_refusal, refusal_score
from purpcode.oracles.registry import ORACLES, open_oracle, open_panel
from purpcode.oracles.settings import OracleSettings

__all__ = [
    "ORACLES",
    "AssistanceAnswer",
    "Calibration",
    "Exchange",
    "Expectation",
    "Judge",
    "Judgement",
    "KindAnswer",
    "Oracle",
    "OracleSettings",
    "Panel",
    "Unjudged",
    "best_kappa",
    "calibrate",
    "calibration_set",
    "cohen_kappa",
    "digest",
    "is_refusal",
    "open_judge",
    "open_oracle",
    "open_panel",
    "refusal_score",
    "require_agreement",
]
