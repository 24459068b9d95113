"""Distillation: which prompts, what the model reads, what is recorded, and resuming."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purpcode.models.model import Sampling
from purpcode.records import read_records
from purpcode.rule_learning import DistillSettings, choose_prompts, contexts_digest, distill
from purpcode.rule_learning.distill import EXEMPLARS
from purpcode.types import Completion, Message, Rollout, Rule, Sample

OBJECTIVES = ("secure_code", "malicious_assistance", "overrefusal", "unit_tests")


def sample(number: int, objective: str, rule: str = "") -> Sample:
    return Sample(
        id=f"{objective}-{number}",
        messages=(Message(role="user", content=f"Task {number} about {objective}"),),
        oracles=("answer_format",),
        metadata={"objective": objective, "rule": rule},
    )


def samples(**counts: int) -> list[Sample]:
    return [sample(number, name) for name, count in counts.items() for number in range(count)]


RULE = Rule(
    id="no-eval",
    cwes=(95,),
    title="Evaluating input as code",
    description="Text from outside must not be evaluated as code.",
    insecure_examples=("value = eval(text)",),
    secure_examples=("value = ast.literal_eval(text)",),
    source="test",
)


class Numbered:
    """Answers with the number of the call and the length of the context, and remembers both."""

    name = "numbered"

    def __init__(self, *, fail_after: int | None = None) -> None:
        self.batches: list[list[tuple[Message, ...]]] = []
        self.samplings: list[Sampling] = []
        self.fail_after = fail_after

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        if self.fail_after is not None and len(self.batches) >= self.fail_after:
            raise KeyboardInterrupt
        self.batches.append([tuple(prompt) for prompt in prompts])
        self.samplings.append(sampling)
        answers = [
            f"{sampling.seed} {row} {prompt[-1].content}" for row, prompt in enumerate(prompts)
        ]
        return [Completion(text=answer, stop_reason="stop") for answer in answers]

    def close(self) -> None: ...


def run(model: Numbered, chosen: list[Sample], path: Path, **more: object) -> list[Rollout]:
    wanted = DistillSettings.model_validate({"samples": 3, "batch_size": 4, **more})
    return distill(model, chosen, {"no-eval": RULE}, wanted, seed=11, path=path)


# --- which prompts -----------------------------------------------------------------------------


def test_prompts_are_drawn_evenly_over_objectives_however_rare() -> None:
    chosen = choose_prompts(samples(secure_code=90, malicious_assistance=5, overrefusal=5), 12, 0)
    counts = Counter(one.metadata["objective"] for one in chosen)
    assert counts == {"secure_code": 4, "malicious_assistance": 4, "overrefusal": 4}


def test_a_small_objective_gives_all_it_has_and_the_others_fill_up() -> None:
    chosen = choose_prompts(samples(secure_code=90, malicious_assistance=2), 10, 0)
    counts = Counter(one.metadata["objective"] for one in chosen)
    assert counts == {"secure_code": 8, "malicious_assistance": 2}


def test_no_limit_or_a_large_one_takes_every_prompt_in_order() -> None:
    everything = samples(secure_code=3, overrefusal=2)
    assert choose_prompts(everything, None, 0) == everything
    assert choose_prompts(everything, 5, 0) == everything
    assert choose_prompts(everything, 99, 0) == everything


def test_the_seed_decides_the_draw() -> None:
    everything = samples(secure_code=50, overrefusal=50)
    draws = [[one.id for one in choose_prompts(everything, 20, seed)] for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


@given(
    st.dictionaries(st.sampled_from(OBJECTIVES), st.integers(0, 12)),
    st.integers(1, 40),
    st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_a_draw_is_distinct_large_enough_and_balanced(
    counts: dict[str, int], wanted: int, seed: int
) -> None:
    everything = samples(**counts)
    chosen = choose_prompts(everything, wanted, seed)
    assert len(chosen) == len({one.id for one in chosen}) == min(wanted, len(everything))
    drawn = Counter(one.metadata["objective"] for one in chosen)
    unfinished = [drawn[name] for name, count in counts.items() if drawn[name] < count]
    if unfinished:  # nobody who has more to give stays more than one behind the luckiest
        assert min(unfinished) >= max(drawn.values()) - 1


# --- what the model reads, what is recorded ------------------------------------------------------


def test_every_prompt_gets_n_rollouts_in_request_order(tmp_path: Path) -> None:
    chosen = samples(secure_code=2, malicious_assistance=3)
    rollouts = run(Numbered(), chosen, tmp_path / "records.jsonl")
    wanted = [(one.id, index) for one in chosen for index in range(3)]
    assert [(rollout.sample_id, rollout.index) for rollout in rollouts] == wanted
    assert sorted(wanted) == sorted(
        (rollout.sample_id, rollout.index)
        for rollout in read_records(tmp_path / "records.jsonl", Rollout)
    )


def test_rules_stand_in_the_context_and_not_in_the_recorded_prompt(tmp_path: Path) -> None:
    model = Numbered()
    chosen = [sample(0, "secure_code", rule="no-eval")]
    (rollout, *_) = run(model, chosen, tmp_path / "records.jsonl")
    context = "\n".join(message.content for message in model.batches[0][0])
    assert RULE.title in context or RULE.description in context
    assert "literal_eval" in context
    assert chosen[0].prompt in context
    assert rollout.messages == chosen[0].messages


def test_prompt_without_a_rule_of_its_own_gets_guidelines_and_no_rule(tmp_path: Path) -> None:
    model = Numbered()
    run(model, [sample(0, "malicious_assistance", rule="unknown")], tmp_path / "records.jsonl")
    context = "\n".join(message.content for message in model.batches[0][0])
    assert "literal_eval" not in context
    assert len(context) > 500


def test_sampling_is_the_recipes_and_seeds_differ_between_batches_of_one_prompt(
    tmp_path: Path,
) -> None:
    model = Numbered()
    more = {"samples": 4, "batch_size": 2, "temperature": 0.7, "top_p": 0.9, "max_tokens": 77}
    run(model, samples(secure_code=1), tmp_path / "records.jsonl", **more)
    assert {(s.temperature, s.top_p, s.max_tokens) for s in model.samplings} == {(0.7, 0.9, 77)}
    assert len(model.samplings) == len({s.seed for s in model.samplings}) == 2


def test_interrupted_distillation_goes_on_to_what_an_undisturbed_one_gives(tmp_path: Path) -> None:
    chosen = samples(secure_code=3, malicious_assistance=2)
    straight = run(Numbered(), chosen, tmp_path / "straight.jsonl")
    for killed_after in range(4):
        path = tmp_path / f"{killed_after}.jsonl"
        with contextlib.suppress(KeyboardInterrupt):
            run(Numbered(fail_after=killed_after), chosen, path)
        second = Numbered()
        assert run(second, chosen, path) == straight
        assert len(second.batches) == 4 - killed_after
        assert len(read_records(path, Rollout)) == len(straight)


def test_contexts_digest_follows_which_exemplars_an_objective_gets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = contexts_digest({})
    assert contexts_digest({}) == before
    overrefusal, malicious = EXEMPLARS["overrefusal"], EXEMPLARS["malicious_assistance"]
    monkeypatch.setitem(EXEMPLARS, "overrefusal", malicious)
    monkeypatch.setitem(EXEMPLARS, "malicious_assistance", overrefusal)
    assert contexts_digest({}) != before
