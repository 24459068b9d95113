"""Judging rollouts with the oracles of their samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from purpcode.oracles.oracle import Panel
from purpcode.records import Journal
from purpcode.types import Rollout, Sample, UnitInterval, Verdict

VERIFY_BATCH = 256


class VerifiedRollout(BaseModel):
    """A rollout's judgement (`verify/records.jsonl`). `passed is None` is unmeasured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_id: str
    index: int
    passed: bool | None
    score: UnitInterval | None
    verdicts: tuple[Verdict, ...]


def with_format(sample: Sample) -> Sample:
    """The sample, also judged by answer_format."""
    if "answer_format" in sample.oracles:
        return sample
    return sample.model_copy(update={"oracles": ("answer_format", *sample.oracles)})


def verify(
    rollouts: Sequence[Rollout],
    samples: Mapping[str, Sample],
    panel: Panel,
    *,
    require_format: bool,
    path: Path,
    on_progress: Callable[[int], None] | None = None,
) -> list[VerifiedRollout]:
    """Judge every rollout in batches, journaling to `path`; resumes after the judged ones.

    What an earlier try could not measure is tried again; its new record follows the old one.
    """
    with Journal(path, VerifiedRollout) as journal:
        done = {
            (record.sample_id, record.index)
            for record in journal.records
            if record.passed is not None
        }
        waiting = [
            rollout for rollout in rollouts if (rollout.sample_id, rollout.index) not in done
        ]
        if on_progress:
            on_progress(len(rollouts) - len(waiting))
        for start in range(0, len(waiting), VERIFY_BATCH):
            batch = waiting[start : start + VERIFY_BATCH]
            asked = [samples[rollout.sample_id] for rollout in batch]
            asked = [with_format(sample) for sample in asked] if require_format else asked
            judgements = panel.judge(asked, [rollout.completion for rollout in batch])
            journal.extend(
                VerifiedRollout(
                    sample_id=rollout.sample_id,
                    index=rollout.index,
                    passed=judgement.passed,
                    score=judgement.score,
                    verdicts=judgement.verdicts,
                )
                for rollout, judgement in zip(batch, judgements, strict=True)
            )
            if on_progress:
                on_progress(len(batch))
        return list({(r.sample_id, r.index): r for r in journal.records}.values())
