from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from purpcode.records import read_records
from purpcode.rl import UpdateMetrics

SCRIPT = Path(__file__).with_name("two_process_training.py")


def run(loss: str, *command: str) -> None:
    own = {"OMP_NUM_THREADS": "1", "RL_LOSS": loss, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["dapo", "grpo"])
def test_two_processes_take_equal_micro_steps_and_learn_what_one_learns(
    tiny_model: Path, tmp_path: Path, loss: str
):
    from safetensors.torch import load_file

    one, two = tmp_path / "one", tmp_path / "two"
    run(loss, str(SCRIPT), str(tiny_model), str(one))
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    run(loss, *launch, str(SCRIPT), str(tiny_model), str(two))

    steps = [json.loads((two / f"micro-steps-{rank}.json").read_text()) for rank in (0, 1)]
    assert steps[0] == steps[1]
    left, right = (read_records(out / "metrics.jsonl", UpdateMetrics) for out in (one, two))
    assert any(row.kept * 3 % 2 for row in left)  # otherwise nothing had to be evened out
    assert any(row.drawn % 2 for row in left)
    for a, b in zip(left, right, strict=True):
        assert (a.drawn, a.kept, a.reward, a.rollout_calls) == (
            b.drawn,
            b.kept,
            b.reward,
            b.rollout_calls,
        )
        assert a.grad_norm == pytest.approx(b.grad_norm, rel=1e-3)
        assert a.loss == pytest.approx(b.loss, rel=1e-3, abs=1e-5)
    weights = [load_file(out / "model" / "model.safetensors") for out in (one, two)]
    for name, tensor in weights[0].items():
        # Adam turns rounding noise in vanishing gradients into steps of the learning rate: the
        # bulk must agree, single weights may not.
        assert (tensor - weights[1][name]).abs().mean() < 1e-5
