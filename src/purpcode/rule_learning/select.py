"""Best of n: per prompt the highest score, then the shortest; easy prompts are listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from purpcode.conversation import format_response
from purpcode.oracles.oracle import Panel
from purpcode.redteam import Demonstration
from purpcode.rule_learning.settings import SelectSettings
from purpcode.rule_learning.verify import VerifiedRollout, with_format
from purpcode.types import Completion, Message, Rollout, Sample


class TrainingRow(BaseModel):
    """One row of the SFT set, in the conversational columns TRL reads, with its lineage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_id: str
    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    source: Literal["distilled", "demonstration"]
    score: float


class Selection(BaseModel):
    """What selection made of the verified rollouts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[TrainingRow, ...]
    easy: tuple[str, ...]
    """Sample ids of which more than `easy_share` of the n rollouts verified."""
    counts: dict[str, int]


def select(
    samples: Sequence[Sample],
    rollouts: Sequence[Rollout],
    verified: Sequence[VerifiedRollout],
    settings: SelectSettings,
    *,
    draws: int,
) -> Selection:
    """The distilled rows: one per prompt that has a rollout of `min_score` or more.

    `draws` is n, the rollouts asked of each prompt; unanswered ones count against easiness.
    """
    judged = {(record.sample_id, record.index): record for record in verified}
    by_sample: dict[str, list[Rollout]] = {}
    for rollout in rollouts:
        by_sample.setdefault(rollout.sample_id, []).append(rollout)
    rows: list[TrainingRow] = []
    easy: list[str] = []
    unmeasured = 0
    for sample in samples:
        drawn = by_sample.get(sample.id, [])
        scored: list[tuple[float, Rollout]] = []
        for rollout in drawn:
            record = judged.get((rollout.sample_id, rollout.index))
            if record is None or record.score is None:
                unmeasured += 1
            elif record.passed and record.score >= settings.min_score:
                scored.append((record.score, rollout))
        if len(scored) > settings.easy_share * draws:
            easy.append(sample.id)
        if scored:
            rows.append(_distilled(sample, scored))
    counts = {
        "prompts": len(samples),
        "rollouts": len(rollouts),
        "verified": sum(bool(record.passed) for record in verified),
        "unmeasured": unmeasured,
        "distilled_rows": len(rows),
        "easy": len(easy),
    }
    return Selection(rows=tuple(rows), easy=tuple(easy), counts=counts)


def _distilled(sample: Sample, scored: list[tuple[float, Rollout]]) -> TrainingRow:
    score, best = min(
        scored, key=lambda pair: (-pair[0], len(pair[1].completion.text), pair[1].index)
    )
    return TrainingRow(
        sample_id=sample.id,
        prompt=sample.messages,
        completion=(Message(role="assistant", content=best.completion.text.strip()),),
        source="distilled",
        score=score,
    )


def demonstration_rows(
    samples: Sequence[Sample],
    demonstrations: Mapping[str, Demonstration],
    distilled: Sequence[TrainingRow],
    settings: SelectSettings,
) -> list[TrainingRow]:
    """The written demonstrations the recipe asks for, not yet verified (score 0)."""
    if settings.demonstrations == "none":
        return []
    answered = {row.sample_id for row in distilled}
    rows = []
    for sample in samples:
        shown = demonstrations.get(sample.id)
        if shown is None or (settings.demonstrations == "missing" and sample.id in answered):
            continue
        text = format_response(shown.analysis, shown.answer)
        rows.append(
            TrainingRow(
                sample_id=sample.id,
                prompt=sample.messages,
                completion=(Message(role="assistant", content=text),),
                source="demonstration",
                score=0.0,
            )
        )
    return rows


def verified_rows(
    rows: Sequence[TrainingRow],
    samples: Mapping[str, Sample],
    panel: Panel,
    settings: SelectSettings,
) -> tuple[list[TrainingRow], int]:
    """The rows that pass their sample's oracles, with their scores, and how many of the others
    could not be judged; the others teach nothing."""
    asked = [samples[row.sample_id] for row in rows]
    if settings.require_format:
        asked = [with_format(sample) for sample in asked]
    answers = [Completion(text=row.completion[-1].content, stop_reason="stop") for row in rows]
    judgements = panel.judge(asked, answers)
    kept = [
        row.model_copy(update={"score": judgement.score})
        for row, judgement in zip(rows, judgements, strict=True)
        if judgement.passed
        and judgement.score is not None
        and judgement.score >= settings.min_score
    ]
    return kept, sum(judgement.passed is None for judgement in judgements)
