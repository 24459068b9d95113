"""Conversations under Inspect: the user's turns asked one by one, every answer judged."""

from __future__ import annotations

from typing import Any

from inspect_ai.scorer import Score, Scorer, Target, grouped, mean, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from purpcode.evals.inspect_errors import parse_settings
from purpcode.evals.scorers import (
    GATHER_WINDOW_S,
    PANEL_SCORE,
    PanelSource,
    sample_of,
    to_score,
)
from purpcode.evals.units import by_draw, id_of_turn, turn_messages, turn_units, turns_of
from purpcode.models.gather import Gatherer
from purpcode.models.inspect_messages import to_chat_messages, to_completion
from purpcode.oracles.oracle import Judgement
from purpcode.types import Completion, Rollout

ROLLOUTS = "purpcode_rollouts"
"""Where the solver keeps the answers of a conversation, for the scorer."""


@solver
def ask_turns() -> Solver:
    """Asks each turn with the answers to the earlier ones, these without their thoughts."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        sample = sample_of(state)
        rollouts: list[Rollout] = []
        for turn in range(turns_of(sample)):
            messages = turn_messages(sample, turn, by_draw(rollouts))
            if messages is None:
                break
            state.messages = to_chat_messages(messages)
            state = await generate(state)
            rollouts.append(
                Rollout(
                    sample_id=id_of_turn(sample, turn),
                    index=0,
                    messages=messages,
                    completion=to_completion(state.output),
                    model=str(state.model),
                )
            )
        state.store.set(ROLLOUTS, [rollout.model_dump(mode="json") for rollout in rollouts])
        return state

    return solve


@scorer(name=PANEL_SCORE, metrics=[grouped(mean(), "objective")])
def turns_scorer(oracles: dict[str, Any] | str | None = None) -> Scorer:
    """1 where every turn's answer passes all oracles, 0 where one fails, else unscored."""
    source = PanelSource(None, parse_settings(oracles))
    judge = Gatherer(source.judge, window_s=GATHER_WINDOW_S)

    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001
        sample = sample_of(state)
        kept: list[dict[str, Any]] = state.store.get(ROLLOUTS, [])
        rollouts = [Rollout.model_validate(row) for row in kept]
        units = turn_units([sample], by_draw(rollouts), 1)
        judgements: list[Judgement] = []
        for unit in units:
            completion = unit.rollout.completion if unit.rollout else _NONE
            judgements.append(await judge((unit.sample, completion)))
        verdicts = [verdict for one in judgements for verdict in one.verdicts]
        return to_score(Judgement.of(verdicts), to_completion(state.output))

    return score


_NONE = Completion(text="", stop_reason="error")
