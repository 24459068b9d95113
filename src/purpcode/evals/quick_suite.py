"""The quick suite: a held-out set of samples with their oracles, as an Inspect task.

`inspect eval purpcode/quick_suite -T data=heldout.jsonl --model openai/...` asks a model;
`-T completions=rollouts.jsonl` replays saved completions and needs none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset
from inspect_ai.dataset import Sample as InspectSample
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import Scorer
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver

from purpcode.errors import InputError
from purpcode.evals.inspect_errors import parse_settings, require_oracles, told_by_inspect
from purpcode.evals.judging import part_of
from purpcode.evals.preparation import load_samples
from purpcode.evals.scorers import panel_scorer, unmeasured
from purpcode.models.inspect_messages import to_chat_messages, to_model_output
from purpcode.oracles.objectives import objective_of
from purpcode.oracles.oracle import Panel
from purpcode.records import read_records
from purpcode.types import Completion, Rollout, Sample

NAME = "quick-suite"

NO_ANSWER = Completion(text="", stop_reason="error")
"""Stands in for a completion that was not recorded; it is never judged."""


@task
def quick_suite(
    data: str | None = None,
    completions: str | None = None,
    oracles: dict[str, Any] | str | None = None,
) -> Task:
    """Held-out prompts, judged by the oracles each sample names.

    Args:
        data: JSONL file of samples; without it, they are built of the package's own seeds.
        completions: JSONL file of rollouts to replay; without it the model is asked.
        oracles: the recipe's `[oracles]` section, as a mapping or JSON.
    """
    with told_by_inspect():
        samples = load_samples(Path(data) if data else None)
        require_oracles(samples, parse_settings(oracles))
        solve = recorded(read_by_sample(Path(completions))) if completions else None
        return suite_task(samples, solve, panel_scorer(oracles))


def recorded_task(
    samples: Sequence[Sample], rollouts: Sequence[Rollout], panel: Panel, name: str = NAME
) -> Task:
    """A task over samples and completions in hand, judged by an open panel.

    To be run with all samples in flight together: they are judged as one batch.
    """
    scorer = panel_scorer(panel=panel, expected=len(samples))
    return suite_task(samples, recorded(by_sample(rollouts)), scorer, name)


def suite_task(
    samples: Sequence[Sample],
    solve: Solver | None,
    score: Scorer,
    name: str = NAME,
    config: GenerateConfig | None = None,
) -> Task:
    """The task over any samples: `solve` answers (None: the model, in one turn), `score` judges."""
    return Task(
        dataset=MemoryDataset(inspect_samples(samples), name=name),
        solver=solve or generate(),
        scorer=[score, unmeasured()],
        config=config or GenerateConfig(),
        name=name,
    )


def inspect_samples(samples: Sequence[Sample]) -> list[InspectSample]:
    """Our samples as Inspect's; what the scorer needs lies in the metadata."""
    return [
        InspectSample(
            id=sample.id,
            input=to_chat_messages(sample.messages),
            metadata={
                "objective": objective_of(sample),
                "part": part_of(sample),
                "oracles": list(sample.oracles),
                "target": sample.target,
                "sample_metadata": sample.metadata,
            },
        )
        for sample in samples
    ]


def read_by_sample(path: Path) -> dict[str, Rollout]:
    """The rollouts of a JSONL file by sample id.

    Raises what `read_records` and `by_sample` raise.
    """
    return by_sample(read_records(path, Rollout))


def by_sample(rollouts: Sequence[Rollout]) -> dict[str, Rollout]:
    """Rollouts by sample id.

    Raises:
        InputError: two rollouts of one sample; this suite judges one completion each.
    """
    found: dict[str, Rollout] = {}
    for rollout in rollouts:
        if rollout.sample_id in found:
            raise InputError(
                f"two completions of the sample '{rollout.sample_id}'",
                hint="The quick suite judges one completion a sample; keep those of index 0.",
            )
        found[rollout.sample_id] = rollout
    return found


@solver
def recorded(rollouts: Mapping[str, Rollout]) -> Solver:
    """Answers with saved completions. A sample without one stays unanswered."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:  # noqa: ARG001
        rollout = rollouts.get(str(state.sample_id))
        completion = rollout.completion if rollout else NO_ANSWER
        state.output = to_model_output(completion, rollout.model if rollout else "none")
        state.messages.append(state.output.message)
        return state

    return solve
