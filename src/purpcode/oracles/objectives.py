"""What a sample is about: the one of its oracles that it was written for."""

from __future__ import annotations

from purpcode.types import Sample

OBJECTIVES = ("secure_code", "malicious_assistance", "overrefusal", "unit_tests")
"""Oracles that are objectives of their own; others, such as the format's, only accompany them."""

FORMAT_ORACLE = "answer_format"


def objective_of(sample: Sample) -> str:
    """What a sample measures and trains: `metadata.objective`, else the first of its oracles that
    is an objective, else the first that is not the format's, else the format's."""
    named = sample.metadata.get("objective")
    if isinstance(named, str) and named:
        return named
    others = [name for name in sample.oracles if name != FORMAT_ORACLE]
    return next((name for name in others if name in OBJECTIVES), (others or sample.oracles)[0])
