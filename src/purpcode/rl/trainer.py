"""TRL's GRPOTrainer with single-step dynamic sampling: one trainer step is one update.

Importing this module loads torch and trl; `rl.stage` does so when training starts.

TRL trains on every completion it generates. Here an update is one rollout call and one reward
call over all drawn prompts; reference log-probabilities, loss and gradient are computed for the
kept groups alone. TRL's own code does the work: its `_generate` rolls out, its
`_generate_and_score_completions` is then run over the kept groups with generation and rewards
answered from memory, and its `_compute_loss` is called per micro-batch, weighted so that the sum
is the loss of one big batch.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import DistributedType, broadcast_object_list, gather_object
from trl import GRPOTrainer

from purpcode.rl.checkpoints import save_sampler_state
from purpcode.rl.dynamic_sampling import DynamicSampler
from purpcode.rl.metrics import DrawTally, UpdateMetrics
from purpcode.rl.micro_batches import Batch, split_by_length


@dataclass(frozen=True)
class RolledOut:
    """One completion before and after its reward. `padding` rows only even out the processes."""

    inputs: dict[str, Any]
    prompt_ids: list[int]
    completion_ids: list[int]
    completion: Any
    logprobs: list[float] | None
    reward: float | None = None
    padding: bool = False


class _Updates:
    """The trainer's data loader: each item is the training batch of one update."""

    def __init__(self, batches: Callable[[], Iterator[Batch]]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[Batch]:
        return self._batches()


class DynamicSamplingGRPOTrainer(GRPOTrainer):  # type: ignore[misc]  # trl is untyped
    """GRPO that trains on all learnable groups of a draw in one optimiser step.

    Args:
        sampler: decides the draws; its indices are rows of `train_dataset`.
        micro_batch_completions: completions per forward and backward pass and process.
        rollout_batch_completions: completions generated at once per process, None for all.
        on_update: hears each update's metrics, on the main process.
        checkpoint_identity: stored in checkpoints, for the resuming side to compare.
        trl: GRPOTrainer's own arguments: exactly one reward function, and a configuration with
            `gradient_accumulation_steps=1`, `num_iterations=1`.
    """

    def __init__(
        self,
        *,
        sampler: DynamicSampler,
        micro_batch_completions: int,
        rollout_batch_completions: int | None,
        on_update: Callable[[UpdateMetrics], None],
        checkpoint_identity: dict[str, Any],
        **trl: Any,
    ) -> None:
        self.sampler = sampler
        self.tally = DrawTally()
        self._micro = micro_batch_completions
        self._rollout_batch = rollout_batch_completions
        self._on_update = on_update
        self._identity = checkpoint_identity
        self._scoring: tuple[list[RolledOut], list[float | None]] | None = None
        self._update_started = time.perf_counter()
        super().__init__(**trl)
        # TRL divides losses by it; here the weights of the micro-batches do that.
        self.current_gradient_accumulation_steps = 1

    # -- drawing ---------------------------------------------------------------------------------

    def get_train_dataloader(self) -> _Updates:
        """The updates, as long as the sampler has prompts to draw."""
        return _Updates(self._learnable_batches)

    def _learnable_batches(self) -> Iterator[Batch]:
        """Roll out draw after draw; yield a batch for each that has a group to train on.

        A draw without one is counted and skipped: no optimiser step. Ends with the sampler.
        """
        while not self.sampler.finished:
            drawn = self.sampler.draw()
            groups = self._rewarded(self._rolled_out(drawn))
            rewards = [[row.reward for row in group] for group in groups]
            keep = self.sampler.observe(rewards)
            self.tally.learnable_fraction = self.sampler.learnable_fraction
            objectives = [self.sampler.strata[index] for index in drawn]
            self.tally.add(objectives, rewards, sum(keep))
            if any(keep):
                yield self._scored([g for g, kept in zip(groups, keep, strict=True) if kept])
        self.control.should_training_stop = True

    def _rolled_out(self, drawn: Sequence[int]) -> list[list[RolledOut]]:
        """One rollout call: n completions of each drawn prompt, grouped, on every process.

        Every process generates equally many groups; the surplus, where the draw does not divide,
        repeats drawn prompts and is discarded.
        """
        self.model.train()
        n, world = self.num_generations, self.accelerator.num_processes
        share = -(-len(drawn) // world)
        first = self.accelerator.process_index * share
        local = [drawn[position % len(drawn)] for position in range(first, first + share)]
        rows = [self.train_dataset[index] for index in local for _ in range(n)]
        prompt_ids, completion_ids, _, completions, logprobs, *_ = self._generate(
            [row["prompt"] for row in rows]
        )
        self.tally.rollout_calls += 1
        mine = [
            RolledOut(
                inputs=row,
                prompt_ids=list(prompt_ids[i]),
                completion_ids=list(completion_ids[i]),
                completion=completions[i],
                logprobs=None if logprobs is None else logprobs[i],
            )
            for i, row in enumerate(rows)
        ]
        rolled = gather_object(mine)[: len(drawn) * n]
        return [rolled[start : start + n] for start in range(0, len(rolled), n)]

    def _rewarded(self, groups: list[list[RolledOut]]) -> list[list[RolledOut]]:
        """One reward call over all completions, on the main process, told to the others."""
        rows = [row for group in groups for row in group]
        ends = {*self.eos_token_ids, self._tokenizer.pad_token_id}
        truncated = [not row.completion_ids or row.completion_ids[-1] not in ends for row in rows]
        answer: list[Any] = [None]
        if self.accelerator.is_main_process:
            columns = {
                key: [row.inputs[key] for row in rows] for key in rows[0].inputs if key != "prompt"
            }
            answer = [
                self.reward_funcs[0](
                    prompts=[row.inputs["prompt"] for row in rows],
                    completions=[row.completion for row in rows],
                    prompt_ids=[row.prompt_ids for row in rows],
                    completion_ids=[row.completion_ids for row in rows],
                    truncated=truncated,
                    trainer_state=self.state,
                    **columns,
                )
            ]
        rewards = broadcast_object_list(answer)[0]
        self.tally.reward_calls += 1
        self.tally.truncated += sum(truncated)
        self.tally.completion_tokens += sum(len(row.completion_ids) for row in rows)
        rewarded = [replace(row, reward=r) for row, r in zip(rows, rewards, strict=True)]
        n = self.num_generations
        return [rewarded[start : start + n] for start in range(0, len(rewarded), n)]

    # -- scoring the kept groups -----------------------------------------------------------------

    def _scored(self, kept: list[list[RolledOut]]) -> Batch:
        """This process's share of the kept groups as TRL's training tensors.

        Where the completions do not divide over the processes, groups of padding rows are added:
        unmeasured, without a single token in the loss, so every process has as many micro-steps.
        """
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        rows = [row for group in kept for row in group]
        real = len(rows)
        while len(rows) % world:
            rows += [replace(row, reward=None, padding=True) for row in kept[0]]
        share = len(rows) // world
        mine = rows[rank * share : (rank + 1) * share]
        self._scoring = (mine, [row.reward for row in rows])
        try:
            batch: Batch = self._generate_and_score_completions([dict(row.inputs) for row in mine])
        finally:
            self._scoring = None
        if real < len(rows):
            padding = torch.tensor([row.padding for row in mine])
            batch["completion_mask"][padding] = 0
            tokens = self.accelerator.gather(batch["completion_mask"].sum())
            batch["num_items_in_batch"] = tokens.sum()
        batch["kept_completions"] = real
        return batch

    def _generate(self, prompts: list[Any]) -> tuple[Any, ...]:
        """TRL's generation; while kept groups are scored, what was generated before."""
        if self._scoring is None:
            return tuple(super()._generate(prompts))
        rows = self._scoring[0]
        logprobs = [row.logprobs for row in rows]
        return (
            [row.prompt_ids for row in rows],
            [row.completion_ids for row in rows],
            None,
            [row.completion for row in rows],
            None if None in logprobs else logprobs,
            {},
            None,
            [],
        )

    def _calculate_rewards(self, *inputs: Any) -> torch.Tensor:
        """Rewards over all processes, (completions, 1), NaN where unmeasured; known already."""
        if self._scoring is None:
            return super()._calculate_rewards(*inputs)
        rewards = [float("nan") if reward is None else reward for reward in self._scoring[1]]
        return torch.tensor(rewards, device=self.accelerator.device).unsqueeze(1)

    def _generate_single_turn(
        self, prompt_ids: list[list[int]], images: Any, multimodal_fields: Any, *more: Any
    ) -> tuple[Any, Any]:
        """TRL's generation, in parts of `rollout_batch_completions` where memory asks for it."""
        size = self._rollout_batch
        if size is None or self.use_vllm or len(prompt_ids) <= size:
            whole: tuple[Any, Any] = super()._generate_single_turn(
                prompt_ids, images, multimodal_fields, *more
            )
            return whole
        completion_ids: list[Any] = []
        for start in range(0, len(prompt_ids), size):
            part, _ = super()._generate_single_turn(
                prompt_ids[start : start + size], images, multimodal_fields, *more
            )
            completion_ids += part
        return completion_ids, None

    def _get_per_token_logps_and_entropies(
        self, *inputs: Any, batch_size: int | None = None, **more: Any
    ) -> Any:
        """TRL's log-probabilities, never over more completions at once than a micro-batch."""
        size = None if batch_size is None else self._micro
        return super()._get_per_token_logps_and_entropies(*inputs, batch_size=size, **more)

    # -- training --------------------------------------------------------------------------------

    def training_step(
        self,
        model: torch.nn.Module,
        inputs: Batch,
        num_items_in_batch: Any = None,  # noqa: ARG002  (TRL counts items itself)
    ) -> torch.Tensor:
        """Accumulate the gradient of one update over its micro-batches; returns the loss."""
        model.train()
        micro_batches = split_by_length(inputs, self._micro)
        deepspeed = self.accelerator.distributed_type == DistributedType.DEEPSPEED
        total = torch.zeros((), device=self.accelerator.device)
        for number, micro_batch in enumerate(micro_batches, start=1):
            last = number == len(micro_batches)
            self.accelerator.gradient_state._set_sync_gradients(last)
            defer = not (last or deepspeed)
            with self.accelerator.no_sync(model) if defer else contextlib.nullcontext():
                with self.compute_loss_context_manager():
                    loss = self._compute_loss(model, micro_batch)
                    loss = loss * self._loss_weight(micro_batch, inputs["kept_completions"])
                self.accelerator.backward(loss, **({"scale_wrt_gas": False} if deepspeed else {}))
            total += loss.detach().float()
        return total

    def _loss_weight(self, micro_batch: Batch, kept_completions: int) -> float:
        """What makes the micro-batches' losses add up to one batch's: dapo already divides by
        the update's tokens; the others average over the completions they are given. Gradients
        are averaged over processes, hence the factor."""
        if self.loss_type == "dapo":
            return 1.0
        processes = int(self.accelerator.num_processes)
        return len(micro_batch["advantages"]) * processes / kept_completions

    # -- reporting and checkpoints ---------------------------------------------------------------

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Pass an update's metrics on, together with TRL's."""
        super().log(logs, start_time)
        if "loss" not in logs:
            return
        now = time.perf_counter()
        row = self.tally.row(
            step=self.state.global_step,
            epoch=self.sampler.progress,
            seconds=now - self._update_started,
            logs=logs,
        )
        self._update_started, self.tally = now, DrawTally()
        if self.accelerator.is_main_process:
            self._on_update(row)

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """None: the project writes its own."""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
            save_sampler_state(folder, self.sampler.state_dict(), self._identity)
