"""Asking a model: every sample, or every turn of every conversation, journaled as it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from purpcode.errors import InputError
from purpcode.evals.units import by_draw, id_of_turn, turn_messages, turns_of
from purpcode.models.journaled import GenerationRequest, generate_journaled
from purpcode.models.model import LanguageModel, Sampling
from purpcode.records import Journal
from purpcode.types import Message, Rollout, Sample

DEFAULT_BATCH = 64
SEED_STEP = 1_000_003
"""Draws differ in their seeds by multiples of this (`generate_journaled`)."""


def generate_completions(
    model: LanguageModel,
    samples: Sequence[Sample],
    sampling: Sampling,
    journal_path: Path,
    *,
    batch_size: int = DEFAULT_BATCH,
    draws: int = 1,
    on_progress: Callable[[int], None] | None = None,
) -> list[Rollout]:
    """`draws` rollouts per sample, in order, journaled batch by batch.

    Batches depend on the samples alone, so a killed run continues and records what an unkilled
    one would have. Failed calls come back as `stop_reason="error"` and are tried again next time.

    Raises:
        InputError: there are no samples, two share an id, or the journal holds answers to
            another question: other messages, another model or other sampling.
        UnavailableError: the model cannot be reached or loaded.
    """
    require_distinct(samples)
    requests = [
        GenerationRequest(sample.id, index, sample.messages, sample.messages)
        for sample in samples
        for index in range(draws)
    ]
    _require_same_question(journal_path, model.name, requests, sampling, set())
    return generate_journaled(
        model, requests, sampling, journal_path, batch_size=batch_size, on_progress=on_progress
    )


def generate_conversations(
    model: LanguageModel,
    samples: Sequence[Sample],
    sampling: Sampling,
    journal_path: Path,
    *,
    batch_size: int = DEFAULT_BATCH,
    draws: int = 1,
    trim: bool = True,
    on_progress: Callable[[int], None] | None = None,
) -> list[Rollout]:
    """A rollout per turn and draw: all first turns, then all second ones, and so on.

    A conversation of which a turn could not be answered goes no further (its later turns have
    no rollout), unless the data itself holds the assistant's turns.

    Raises what `generate_completions` raises.
    """
    require_distinct(samples)
    all_turns = {id_of_turn(s, turn) for s in samples for turn in range(turns_of(s))}
    done: list[Rollout] = []
    requests: list[GenerationRequest] = []
    for turn in range(max(map(turns_of, samples))):
        answers = by_draw(done)
        current = []
        for sample in samples:
            for index in range(draws):
                if turn >= turns_of(sample):
                    continue
                messages = turn_messages(sample, turn, answers, index, trim=trim)
                if messages is not None:
                    turn_id = id_of_turn(sample, turn)
                    current.append(GenerationRequest(turn_id, index, messages, messages))
        requests += current
        _require_same_question(journal_path, model.name, requests, sampling, all_turns)
        done += generate_journaled(
            model, current, sampling, journal_path, batch_size=batch_size, on_progress=on_progress
        )
    return done


def require_distinct(samples: Sequence[Sample]) -> None:
    """Every sample must be there once.

    Raises:
        InputError: there are none, or two share an id.
    """
    if not samples:
        raise InputError("there are no samples to evaluate")
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            raise InputError(f"two samples have the id '{sample.id}'", field="id")
        seen.add(sample.id)


def _require_same_question(
    path: Path,
    model: str,
    requests: Sequence[GenerationRequest],
    sampling: Sampling,
    later: set[str],
) -> None:
    """Saved answers are reused only for the very question they answered. What `later` names is
    asked, with messages that are not known yet."""
    with Journal(path, Rollout) as journal:
        records = list(journal.records)
    asked: dict[tuple[str, int], tuple[Message, ...]] = {
        (request.sample_id, request.index): request.messages for request in requests
    }
    for rollout in records:
        key = (rollout.sample_id, rollout.index)
        waits = key not in asked and rollout.sample_id in later
        wanted: dict[str, Any] = {
            "sample_id": rollout.sample_id if waits or key in asked else "(not asked)",
            "messages": rollout.messages if waits else asked.get(key),
            "model": model,
            "sampling": _drawn(sampling, rollout),
        }
        for field, value in wanted.items():
            if getattr(rollout, field) != value:
                raise InputError(
                    f"the saved completion of '{rollout.sample_id}' has another {field}",
                    path=path,
                    field=field,
                    hint="It belongs to an earlier evaluation; move the file away or write this"
                    " evaluation to another folder.",
                )


def _drawn(sampling: Sampling, rollout: Rollout) -> dict[str, Any]:
    """The sampling a draw must have: the same, with a seed of the same series."""
    wanted = sampling.model_dump()
    seed = rollout.sampling.get("seed")
    if isinstance(seed, int) and rollout.index and (seed - sampling.seed) % SEED_STEP == 0:
        wanted["seed"] = seed
    return wanted
