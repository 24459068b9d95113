"""Run by test_rl_two_processes.py in one process and under torchrun: `... MODEL OUT`."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

from purpcode.rl import train_rl
from purpcode.rl import trainer as rl_trainer_module

Trainer = rl_trainer_module.DynamicSamplingGRPOTrainer
_spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("conftest.py"))
assert _spec is not None
assert _spec.loader is not None
tiny: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)


def fixed_completions(self: Any, prompt_ids: list[list[int]], *_: Any) -> tuple[Any, None]:
    """The same completions for a prompt whichever process is asked."""
    completions = []
    for row, prompt in enumerate(prompt_ids):
        place = row % self.num_generations
        bytes_ = hashlib.sha256(f"{prompt}{place}".encode()).digest()
        completions.append([5 + byte % 30 for byte in bytes_[: 2 + bytes_[0] % 5]] + [1])
    return completions, None


def main(model: Path, out: Path) -> None:
    micro_steps: list[int] = []
    inner = Trainer._compute_loss

    def count(self: Any, *inputs: Any) -> Any:
        micro_steps[-1] += 1
        return inner(self, *inputs)

    step = Trainer.training_step

    def begin(self: Any, *inputs: Any) -> Any:
        micro_steps.append(0)
        return step(self, *inputs)

    Trainer._generate_single_turn = fixed_completions
    Trainer._compute_loss = count
    Trainer.training_step = begin
    train_rl(
        tiny.tiny_settings(
            updates=3,
            groups_per_update=3,
            completions_per_prompt=3,
            micro_batch_completions=2,
            loss_type=os.environ["RL_LOSS"],
        ),
        model_path=model,
        samples=tiny.make_samples(11),
        panel=tiny.panel_of(tiny.vowels_differ),
        out_dir=out,
        seed=3,
    )
    rank = os.environ.get("RANK", "0")
    (out / f"micro-steps-{rank}.json").write_text(json.dumps(micro_steps))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
