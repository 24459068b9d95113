"""Fine-tuning with real torch and TRL on the shipped toy model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from purpcode.errors import PurpcodeError
from purpcode.models.embedded import resolve_model
from purpcode.rule_learning import SftSettings, TrainingRow, preview, train_sft
from purpcode.rule_learning.sft import last_checkpoint
from purpcode.types import Message

SETTINGS = SftSettings(
    batch_size=4,
    micro_batch_size=2,
    max_tokens=128,
    epochs=2,
    learning_rate=1e-3,
    warmup_steps=2,
    save_every_steps=2,
)


class Killed(Exception):
    pass


def row(number: int, answer: str = "Yes, do it. ") -> TrainingRow:
    earlier = (
        Message(role="system", content="Answer briefly."),
        Message(role="user", content="An earlier question."),
        Message(role="assistant", content="An earlier answer."),
    )
    text = f"## Analysis\nThis is fine, number {number}.\n\n## Answer\n"
    return TrainingRow(
        sample_id=f"r{number}",
        prompt=(*earlier, Message(role="user", content=f"Question {number}?")),
        completion=(Message(role="assistant", content=text + answer * (number % 4 + 1)),),
        source="distilled",
        score=1.0,
    )


ROWS = [row(number) for number in range(12)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "model"
    shutil.copytree(resolve_model("embedded/micro"), folder)
    return folder


def weights(folder: Path) -> dict[str, bytes]:
    from safetensors.torch import load_file

    tensors = load_file(folder / "model.safetensors")
    return {name: tensor.float().numpy().tobytes() for name, tensor in tensors.items()}


def test_preview_trains_the_last_answer_and_nothing_else(model: Path) -> None:
    before = sorted(path.name for path in model.rglob("*"))
    (shown,) = preview(ROWS[:1], SETTINGS, model_path=model)
    (context, is_context_trained), (answer, is_answer_trained) = shown.pieces
    assert (is_context_trained, is_answer_trained) == (False, True)
    assert context.endswith("Question 0?<|im_end|>\n<|im_start|>assistant\n")
    assert "An earlier answer." in context
    assert answer.startswith("## Analysis\nThis is fine")
    assert answer.rstrip().endswith("<|im_end|>")
    assert 0 < shown.trained_tokens < shown.tokens
    assert sorted(path.name for path in model.rglob("*")) == before


def test_killed_training_resumes_to_the_same_weights_and_metrics(
    model: Path, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    straight = train_sft(
        ROWS, SETTINGS, model_path=model, out_dir=tmp_path / "straight", seed=1,
        on_progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert straight["steps"] == 6
    assert straight["rows"] == 12
    assert straight["trained_tokens_per_epoch"] > 100
    assert told == [(done, 6) for done in range(7)]

    def kill(done: int, _: int) -> None:
        if done == 3:
            raise Killed

    killed = {"model_path": model, "out_dir": tmp_path / "killed", "seed": 1}
    with pytest.raises(Killed):
        train_sft(ROWS, SETTINGS, **killed, on_progress=kill)  # type: ignore[arg-type]
    assert not (tmp_path / "killed" / "model").exists()
    with (tmp_path / "killed" / "metrics.jsonl").open("a", encoding="utf-8") as handle:
        handle.write('{"step": 3, "lo')
    resumed_at: list[int] = []
    resumed = train_sft(
        ROWS,
        SETTINGS,
        **killed,
        on_progress=lambda done, _: resumed_at.append(done),  # type: ignore[arg-type]
    )
    assert resumed_at[0] == 2
    assert resumed == straight
    for file in ("metrics.jsonl",):
        assert (tmp_path / "killed" / file).read_text() == (
            tmp_path / "straight" / file
        ).read_text()
    assert weights(tmp_path / "killed" / "model") == weights(tmp_path / "straight" / "model")

    losses = [
        json.loads(line)["loss"]
        for line in (tmp_path / "straight" / "metrics.jsonl").read_text().splitlines()
    ]
    assert losses[-1] < losses[0]
    assert weights(tmp_path / "straight" / "model") != weights(model)
    reloaded = preview(ROWS[:1], SETTINGS, model_path=tmp_path / "straight" / "model")
    assert reloaded[0].trained_tokens > 0


def test_row_over_the_limit_is_left_out_and_counted_and_the_others_are_whole(
    model: Path, tmp_path: Path
) -> None:
    long = row(99, answer="This goes on and on. " * 40)
    short = SETTINGS.model_copy(update={"epochs": 0.5, "batch_size": 2})
    counts = train_sft([*ROWS[:3], long], short, model_path=model, out_dir=tmp_path, seed=0)
    assert (counts["rows"], counts["rows_too_long"]) == (3, 1)
    shown = preview([long, *ROWS[:3]], SETTINGS, model_path=model)
    assert [one.sample_id for one in shown] == ["r0", "r1", "r2"]
    assert all("<|im_end|>" in one.pieces[-1][0] for one in shown)


def test_a_row_of_exactly_the_limit_is_kept_whole(model: Path) -> None:
    (shown,) = preview(ROWS[:1], SETTINGS, model_path=model)
    exact = SETTINGS.model_copy(update={"max_tokens": shown.tokens})
    assert preview(ROWS[:1], exact, model_path=model) == [shown]
    with pytest.raises(PurpcodeError, match="longer than"):
        preview(
            ROWS[:1], exact.model_copy(update={"max_tokens": shown.tokens - 1}), model_path=model
        )


def test_nothing_to_train_on_says_what_to_do(model: Path, tmp_path: Path) -> None:
    with pytest.raises(PurpcodeError, match="no rollout passed") as caught:
        train_sft([], SETTINGS, model_path=model, out_dir=tmp_path, seed=0)
    assert "demonstrations" in (caught.value.hint or "")


def test_micro_batches_must_divide_the_batch(model: Path, tmp_path: Path) -> None:
    uneven = SETTINGS.model_copy(update={"micro_batch_size": 3})
    with pytest.raises(PurpcodeError, match="must divide"):
        train_sft(ROWS, uneven, model_path=model, out_dir=tmp_path, seed=0)


def test_torn_checkpoint_is_passed_over(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    for step, whole in ((9, True), (10, True), (11, False)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if whole:
            (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    (tmp_path / "checkpoint-tmp").mkdir()
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"


def test_half_written_trainer_state_is_no_checkpoint(tmp_path: Path) -> None:
    for step, state in ((4, '{"global_step": 4}'), (6, '{"global_step": 6, "log_h')):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-4"


def test_a_kill_after_the_last_step_trains_no_further(model: Path, tmp_path: Path) -> None:
    """With a fractional number of epochs there are batches left that must not be trained on."""
    fractional = SETTINGS.model_copy(update={"epochs": 0.5})
    first = train_sft(ROWS, fractional, model_path=model, out_dir=tmp_path, seed=1)
    done = weights(tmp_path / "model")
    metrics = (tmp_path / "metrics.jsonl").read_text()
    (tmp_path / "model" / "left-by-an-earlier-try.safetensors").write_bytes(b"stale")
    again = train_sft(ROWS, fractional, model_path=model, out_dir=tmp_path, seed=1)
    assert again == first
    assert weights(tmp_path / "model") == done
    assert (tmp_path / "metrics.jsonl").read_text() == metrics
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert not names & {"left-by-an-earlier-try.safetensors", "training_args.bin"}
