"""Turns of a conversation: what each is asked, whatever the conversation looks like."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from purpcode.evals.units import by_draw, id_of_turn, turn_messages, turn_units, turns_of
from purpcode.types import Completion, Message, Rollout, Sample

TEXTS = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4)


def conversation(users: list[str], *, system: bool, preset: bool) -> Sample:
    messages = [Message(role="system", content="be brief")] if system else []
    for place, text in enumerate(users):
        if place and preset:
            messages.append(Message(role="assistant", content=f"preset {place}"))
        messages.append(Message(role="user", content=text))
    return Sample(id="c", messages=tuple(messages), oracles=("choice",))


def answered(sample: Sample) -> list[Rollout]:
    rollouts: list[Rollout] = []
    for turn in range(turns_of(sample)):
        messages = turn_messages(sample, turn, by_draw(rollouts))
        assert messages is not None
        rollouts.append(
            Rollout(
                sample_id=id_of_turn(sample, turn),
                index=0,
                messages=messages,
                completion=Completion(text=f"<think>hm</think>answer {turn}", stop_reason="stop"),
                model="m",
            )
        )
    return rollouts


@given(TEXTS, st.booleans(), st.booleans())
def test_every_turn_alternates_and_ends_with_its_own_question(
    users: list[str], system: bool, preset: bool
) -> None:
    sample = conversation(users, system=system, preset=preset)
    rollouts = answered(sample)
    for turn, rollout in enumerate(rollouts):
        spoken = [message for message in rollout.messages if message.role != "system"]
        assert [message.role for message in spoken] == ["user", "assistant"] * turn + ["user"]
        assert spoken[-1].content == users[turn]
        told = "preset" if preset and len(users) > 1 else "answer"
        assert all(message.content.startswith(told) for message in spoken[1::2])
    units = turn_units([sample], by_draw(rollouts), 1)
    assert len(units) == len(users)
    assert len({unit.sample.id for unit in units}) == len(users)
    assert all(unit.sample.messages == unit.rollout.messages for unit in units if unit.rollout)


@given(TEXTS)
def test_after_a_missing_answer_no_later_turn_is_asked_yet_all_are_counted(
    users: list[str],
) -> None:
    sample = conversation(users, system=False, preset=False)
    if len(users) > 1:
        assert turn_messages(sample, 1, {}) is None
    units = turn_units([sample], {}, 2)
    assert len(units) == 2 * len(users)
    assert all(unit.rollout is None for unit in units)
    assert {(unit.conversation, unit.index) for unit in units} == {("c", 0), ("c", 1)}
    for unit in units:  # what was not asked is told by the data's own words, up to its turn
        said = [message.content for message in unit.sample.messages]
        assert said == users[: int(unit.sample.metadata["turn"]) + 1]
