"""Which part of a suite a sample is in, and the judgement of one that no oracle could judge."""

from __future__ import annotations

from purpcode.oracles.oracle import Judgement
from purpcode.types import Sample, Verdict


def unmeasured(sample: Sample, error: str) -> Judgement:
    """The judgement of a sample that no oracle could judge."""
    return Judgement.of([Verdict.unmeasured(name, error) for name in sample.oracles])


def part_of(sample: Sample) -> str:
    """`metadata.part`: "seen", "unseen", or "" where the distinction does not apply."""
    part = sample.metadata.get("part")
    return part if isinstance(part, str) else ""
