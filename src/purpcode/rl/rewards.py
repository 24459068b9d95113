"""The bridge from the oracle panel to TRL: rollouts in, one reward or None per rollout out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from purpcode.oracles.oracle import Judgement, Panel
from purpcode.rl.settings import RLSettings
from purpcode.rl.update_log import UpdateLog
from purpcode.rule_learning import with_format
from purpcode.types import Completion, Sample, StopReason, UnitInterval, Usage, Verdict


class JudgedRollout(BaseModel):
    """One completion of one prompt with its verdicts (`rollouts.jsonl`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    update: int = Field(ge=1)
    """The update this completion was sampled for."""
    sample_id: str
    index: int = Field(ge=0)
    """Position in the prompt's group."""
    completion: Completion
    verdicts: tuple[Verdict, ...]
    passed: bool | None
    reward: UnitInterval | None
    """None is unmeasured."""


def reward_of(judgement: Judgement, *, hard_refusal: bool) -> float | None:
    """1 when all oracles pass, 0 on any violation, the partial score of a legitimate refusal
    (0 when `hard_refusal`), None when unmeasured. A pass below 1 is always such a refusal."""
    if judgement.score is None:
        return None
    if hard_refusal and judgement.passed and judgement.score < 1.0:
        return 0.0
    return judgement.score


class PanelReward:
    """A TRL reward function over the panel: one call judges a whole batch of rollouts.

    Every judged rollout goes to `log` with its verdicts, so completions can be read locally.
    """

    __name__ = "panel"

    def __init__(
        self,
        panel: Panel,
        samples_by_id: Mapping[str, Sample],
        settings: RLSettings,
        log: UpdateLog | None = None,
    ) -> None:
        self._panel = panel
        self._hard_refusal = settings.hard_refusal
        self._log = log
        self._samples = {
            name: with_format(sample) if settings.require_format else sample
            for name, sample in samples_by_id.items()
        }

    def __call__(
        self,
        prompts: Sequence[Any],  # noqa: ARG002  (TRL's signature; the samples hold them)
        completions: Sequence[Any],
        *,
        sample_id: Sequence[str],
        prompt_ids: Sequence[Sequence[int]] | None = None,
        completion_ids: Sequence[Sequence[int]] | None = None,
        truncated: Sequence[bool] | None = None,
        trainer_state: Any = None,
        **_: Any,
    ) -> list[float | None]:
        """Rewards in order. `completions` are conversational (one assistant message) or text;
        the ids count their tokens; `truncated` says which of them the token budget cut off."""
        samples = [self._samples[name] for name in sample_id]
        usages = _usages(len(completions), prompt_ids, completion_ids)
        cut_off = [None] * len(completions) if truncated is None else list(truncated)
        answers = [
            _completion(completion, usage, cut)
            for completion, usage, cut in zip(completions, usages, cut_off, strict=True)
        ]
        judgements = self._panel.judge(samples, answers)
        rewards = [reward_of(each, hard_refusal=self._hard_refusal) for each in judgements]
        if self._log is not None:
            update = 1 if trainer_state is None else int(trainer_state.global_step) + 1
            self._log.extend(_records(update, sample_id, answers, judgements, rewards))
        return rewards


def _usages(
    count: int,
    prompt_ids: Sequence[Sequence[int]] | None,
    completion_ids: Sequence[Sequence[int]] | None,
) -> list[Usage | None]:
    if prompt_ids is None or completion_ids is None:
        return [None] * count
    return [
        Usage(prompt_tokens=len(prompt), completion_tokens=len(completion))
        for prompt, completion in zip(prompt_ids, completion_ids, strict=True)
    ]


def _completion(completion: Any, usage: Usage | None, truncated: bool | None) -> Completion:
    text = completion if isinstance(completion, str) else completion[0].get("content") or ""
    reason: StopReason = "unknown" if truncated is None else "length" if truncated else "stop"
    return Completion(text=text, stop_reason=reason, usage=usage)


def _records(
    update: int,
    names: Sequence[str],
    answers: Sequence[Completion],
    judgements: Sequence[Judgement],
    rewards: Sequence[float | None],
) -> list[JudgedRollout]:
    seen: Counter[str] = Counter()
    records = []
    for name, answer, judgement, reward in zip(names, answers, judgements, rewards, strict=True):
        records.append(
            JudgedRollout(
                update=update,
                sample_id=name,
                index=seen[name],
                completion=answer,
                verdicts=judgement.verdicts,
                passed=judgement.passed,
                reward=reward,
            )
        )
        seen[name] += 1
    return records
