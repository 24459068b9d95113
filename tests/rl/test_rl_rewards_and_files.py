from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import BaseModel

from purpcode.errors import InputError
from purpcode.oracles.oracle import Judgement, Panel
from purpcode.records import read_records
from purpcode.rl import JudgedRollout, PanelReward, RLSettings, objective_of
from purpcode.rl.checkpoints import (
    complete_checkpoints,
    load_sampler_state,
    remove_torn_checkpoints,
    save_sampler_state,
)
from purpcode.rl.rewards import reward_of
from purpcode.rl.update_log import UpdateLog
from purpcode.types import Message, Sample, Verdict


class Scripted:
    """Unmeasured for "crash", a refusal for "refuse", else pass or fail by the word."""

    name = "secure_code"

    def fingerprint(self) -> str:
        return "1"

    def judge(self, samples, completions):
        table = {
            "good": Verdict.ok(self.name, "clean"),
            "refuse": Verdict.ok(self.name, "refused", score=0.8),
            "bad": Verdict.failed(self.name, "finding"),
            "crash": Verdict.unmeasured(self.name, "crashed"),
        }
        return [table[completion.text] for completion in completions]


def sample(name: str = "s", **more) -> Sample:
    fields = {"oracles": ("secure_code",), **more}
    return Sample(id=name, messages=(Message(role="user", content="hi"),), **fields)


def reward_function(settings: RLSettings, log: UpdateLog | None = None) -> PanelReward:
    samples = {name: sample(name) for name in ("s", "t")}
    return PanelReward(Panel({"secure_code": Scripted()}), samples, settings, log)


def test_rewards_follow_the_judgement_and_unmeasured_is_none():
    reward = reward_function(RLSettings(require_format=False))
    words = ["good", "refuse", "bad", "crash"]
    chats = [[{"role": "assistant", "content": word}] for word in words]
    assert reward([None] * 4, chats, sample_id=["s"] * 4) == [1.0, 0.8, 0.0, None]
    assert reward([None] * 4, words, sample_id=["s"] * 4) == [1.0, 0.8, 0.0, None]


def test_hard_refusal_earns_nothing_but_a_clean_answer_still_does():
    reward = reward_function(RLSettings(require_format=False, hard_refusal=True))
    words = ["good", "refuse", "crash"]
    assert reward([None] * 3, words, sample_id=["s"] * 3) == [1.0, 0.0, None]


def test_format_is_judged_unless_it_is_switched_off():
    reward = reward_function(RLSettings())
    # No answer_format on this panel: the completion is unmeasured, not passed.
    assert reward([None], ["good"], sample_id=["s"]) == [None]
    # A violation is a violation whatever else is unmeasured.
    assert reward([None], ["bad"], sample_id=["s"]) == [0.0]


def test_every_rollout_is_recorded_with_its_verdicts(tmp_path: Path):
    log = UpdateLog(tmp_path / "rollouts.jsonl", number_field="update")
    reward = reward_function(RLSettings(require_format=False), log)
    reward(
        [None] * 3,
        ["good", "crash", "bad"],
        sample_id=["s", "s", "t"],
        prompt_ids=[[1], [1], [1, 2]],
        completion_ids=[[4, 5], [4], [4, 5, 6]],
        truncated=[False, True, False],
        trainer_state=SimpleNamespace(global_step=6),
    )
    rows = read_records(log.path, JudgedRollout)
    assert [(row.update, row.sample_id, row.index) for row in rows] == [
        (7, "s", 0),
        (7, "s", 1),
        (7, "t", 0),
    ]
    assert [row.reward for row in rows] == [1.0, None, 0.0]
    assert [row.completion.stop_reason for row in rows] == ["stop", "length", "stop"]
    assert rows[1].verdicts[0].error == "crashed"
    assert rows[2].completion.usage is not None
    assert rows[2].completion.usage.completion_tokens == 3


def test_reward_of_a_failed_judgement_is_zero_in_both_modes():
    failed = Judgement.of([Verdict.failed("x", "no")])
    assert reward_of(failed, hard_refusal=True) == reward_of(failed, hard_refusal=False) == 0.0


def test_objective_is_the_metadata_else_the_first_oracle_that_is_not_the_format():
    assert objective_of(sample(metadata={"objective": "malice"})) == "malice"
    assert objective_of(sample(oracles=("answer_format", "choice"))) == "choice"
    assert objective_of(sample(oracles=("answer_format",))) == "answer_format"


def test_clip_is_symmetric_in_the_ratio():
    settings = RLSettings(clip_epsilon=0.2)
    assert 1 + settings.clip_epsilon_high == pytest.approx(1 / 0.8)


class Row(BaseModel):
    step: int


def test_log_drops_rows_of_later_updates_and_a_torn_line(tmp_path: Path):
    log = UpdateLog(tmp_path / "metrics.jsonl", number_field="step")
    log.cut_after(3)
    log.extend(Row(step=step) for step in (1, 1, 2, 3, 4))
    with log.path.open("a") as handle:
        handle.write('{"step": 4')
    log.cut_after(2)
    log.extend([Row(step=3)])
    assert [row.step for row in read_records(log.path, Row)] == [1, 1, 2, 3]


def test_torn_checkpoint_is_not_resumed_from_and_is_removed(tmp_path: Path):
    for step in (2, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
        save_sampler_state(tmp_path / f"checkpoint-{step}", {"position": step}, {"seed": 1})
    (tmp_path / "checkpoint-11").mkdir()
    assert [folder.name for folder in complete_checkpoints(tmp_path)] == [
        "checkpoint-2",
        "checkpoint-10",
    ]
    remove_torn_checkpoints(tmp_path)
    assert not (tmp_path / "checkpoint-11").exists()
    assert load_sampler_state(tmp_path / "checkpoint-10", {"seed": 1}) == {"position": 10}


def test_checkpoint_of_another_run_is_refused_naming_the_field(tmp_path: Path):
    (tmp_path / "checkpoint-1").mkdir()
    save_sampler_state(tmp_path / "checkpoint-1", {}, {"seed": 1, "kl_beta": 0.1})
    with pytest.raises(InputError, match="kl_beta"):
        load_sampler_state(tmp_path / "checkpoint-1", {"seed": 1, "kl_beta": 0.2})
