"""Generation that a killed process picks up where it stopped, with the same outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from purpcode.models.model import LanguageModel, Sampling
from purpcode.records import Journal
from purpcode.types import Message, Rollout


@dataclass(frozen=True)
class GenerationRequest:
    """One completion wanted: `context` is what the model reads, `messages` what is recorded
    as its prompt (they differ under context distillation). `index` numbers a sample's draws."""

    sample_id: str
    index: int
    messages: tuple[Message, ...]
    context: tuple[Message, ...]


def generate_journaled(
    model: LanguageModel,
    requests: Sequence[GenerationRequest],
    sampling: Sampling,
    path: Path,
    *,
    batch_size: int,
    on_progress: Callable[[int], None] | None = None,
) -> list[Rollout]:
    """Answer all requests, journaling to `path` batch by batch; returns rollouts in request order.

    Batches are fixed by the requests alone: by context length, the draws of one sample side by
    side (a local model then reads their common context once). A batch of which a kill left only
    a part is generated again as a whole and its missing rollouts are added, so a resumed run
    records what an unkilled one would have.
    Failed generations (`stop_reason="error"`) are not kept: they are tried again on resume.
    """
    with Journal(path, Rollout) as journal:
        done = {(rollout.sample_id, rollout.index): rollout for rollout in journal.records}
        for batch in _batches(requests, batch_size):
            missing = [request for request in batch if _key(request) not in done]
            if missing:
                rollouts = _generate(model, batch, sampling)
                fresh = {_key(request) for request in missing}
                kept = [r for r in rollouts if (r.sample_id, r.index) in fresh]
                journal.extend(r for r in kept if r.completion.stop_reason != "error")
                done.update({(r.sample_id, r.index): r for r in kept})
            if on_progress:
                on_progress(len(batch))
    return [done[_key(request)] for request in requests]


def _key(request: GenerationRequest) -> tuple[str, int]:
    return request.sample_id, request.index


def _batches(requests: Sequence[GenerationRequest], size: int) -> list[list[GenerationRequest]]:
    def order(request: GenerationRequest) -> tuple[int, str, int]:
        length = sum(len(message.content) for message in request.context)
        return length, request.sample_id, request.index

    ordered = sorted(requests, key=order)
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def _generate(
    model: LanguageModel, batch: list[GenerationRequest], sampling: Sampling
) -> list[Rollout]:
    # A sample's draws may span batches; the first index keeps their seeds apart.
    drawn = sampling.model_copy(update={"seed": sampling.seed + 1_000_003 * batch[0].index})
    completions = model.generate([request.context for request in batch], drawn)
    return [
        Rollout(
            sample_id=request.sample_id,
            index=request.index,
            messages=request.messages,
            completion=completion,
            model=model.name,
            sampling=drawn.model_dump(),
        )
        for request, completion in zip(batch, completions, strict=True)
    ]
