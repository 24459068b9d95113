"""What a sample measures, and the judgement of one that no oracle could judge."""

from __future__ import annotations

from purpcode.oracles.oracle import Judgement
from purpcode.types import Sample, Verdict

OBJECTIVES = ("secure_code", "malicious_assistance", "overrefusal", "unit_tests")
"""Oracles that are objectives of their own; others, such as the format's, only accompany them."""


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
