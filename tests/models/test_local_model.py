"""A model on this machine: the shipped toy Llama under real transformers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from purpcode.errors import InputError, PurpcodeError, UnavailableError
from purpcode.models.embedded import resolve_model
from purpcode.models.journaled import GenerationRequest, generate_journaled
from purpcode.models.local import LocalModel
from purpcode.models.model import Sampling
from purpcode.models.registry import open_model
from purpcode.types import Completion, Message

SAMPLED = Sampling(temperature=1.0, max_tokens=12, seed=5)
GREEDY = Sampling(temperature=0.0, max_tokens=12)
PROMPTS = ["Hi", "Write a function that adds two numbers.", "x" * 90, "Why?"]


def conversations(*texts: str) -> list[list[Message]]:
    return [[Message(role="user", content=text)] for text in texts]


def texts(completions: list[Completion]) -> list[str]:
    return [completion.text for completion in completions]


@pytest.fixture(scope="module")
def model() -> Iterator[LocalModel]:
    model = LocalModel(resolve_model("embedded/micro"), name="micro", batch_size=2)
    yield model
    model.close()


def test_same_seed_same_answers_whatever_ran_before(model: LocalModel) -> None:
    first = model.generate(conversations(*PROMPTS), SAMPLED)
    model.generate(conversations("something else"), SAMPLED)
    assert model.generate(conversations(*PROMPTS), SAMPLED) == first
    fresh = LocalModel(resolve_model("embedded/micro"), batch_size=2)
    assert fresh.generate(conversations(*PROMPTS), SAMPLED) == first


def test_other_seed_gives_other_answers(model: LocalModel) -> None:
    other = SAMPLED.model_copy(update={"seed": 6})
    first = model.generate(conversations(*PROMPTS), SAMPLED)
    assert texts(model.generate(conversations(*PROMPTS), other)) != texts(first)


def test_answers_come_in_the_order_of_the_prompts(model: LocalModel) -> None:
    alone = [model.generate(conversations(prompt), GREEDY)[0] for prompt in PROMPTS]
    together = model.generate(conversations(*PROMPTS), GREEDY)
    lengths = [completion.usage.prompt_tokens for completion in together if completion.usage]
    assert lengths == [one.usage.prompt_tokens for one in alone if one.usage]
    assert lengths[2] == max(lengths)
    backwards = model.generate(conversations(*PROMPTS[::-1]), GREEDY)[::-1]
    assert [one.usage for one in backwards if one.usage]
    assert [b.usage.prompt_tokens for b in backwards if b.usage] == lengths
    assert together[0].text == alone[0].text


def test_repeated_prompts_of_one_batch_are_drawn_apart_when_sampling(model: LocalModel) -> None:
    wide = LocalModel(resolve_model("embedded/micro"), batch_size=8)
    drawn = texts(wide.generate(conversations(*["Tell me a story"] * 8), SAMPLED))
    assert len(set(drawn)) > 4
    greedy = texts(wide.generate(conversations(*["Tell me a story"] * 8), GREEDY))
    assert len(set(greedy)) == 1


def test_repeated_prompts_over_several_batches_are_drawn_apart(model: LocalModel) -> None:
    drawn = texts(model.generate(conversations(*["Tell me a story"] * 6), SAMPLED))
    assert len(set(drawn)) > 3


def test_sharing_a_repeated_prompt_changes_no_greedy_answer() -> None:
    wide = LocalModel(resolve_model("embedded/micro"), batch_size=8)
    apart = texts(wide.generate(conversations(*PROMPTS), GREEDY))
    repeated = [prompt for prompt in PROMPTS for _ in range(2)]
    shared = texts(wide.generate(conversations(*repeated), GREEDY))
    assert shared[::2] == shared[1::2]
    assert shared[::2] == apart


def test_stop_reason_tells_a_finished_answer_from_a_cut_one(model: LocalModel) -> None:
    cut = model.generate(conversations(*PROMPTS), SAMPLED.model_copy(update={"max_tokens": 1}))
    counts = {completion.usage.completion_tokens for completion in cut if completion.usage}
    assert counts <= {0, 1}
    assert {one.stop_reason for one in cut if one.usage and one.usage.completion_tokens == 1} == {
        "length"
    }


def test_end_of_turn_stops_an_answer_and_is_not_part_of_it(model: LocalModel) -> None:
    inner, tokenizer = model._load()
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert inner.generation_config.eos_token_id == end
    import torch

    def always_end(ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        forced = torch.full_like(scores, float("-inf"))
        forced[:, end] = 0
        return forced

    generate = inner.generate
    inner.generate = lambda *args, **more: generate(*args, logits_processor=[always_end], **more)
    try:
        (one,) = model.generate(conversations("Hi"), GREEDY)
    finally:
        inner.generate = generate
    assert (one.text, one.stop_reason) == ("", "stop")
    assert one.usage
    assert one.usage.completion_tokens == 0


def test_progress_hears_of_every_prompt(model: LocalModel) -> None:
    told: list[int] = []
    model.generate(conversations(*PROMPTS), GREEDY, on_progress=told.append)
    assert sum(told) == len(PROMPTS)


def test_no_prompts_are_no_answers(model: LocalModel) -> None:
    assert model.generate([], GREEDY) == []


def test_closed_model_loads_again_when_asked(model: LocalModel) -> None:
    first = texts(model.generate(conversations("Hi"), GREEDY))
    model.close()
    assert texts(model.generate(conversations("Hi"), GREEDY)) == first


def test_journaled_draws_resume_to_the_same_text(model: LocalModel, tmp_path: Path) -> None:
    wanted = [
        GenerationRequest(text, index, *(tuple(conversations(text)[0]),) * 2)
        for text in ("Hi", "Why?")
        for index in range(3)
    ]
    path = tmp_path / "records.jsonl"
    straight = generate_journaled(model, wanted, SAMPLED, path, batch_size=2)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:3]) + lines[3][:20], encoding="utf-8")
    fresh = LocalModel(resolve_model("embedded/micro"), name="micro", batch_size=2)
    assert generate_journaled(fresh, wanted, SAMPLED, path, batch_size=2) == straight
    assert len({rollout.completion.text for rollout in straight}) > 3


# --- what cannot be loaded -----------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["./nowhere", "~/no/such/model", "/no/such/model", "a/b/c"])
def test_model_path_that_does_not_exist_is_an_input_error(spec: str) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_model(spec)


def test_folder_without_a_model_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no config\.json"):
        open_model(str(tmp_path))


@pytest.mark.parametrize(
    ("broken", "damage"),
    [
        ("config.json", "missing"),
        ("config.json", "garbage"),
        ("tokenizer.json", "missing"),
        ("tokenizer.json", "garbage"),
        ("model.safetensors", "missing"),
        ("model.safetensors", "garbage"),
    ],
)
def test_damaged_model_folder_is_unavailable_with_the_reason(
    tmp_path: Path, broken: str, damage: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(resolve_model("embedded/micro"), folder)
    if damage == "missing":
        (folder / broken).unlink()
    else:
        (folder / broken).write_bytes(b"\x10garbage")
    with pytest.raises(PurpcodeError) as caught:
        LocalModel(folder).generate(conversations("Hi"), GREEDY)
    assert isinstance(caught.value, UnavailableError)
    assert str(folder) in caught.value.message
    assert caught.value.hint


def test_importing_the_models_room_loads_no_framework() -> None:
    code = "import purpcode.models, purpcode.models.local, purpcode.models.embedded, sys;"
    code += "print([m for m in ('torch', 'transformers', 'inspect_ai') if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert run.stdout.strip() == "[]"
