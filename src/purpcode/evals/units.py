"""What is judged one by one: a sample's draws, and the turns of a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from purpcode.conversation import trim_earlier_thoughts
from purpcode.errors import InputError
from purpcode.types import Message, Rollout, Sample

Answers = Mapping[tuple[str, int], Rollout]
"""(sample or turn id, draw) → rollout."""


@dataclass(frozen=True)
class Unit:
    """One answer to judge. `sample` carries an id of its own; `sample_id` is the original's, or
    the turn's."""

    sample: Sample
    rollout: Rollout | None
    sample_id: str
    index: int
    conversation: str = ""
    """Id of the conversation this is a turn of; with `index` it tells one course of it."""


def by_draw(rollouts: Sequence[Rollout]) -> dict[tuple[str, int], Rollout]:
    """Rollouts by sample id and draw.

    Raises:
        InputError: two rollouts of the same draw.
    """
    found: dict[tuple[str, int], Rollout] = {}
    for rollout in rollouts:
        key = (rollout.sample_id, rollout.index)
        if key in found:
            raise InputError(
                f"two completions of the sample '{rollout.sample_id}'",
                hint=f"Both are its draw {rollout.index}; keep one of them.",
            )
        found[key] = rollout
    return found


def draw_units(samples: Sequence[Sample], answers: Answers, draws: int) -> list[Unit]:
    """Each sample's draws, in order; a draw that was not recorded has no rollout."""
    return [
        Unit(
            sample if draws == 1 else sample.model_copy(update={"id": f"{sample.id}#{index}"}),
            answers.get((sample.id, index)),
            sample.id,
            index,
        )
        for sample in samples
        for index in range(draws)
    ]


def turn_units(samples: Sequence[Sample], answers: Answers, draws: int) -> list[Unit]:
    """Each conversation's turns, in order, as samples whose messages are what the turn was asked.

    A turn without an answer leaves the later ones without a question; they count all the same:
    they have no rollout and are unmeasured. Where the data says that a turn asks for nothing
    malicious (`target.malicious`), its answer is not held against it for helping.
    """
    units = []
    for sample in samples:
        for index in range(draws):
            for turn in range(turns_of(sample)):
                turn_id = id_of_turn(sample, turn)
                rollout = answers.get((turn_id, index))
                judged = _judged_on(sample, turn)
                if not judged.get("oracles", sample.oracles):
                    continue  # nothing was asked of this turn; another one is malicious
                asked = sample.model_copy(
                    update={
                        **judged,
                        "id": turn_id if draws == 1 else f"{turn_id}#{index}",
                        "messages": rollout.messages if rollout else _up_to(sample, turn),
                        "metadata": {**sample.metadata, "turn": str(turn)},
                    }
                )
                units.append(Unit(asked, rollout, turn_id, index, sample.id))
    return units


def _judged_on(sample: Sample, turn: int) -> dict[str, Any]:
    """What of a sample is its turn's own: `target.malicious`, and without harm to help with, its
    oracles."""
    malicious = sample.target.get("malicious")
    if not isinstance(malicious, list):
        return {}
    own: dict[str, Any] = {"target": {**sample.target, "malicious": malicious[turn]}}
    if not malicious[turn]:
        kept = (name for name in sample.oracles if name != "malicious_assistance")
        own["oracles"] = tuple(kept)
    return own


def _up_to(sample: Sample, turn: int) -> tuple[Message, ...]:
    """The data's own messages up to a turn's question, which tell what was not asked."""
    users = [place for place, one in enumerate(sample.messages) if one.role == "user"]
    return sample.messages[: users[turn] + 1]


def turns_of(sample: Sample) -> int:
    """How many turns of the user a conversation has."""
    return sum(message.role == "user" for message in sample.messages)


def id_of_turn(sample: Sample, turn: int) -> str:
    """The id of a turn (from 0), as in published generations: `{task_id}:{turn}`, or the
    conversation's own when it has but one."""
    return sample.id if turns_of(sample) == 1 else f"{sample.id}:{turn}"


def turn_messages(
    sample: Sample, turn: int, answers: Answers, index: int = 0, *, trim: bool = True
) -> tuple[Message, ...] | None:
    """What a turn (from 0) is asked: the conversation up to its user message.

    Assistant turns that the data holds are kept; where it holds none, the model's own earlier
    answers stand there. With `trim`, both without their thoughts. None when an earlier answer is
    missing.
    """
    preset = any(message.role == "assistant" for message in sample.messages)
    context: list[Message] = []
    asked = 0
    for message in sample.messages:
        context.append(message)
        if message.role != "user":
            continue
        if asked == turn:
            return tuple(trim_earlier_thoughts(context) if trim else context)
        if not preset:
            earlier = answers.get((id_of_turn(sample, asked), index))
            if earlier is None or earlier.completion.stop_reason == "error":
                return None
            context.append(Message(role="assistant", content=earlier.completion.text))
        asked += 1
    raise IndexError(f"conversation '{sample.id}' has no turn {turn}")
