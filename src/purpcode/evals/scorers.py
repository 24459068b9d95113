"""The bridge from oracles to Inspect: a scorer that judges a whole evaluation in few batches."""

from __future__ import annotations

from typing import Any

from inspect_ai.model import ChatMessageUser
from inspect_ai.scorer import (
    Metric,
    SampleScore,
    Score,
    Scorer,
    Target,
    grouped,
    mean,
    metric,
    scorer,
)
from inspect_ai.solver import TaskState

from purpcode.evals.inspect_errors import parse_settings
from purpcode.models.gather import Gatherer
from purpcode.models.inspect_messages import from_chat_messages, to_completion
from purpcode.oracles.oracle import Judgement, Panel
from purpcode.oracles.settings import OracleSettings
from purpcode.types import Completion, Sample

GATHER_WINDOW_S = 0.25
"""Silence after which waiting answers are judged when their number is not known beforehand."""
EXPECTED_WINDOW_S = 10.0
"""The same when it is known: only samples that never reach the scorer make it matter."""
PANEL_SCORE = "panel_scorer"
"""Name of the panel's score in a log."""

_Answer = tuple[Sample, Completion]


@metric
def total() -> Metric:
    """Sum of the scores."""

    def compute(scores: list[SampleScore]) -> float:
        return sum(sample.score.as_float() for sample in scores)

    return compute


@scorer(metrics=[grouped(mean(), "objective")])
def panel_scorer(
    oracles: dict[str, Any] | str | None = None,
    panel: Panel | None = None,
    expected: int | None = None,
) -> Scorer:
    """1 where all oracles of a sample pass, 0 where one fails, unscored where it is unmeasured.

    The verdicts stand in the score's metadata. Answers that wait together are judged by one call
    of the panel, in a thread.

    Args:
        oracles: the recipe's `[oracles]` section, as a mapping or JSON; opens a panel on demand.
        panel: a panel that is open already.
        expected: how many samples the evaluation has, when known.
    """
    source = PanelSource(panel, parse_settings(oracles))
    window_s = GATHER_WINDOW_S if expected is None else EXPECTED_WINDOW_S
    judge = Gatherer(source.judge, window_s=window_s, expected=expected)

    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001
        answer = (sample_of(state), to_completion(state.output))
        return to_score(await judge(answer), answer[1])

    return score


@scorer(metrics=[grouped(total(), "objective")])
def unmeasured() -> Scorer:
    """1 where the panel could not judge the sample; runs after `panel_scorer`.

    Inspect leaves unscored samples out of every metric; this score counts them per objective.
    """

    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001
        judged = (state.scores or {}).get(PANEL_SCORE)
        passed = (judged.metadata or {}).get("passed") if judged else None
        return Score(value=float(passed is None))

    return score


class PanelSource:
    """Judges answers with a given panel, or opens the oracles the answers name as they come."""

    def __init__(self, panel: Panel | None, settings: OracleSettings) -> None:
        self._panel = panel or Panel({})
        self._settings = settings
        self._fixed = panel is not None

    def judge(self, answers: list[_Answer]) -> list[Judgement]:
        """One judgement per answer."""
        if not self._fixed:
            self._open_missing({name for sample, _ in answers for name in sample.oracles})
        return self._panel.judge([s for s, _ in answers], [c for _, c in answers])

    def _open_missing(self, names: set[str]) -> None:
        missing = sorted(names - self._panel.oracles.keys())
        if missing:
            from purpcode.evals.oracle_choice import open_eval_panel

            opened = open_eval_panel(self._settings, missing)
            self._panel = Panel({**self._panel.oracles, **opened.oracles})


def sample_of(state: TaskState) -> Sample:
    """Our sample, as `quick_suite.inspect_samples` laid it down in Inspect's."""
    asked = [ChatMessageUser(content=state.input)] if isinstance(state.input, str) else state.input
    return Sample(
        id=str(state.sample_id),
        messages=tuple(from_chat_messages(asked)),
        oracles=tuple(state.metadata["oracles"]),
        target=state.metadata["target"],
        metadata=state.metadata["sample_metadata"],
    )


def to_score(judgement: Judgement, completion: Completion) -> Score:
    """A judgement as Inspect's score, with every verdict in the metadata."""
    metadata = {
        "passed": judgement.passed,
        "score": judgement.score,
        "verdicts": [verdict.model_dump(mode="json") for verdict in judgement.verdicts],
    }
    reasons = [f"{v.oracle}: {v.error or v.reason}" for v in judgement.verdicts]
    explanation = "\n".join(reasons)
    if judgement.passed is None:
        return Score.unscored(
            reason="scoring_failed",
            answer=completion.text,
            explanation=explanation,
            metadata=metadata,
        )
    return Score(
        value=float(judgement.passed),
        answer=completion.text,
        explanation=explanation,
        metadata=metadata,
    )
