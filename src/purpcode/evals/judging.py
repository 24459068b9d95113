"""Judging answers with a panel, where an answer the model never gave stays unmeasured."""

from __future__ import annotations

from collections.abc import Sequence

from purpcode.oracles.oracle import Judgement, Panel
from purpcode.types import Completion, Sample, Verdict

OBJECTIVES = ("secure_code", "malicious_assistance", "overrefusal", "unit_tests")
"""Oracles that are objectives of their own; others, such as the format's, only accompany them."""


def judge_answers(
    panel: Panel, samples: Sequence[Sample], completions: Sequence[Completion]
) -> list[Judgement]:
    """One judgement per pair, in order. A failed call (`stop_reason="error"`) says nothing about
    the model, so no oracle sees its empty text."""
    answered = [row for row, given in enumerate(completions) if given.stop_reason != "error"]
    judged = dict(
        zip(
            answered,
            panel.judge([samples[row] for row in answered], [completions[row] for row in answered]),
            strict=True,
        )
    )
    return [
        judged[row] if row in judged else unmeasured(sample, "the model gave no answer")
        for row, sample in enumerate(samples)
    ]


def unmeasured(sample: Sample, error: str) -> Judgement:
    """The judgement of a sample that no oracle could judge."""
    return Judgement.of([Verdict.unmeasured(name, error) for name in sample.oracles])


def objective_of(sample: Sample) -> str:
    """What the sample measures: `metadata.objective`, else the first of its oracles that is an
    objective, else its first oracle."""
    named = sample.metadata.get("objective")
    if isinstance(named, str) and named:
        return named
    return next((name for name in sample.oracles if name in OBJECTIVES), sample.oracles[0])


def part_of(sample: Sample) -> str:
    """`metadata.part`: "seen", "unseen", or "" where the distinction does not apply."""
    part = sample.metadata.get("part")
    return part if isinstance(part, str) else ""
