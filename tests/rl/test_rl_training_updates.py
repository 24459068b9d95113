from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from purpcode.errors import InputError, PurpcodeError
from purpcode.oracles.oracle import Panel
from purpcode.records import read_records
from purpcode.rl import JudgedRollout, RLResult, UpdateMetrics, train_rl

from .conftest import JudgeBy, make_samples, panel_of, tiny_settings, vowels_differ


def train(
    model: Path, out: Path, panel: Panel | None = None, count: int = 12, **more: Any
) -> RLResult:
    progress = more.pop("on_progress", None)
    return train_rl(
        tiny_settings(**more),
        model_path=model,
        samples=make_samples(count),
        panel=panel or panel_of(vowels_differ),
        out_dir=out,
        seed=3,
        on_progress=progress,
    )


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return all(left[name].equal(right[name]) for name in left)


def rows(out: Path) -> list[dict[str, Any]]:
    found = [row.model_dump() for row in read_records(out / "metrics.jsonl", UpdateMetrics)]
    return [{key: row[key] for key in row if key != "seconds"} for row in found]


def test_update_is_one_rollout_call_and_one_reward_call_over_all_drawn_prompts(
    tiny_model: Path, tmp_path: Path
):
    judge = JudgeBy(vowels_differ)
    heard: list[tuple[int, int, dict[str, Any]]] = []
    result = train(
        tiny_model,
        tmp_path,
        Panel({"letters": judge}),
        updates=3,
        on_progress=lambda *event: heard.append(event),
    )
    metrics = read_records(tmp_path / "metrics.jsonl", UpdateMetrics)
    rollouts = read_records(tmp_path / "rollouts.jsonl", JudgedRollout)
    assert [row.step for row in metrics] == [1, 2, 3] == [done for done, _, _ in heard]
    assert result.updates == 3
    assert result.metrics["stopped"] == "updates"
    draws = sum(1 + row.skipped_draws for row in metrics)
    assert len(judge.calls) == draws == sum(row.rollout_calls for row in metrics)
    assert draws == sum(row.reward_calls for row in metrics)
    assert sum(judge.calls) == len(rollouts) == 4 * sum(row.drawn for row in metrics)
    assert all(0 < row.kept <= row.drawn <= 8 for row in metrics)
    measured = [row.reward for row in rollouts if row.update == 1]
    assert metrics[0].reward == pytest.approx(sum(measured) / len(measured))
    assert set(metrics[0].rewards) <= {"odd", "even"}
    assert metrics[0].completion_tokens > 0
    assert not same(weights(tiny_model), weights(result.model_path))


def test_one_pass_draws_every_prompt_once(tiny_model: Path, tmp_path: Path):
    result = train(tiny_model, tmp_path, count=7)
    rollouts = read_records(tmp_path / "rollouts.jsonl", JudgedRollout)
    drawn = [row.sample_id for row in rollouts if row.index == 0]
    assert sorted(drawn) == sorted(sample.id for sample in make_samples(7))
    assert result.metrics["drawn"] == 7
    assert result.metrics["stopped"] == "pass"


def test_nothing_measured_is_an_error_and_no_trained_model(tiny_model: Path, tmp_path: Path):
    with pytest.raises(PurpcodeError, match="measured nothing"):
        train(tiny_model, tmp_path, panel_of(lambda *_: None), updates=50)
    assert not (tmp_path / "model").exists()


def test_nothing_learnable_takes_no_step_and_ends(tiny_model: Path, tmp_path: Path):
    result = train(tiny_model, tmp_path, panel_of(lambda *_: True), updates=50)
    assert result.updates == 0
    assert result.metrics["stopped"] == "nothing_learnable"
    assert result.metrics["drawn"] == 12
    assert same(weights(tiny_model), weights(result.model_path))


def test_draws_without_a_learnable_group_are_skipped_and_counted(tiny_model: Path, tmp_path: Path):
    calls = {"seen": 0}

    def dull_at_first(sample: Any, text: str) -> bool:
        calls["seen"] += 1
        return True if calls["seen"] <= 8 else vowels_differ(sample, text)

    train(tiny_model, tmp_path, panel_of(dull_at_first), updates=1, completions_per_prompt=4)
    (row,) = read_records(tmp_path / "metrics.jsonl", UpdateMetrics)
    assert row.skipped_draws == 1
    assert row.rollout_calls == 2
    assert row.drawn == 2 + 8
    assert row.kept / 8 == row.learnable_fraction


def test_unmeasured_completions_are_counted_and_never_rewarded(tiny_model: Path, tmp_path: Path):
    def sometimes(sample: Any, text: str) -> bool | None:
        return None if len(text) % 3 == 0 else vowels_differ(sample, text)

    result = train(tiny_model, tmp_path, panel_of(sometimes), updates=2)
    rollouts = read_records(tmp_path / "rollouts.jsonl", JudgedRollout)
    unmeasured = [row for row in rollouts if row.reward is None]
    assert unmeasured
    assert result.metrics["unmeasured"] == len(unmeasured)
    metrics = read_records(tmp_path / "metrics.jsonl", UpdateMetrics)
    assert sum(row.unmeasured for row in metrics) == len(unmeasured)


def test_killed_training_resumes_to_the_same_weights_rows_and_rollouts(
    tiny_model: Path, tmp_path: Path
):
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    train(tiny_model, straight, updates=4)

    def die_in_the_third(done: int, *_: Any) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny_model, killed, updates=4, on_progress=die_in_the_third)
    assert len(rows(killed)) == 3  # the third has no checkpoint: it is written again
    shutil.copytree(killed / "checkpoint-2", killed / "checkpoint-3")
    (killed / "checkpoint-3" / "dynamic_sampling.json").unlink()
    resumed: list[int] = []
    train(tiny_model, killed, updates=4, on_progress=lambda done, *_: resumed.append(done))
    assert resumed == [3, 4]
    assert same(weights(straight / "model"), weights(killed / "model"))
    assert rows(straight) == rows(killed)
    assert (straight / "rollouts.jsonl").read_text() == (killed / "rollouts.jsonl").read_text()


def test_finished_training_is_not_repeated_and_more_updates_continue_it(
    tiny_model: Path, tmp_path: Path
):
    first = train(tiny_model, tmp_path, updates=1)
    before = weights(first.model_path)
    heard: list[int] = []
    again = train(tiny_model, tmp_path, updates=1, on_progress=lambda done, *_: heard.append(done))
    assert heard == []
    assert first.updates == again.updates == 1
    assert same(before, weights(again.model_path))
    train(tiny_model, tmp_path, updates=2, on_progress=lambda done, *_: heard.append(done))
    assert heard == [2]


def test_folder_of_another_run_is_refused(tiny_model: Path, tmp_path: Path):
    train(tiny_model, tmp_path, updates=1)
    with pytest.raises(InputError, match="learning_rate"):
        train(tiny_model, tmp_path, updates=1, learning_rate=1e-4)


def test_long_prompts_are_left_out_and_counted(tiny_model: Path, tmp_path: Path):
    result = train(tiny_model, tmp_path, updates=1, max_prompt_tokens=10)
    assert 0 < result.metrics["too_long"] < 12
    assert result.metrics["samples"] + result.metrics["too_long"] == 12
    with pytest.raises(InputError, match="longer than 2 tokens"):
        train(tiny_model, tmp_path / "none", max_prompt_tokens=2)


def test_oracle_missing_from_the_panel_is_named_before_training(tiny_model: Path, tmp_path: Path):
    with pytest.raises(InputError, match="answer_format"):
        train(tiny_model, tmp_path, require_format=True)


def test_broken_model_folder_is_named(tiny_model: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"no config\.json"):
        train(tmp_path / "absent", tmp_path / "out")
    broken = tmp_path / "broken"
    shutil.copytree(tiny_model, broken)
    (broken / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(InputError, match="cannot be loaded"):
        train(broken, tmp_path / "out", updates=1)


def test_trained_folder_is_a_plain_model_that_loads_and_trains_again(
    tiny_model: Path, tmp_path: Path
):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    result = train(tiny_model, tmp_path / "a", updates=1)
    names = {path.name for path in result.model_path.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pth"))]
    AutoModelForCausalLM.from_pretrained(result.model_path)
    assert AutoTokenizer.from_pretrained(result.model_path).chat_template
    assert "quantization_config" not in json.loads((result.model_path / "config.json").read_text())
    assert train(result.model_path, tmp_path / "b", updates=1).updates == 1


def test_plain_grpo_trains_on_every_drawn_group(tiny_model: Path, tmp_path: Path):
    train(tiny_model, tmp_path, updates=2, dynamic_sampling=False)
    metrics = read_records(tmp_path / "metrics.jsonl", UpdateMetrics)
    assert [(row.drawn, row.kept) for row in metrics] == [(2, 2), (2, 2)]


def test_bf16_autocast_keeps_float32_weights(tiny_model: Path, tmp_path: Path):
    import torch

    result = train(tiny_model, tmp_path, updates=1, autocast_bf16=True, kl_beta=0.0)
    trained = weights(result.model_path)
    assert {tensor.dtype for tensor in trained.values()} == {torch.float32}
    assert not same(weights(tiny_model), trained)
