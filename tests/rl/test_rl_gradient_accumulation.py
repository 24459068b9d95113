from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from purpcode.rl.dynamic_sampling import DynamicSampler
from purpcode.rl.engine import Job, build_trainer
from purpcode.rl.rewards import PanelReward
from purpcode.rl.stage import _tokenizer

from .conftest import make_samples, panel_of, tiny_settings, vowels_differ


def trainer_of(model: Path, out: Path, **more: Any) -> Any:
    settings, samples = tiny_settings(**more), make_samples(6)
    job = Job(settings, model, _tokenizer(model), samples, out, seed=3, max_updates=1)
    sampler = DynamicSampler(
        ["x"] * 6, groups_per_update=6, seed=3, enabled=settings.dynamic_sampling
    )
    reward = PanelReward(panel_of(vowels_differ), {s.id: s for s in samples}, settings)
    return build_trainer(job, sampler=sampler, reward=reward, on_update=lambda _: None, identity={})


def gradients(trainer: Any) -> list[Any]:
    found = [p.grad.clone() for p in trainer.model.parameters()]
    trainer.model.zero_grad()
    return found


@pytest.mark.parametrize("loss_type", ["dapo", "grpo", "dr_grpo"])
def test_micro_batches_add_up_to_the_gradient_of_trls_own_loss_over_one_batch(
    tiny_model: Path, tmp_path: Path, loss_type: str
):
    import torch

    trainer = trainer_of(tiny_model, tmp_path, loss_type=loss_type, kl_beta=0.3)
    batch = next(trainer._learnable_batches())
    assert len(batch["advantages"]) > 2 * 3  # several micro-batches of 3, the last one ragged
    with torch.no_grad():  # away from the reference, so that the KL term has a gradient
        for parameter in trainer.model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.02)
    whole = trainer._compute_loss(trainer.model, batch)
    whole.backward()
    expected = gradients(trainer)
    loss = trainer.training_step(trainer.model, batch)
    torch.testing.assert_close(loss, whole.detach(), rtol=1e-4, atol=1e-6)
    for ours, theirs in zip(gradients(trainer), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)
    assert any(gradient.abs().max() > 1e-4 for gradient in expected)


def test_log_probabilities_are_computed_for_kept_groups_only(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    trainer = trainer_of(tiny_model, tmp_path)
    scored: list[int] = []
    inner = trainer._get_per_token_logps_and_entropies

    def count(model: Any, input_ids: Any, *inputs: Any, **more: Any) -> Any:
        scored.append(len(input_ids))
        return inner(model, input_ids, *inputs, **more)

    monkeypatch.setattr(trainer, "_get_per_token_logps_and_entropies", count)
    batch = next(trainer._learnable_batches())
    assert trainer.tally.drawn == 6 > trainer.tally.kept
    assert scored == [4 * trainer.tally.kept] == [len(batch["advantages"])]


def test_advantages_are_normalised_per_group_and_unmeasured_completions_get_none(
    tiny_model: Path, tmp_path: Path
):
    import torch

    from purpcode.rl.trainer import RolledOut

    trainer = trainer_of(tiny_model, tmp_path)
    rewards = [[1.0, 0.0, None, 0.0], [0.8, 1.0, 1.0, 1.0]]
    groups = [
        [
            RolledOut(
                inputs={"prompt": [{"role": "user", "content": "x"}], "sample_id": "s0"},
                prompt_ids=[3, 5, 4],
                completion_ids=[6, 7, 1],
                completion=[{"role": "assistant", "content": "ab"}],
                logprobs=None,
                reward=reward,
            )
            for reward in group
        ]
        for group in rewards
    ]
    trainer.model.train()
    advantages = trainer._scored(groups)["advantages"].view(2, 4)
    assert advantages[0, 2] == 0.0
    measured = torch.tensor([1.0, 0.0, 0.0])
    expected = (measured - measured.mean()) / (measured.std() + 1e-4)
    torch.testing.assert_close(advantages[0, [0, 1, 3]], expected)
    assert advantages[1].sum().abs() < 1e-4


def test_completions_generated_in_parts_are_all_there(tiny_model: Path, tmp_path: Path):
    trainer = trainer_of(tiny_model, tmp_path, rollout_batch_completions=5)
    groups = trainer._rolled_out(trainer.sampler.draw())
    assert [len(group) for group in groups] == [4] * 6
    assert all(row.completion_ids for group in groups for row in group)
    assert trainer.tally.rollout_calls == 1
