"""Journaled generation: a killed process goes on to what an undisturbed one would have given."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from purpcode.errors import InputError
from purpcode.models.journaled import GenerationRequest, generate_journaled
from purpcode.models.model import Sampling
from purpcode.records import read_records
from purpcode.types import Completion, Message, Rollout

SAMPLING = Sampling(temperature=0.8, max_tokens=32, seed=3)


class Batchwise:
    """Like a local model under a seed: an answer follows from the whole batch it is made in."""

    name = "batchwise"

    def __init__(self, *, broken: str = "") -> None:
        self.calls: list[list[str]] = []
        self.seeds: list[int] = []
        self.broken = broken

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        texts = [prompt[-1].content for prompt in prompts]
        self.calls.append(texts)
        self.seeds.append(sampling.seed)
        answers = []
        for row, text in enumerate(texts):
            if self.broken and self.broken in text:
                answers.append(Completion(text="", stop_reason="error"))
            else:
                answer = f"{sampling.seed}|{row}|{'+'.join(texts)}"
                answers.append(Completion(text=answer, stop_reason="stop"))
        return answers

    def close(self) -> None: ...


def request(name: str, index: int, context: str) -> GenerationRequest:
    said = (Message(role="user", content=name),)
    return GenerationRequest(name, index, said, (Message(role="user", content=context),))


def requests(prompts: int, draws: int) -> list[GenerationRequest]:
    return [
        request(f"s{number}", index, f"context {'x' * (7 * number % 5)} {number}")
        for number in range(prompts)
        for index in range(draws)
    ]


def generate(
    model: Batchwise, wanted: Sequence[GenerationRequest], path: Path, size: int = 4
) -> list[Rollout]:
    return generate_journaled(model, wanted, SAMPLING, path, batch_size=size)


def test_rollouts_come_in_request_order_with_their_recorded_prompt(tmp_path: Path) -> None:
    wanted = requests(4, 3)
    rollouts = generate(Batchwise(), wanted, tmp_path / "records.jsonl")
    assert [(r.sample_id, r.index) for r in rollouts] == [(w.sample_id, w.index) for w in wanted]
    assert [rollout.messages for rollout in rollouts] == [one.messages for one in wanted]
    assert {rollout.model for rollout in rollouts} == {"batchwise"}
    assert {rollout.sampling["temperature"] for rollout in rollouts} == {0.8}


@pytest.mark.parametrize("size", [1, 3, 4, 100])
def test_a_journal_cut_anywhere_leads_to_the_same_outcome(tmp_path: Path, size: int) -> None:
    wanted, path = requests(3, 3), tmp_path / "records.jsonl"
    straight = generate(Batchwise(), wanted, path, size)
    whole = path.read_bytes()
    ends = list(itertools.accumulate(len(line) for line in whole.splitlines(keepends=True)))
    for cut in [0, *ends, *(end - 5 for end in ends)]:
        path.write_bytes(whole[:cut])
        assert generate(Batchwise(), wanted, path, size) == straight
        kept = {(r.sample_id, r.index): r for r in read_records(path, Rollout)}
        assert len(read_records(path, Rollout)) == len(kept) == len(wanted)
        assert [kept[r.sample_id, r.index] for r in straight] == straight


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), unique=True, max_size=12),
    st.integers(1, 5),
    st.integers(0, 12),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_requests_resume_to_the_same_outcome(
    tmp_path: Path, keys: list[tuple[str, int]], size: int, kept: int
) -> None:
    wanted = [request(name, index, name * 3) for name, index in keys]
    (tmp_path / "records.jsonl").unlink(missing_ok=True)
    straight = generate(Batchwise(), wanted, tmp_path / "records.jsonl", size)
    lines = (tmp_path / "records.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "records.jsonl").write_text("".join(lines[:kept]), encoding="utf-8")
    assert generate(Batchwise(), wanted, tmp_path / "records.jsonl", size) == straight


def test_order_of_the_requests_does_not_change_an_answer(tmp_path: Path) -> None:
    wanted = requests(4, 2)
    one = generate(Batchwise(), wanted, tmp_path / "one.jsonl")
    other = generate(Batchwise(), wanted[::-1], tmp_path / "other.jsonl")
    assert other == one[::-1]


def test_complete_journal_asks_the_model_nothing_and_tells_all_progress(tmp_path: Path) -> None:
    wanted, path = requests(4, 3), tmp_path / "records.jsonl"
    generate(Batchwise(), wanted, path)
    model, told = Batchwise(), list[int]()
    generate_journaled(model, wanted, SAMPLING, path, batch_size=4, on_progress=told.append)
    assert model.calls == []
    assert sum(told) == len(wanted)


def test_failed_generation_is_returned_but_not_kept_and_tried_again(tmp_path: Path) -> None:
    wanted, path = requests(3, 1), tmp_path / "records.jsonl"
    reasons = [
        rollout.completion.stop_reason
        for rollout in generate(Batchwise(broken="1"), wanted, path, 1)
    ]
    assert reasons == ["stop", "error", "stop"]
    assert {rollout.sample_id for rollout in read_records(path, Rollout)} == {"s0", "s2"}
    second = Batchwise()
    healed = generate(second, wanted, path, 1)
    assert len(second.calls) == 1
    assert healed == generate(Batchwise(), wanted, tmp_path / "straight.jsonl", 1)


def test_draws_of_one_prompt_in_different_batches_have_different_seeds(tmp_path: Path) -> None:
    model = Batchwise()
    rollouts = generate(model, requests(1, 6), tmp_path / "records.jsonl", 2)
    assert len(set(model.seeds)) == 3
    assert len({rollout.completion.text for rollout in rollouts}) == 6


def test_journal_of_something_else_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text('{"colour": "blue"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=":1"):
        generate(Batchwise(), requests(1, 1), path)


def test_no_requests_are_no_rollouts(tmp_path: Path) -> None:
    assert generate(Batchwise(), [], tmp_path / "records.jsonl") == []
