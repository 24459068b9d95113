"""Context distillation: the model samples safety reasoning with the rules in its context."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from purpcode.models.journaled import GenerationRequest, generate_journaled
from purpcode.models.model import LanguageModel, Sampling
from purpcode.oracles.oracle import digest
from purpcode.rule_learning.settings import DistillSettings
from purpcode.rules import distillation_messages
from purpcode.rules.exemplars import (
    DEFAULT_EXEMPLARS,
    HELP_EXEMPLAR,
    REFUSAL_EXEMPLAR,
    SECURE_CODE_EXEMPLAR,
    Exemplar,
)
from purpcode.types import Message, Rollout, Rule, Sample

EXEMPLARS: dict[str, tuple[Exemplar, ...]] = {
    "secure_code": (REFUSAL_EXEMPLAR, SECURE_CODE_EXEMPLAR),
    "unit_tests": (REFUSAL_EXEMPLAR, SECURE_CODE_EXEMPLAR),
    "overrefusal": (REFUSAL_EXEMPLAR, HELP_EXEMPLAR),
    "malicious_assistance": (HELP_EXEMPLAR, REFUSAL_EXEMPLAR),
}
"""Objective → the pair shown, the fitting one last: small models imitate the last turn most."""


def choose_prompts(samples: Sequence[Sample], wanted: int | None, seed: int) -> list[Sample]:
    """At most `wanted` samples, round robin over the objectives, drawn under the seed."""
    if wanted is None or wanted >= len(samples):
        return list(samples)
    drawn = random.Random(f"distill:{seed}")
    queues: dict[str, list[Sample]] = {}
    for sample in samples:
        queues.setdefault(str(sample.metadata.get("objective", "")), []).append(sample)
    for queue in queues.values():
        drawn.shuffle(queue)
    chosen: list[Sample] = []
    while len(chosen) < wanted:
        for queue in queues.values():
            if queue and len(chosen) < wanted:
                chosen.append(queue.pop())
    return chosen


def contexts_digest(rules: Mapping[str, Rule]) -> str:
    """A short hash of every context a sample can get: guidelines, rule hints, exemplars."""
    bare = (Message(role="user", content=""),)
    contexts = [
        [objective, *(turn.model_dump() for turn in distillation_messages(bare, hints, pair))]
        for hints in [[], *([rule] for rule in rules.values())]
        for objective, pair in {**EXEMPLARS, "": DEFAULT_EXEMPLARS}.items()
    ]
    return digest(contexts)


def distill(
    model: LanguageModel,
    samples: Sequence[Sample],
    rules: Mapping[str, Rule],
    settings: DistillSettings,
    *,
    seed: int,
    path: Path,
    on_progress: Callable[[int], None] | None = None,
) -> list[Rollout]:
    """Draw `settings.samples` rollouts per sample; the recorded prompt is without the context.

    A sample's own rule (`metadata.rule`) is its hint; samples without one get the guidelines.
    """
    requests = []
    for sample in samples:
        rule = rules.get(str(sample.metadata.get("rule", "")))
        pair = EXEMPLARS.get(str(sample.metadata.get("objective", "")), DEFAULT_EXEMPLARS)
        context = tuple(distillation_messages(sample.messages, [rule] if rule else [], pair))
        requests += [
            GenerationRequest(sample.id, index, sample.messages, context)
            for index in range(settings.samples)
        ]
    sampling = Sampling(
        temperature=settings.temperature,
        top_p=settings.top_p,
        max_tokens=settings.max_tokens,
        seed=seed,
    )
    return generate_journaled(
        model, requests, sampling, path, batch_size=settings.batch_size, on_progress=on_progress
    )
