"""Builds the trainer of the RL stage: settings into TRL's configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purpcode.errors import InputError
from purpcode.rl.dynamic_sampling import DynamicSampler
from purpcode.rl.metrics import UpdateMetrics
from purpcode.rl.rewards import PanelReward
from purpcode.rl.settings import RLSettings
from purpcode.types import Sample

if TYPE_CHECKING:
    from purpcode.rl.trainer import DynamicSamplingGRPOTrainer


@dataclass(frozen=True)
class Job:
    """What is trained, on what, where to, and for how long at most."""

    settings: RLSettings
    model_path: Path
    tokenizer: Any
    samples: Sequence[Sample]
    out_dir: Path
    seed: int
    max_updates: int


def conversation(sample: Sample) -> list[dict[str, str]]:
    """The sample's messages as TRL's conversational prompt."""
    return [{"role": message.role, "content": message.content} for message in sample.messages]


def build_trainer(
    job: Job,
    *,
    sampler: DynamicSampler,
    reward: PanelReward,
    on_update: Callable[[UpdateMetrics], None],
    identity: dict[str, Any],
) -> DynamicSamplingGRPOTrainer:
    """The trainer, with the policy loaded. `identity` goes into its checkpoints.

    Raises:
        InputError: when the model folder cannot be loaded.
    """
    import torch
    from datasets import Dataset
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, PrinterCallback

    from purpcode.rl.trainer import DynamicSamplingGRPOTrainer

    rows = [{"prompt": conversation(s), "sample_id": s.id} for s in job.samples]
    try:
        policy = AutoModelForCausalLM.from_pretrained(
            job.model_path, dtype=getattr(torch, job.settings.dtype), local_files_only=True
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"the model cannot be loaded ({error})", path=job.model_path) from error
    trainer = DynamicSamplingGRPOTrainer(
        sampler=sampler,
        micro_batch_completions=job.settings.micro_batch_completions,
        rollout_batch_completions=job.settings.rollout_batch_completions,
        on_update=on_update,
        checkpoint_identity=identity,
        model=policy,
        reward_funcs=[reward],
        args=grpo_config(job),
        train_dataset=Dataset.from_list(rows),
        processing_class=job.tokenizer,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def grpo_config(job: Job) -> Any:
    """TRL's configuration of a job; on the CPU where there is no GPU."""
    import torch
    from accelerate import PartialState
    from trl import GRPOConfig

    settings = job.settings
    use_cpu = not torch.cuda.is_available()
    processes = PartialState(cpu=use_cpu).num_processes
    return GRPOConfig(
        output_dir=str(job.out_dir),
        max_steps=job.max_updates,
        # One trainer step is one update, however many micro-batches the trainer cuts it into; the
        # nominal batch only has to hold whole groups (and sizes vLLM's concurrency).
        per_device_train_batch_size=settings.completions_per_prompt
        * -(-settings.groups_per_update // processes),
        gradient_accumulation_steps=1,
        num_generations=settings.completions_per_prompt,
        max_completion_length=settings.max_completion_tokens,
        temperature=settings.temperature,
        top_p=settings.top_p,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="constant",
        max_grad_norm=settings.max_grad_norm,
        beta=settings.kl_beta,
        epsilon=settings.clip_epsilon,
        epsilon_high=settings.clip_epsilon_high,
        loss_type=settings.loss_type,
        # A completion that was cut off keeps its reward: its oracles judged it as it stands.
        mask_truncated_completions=False,
        bf16=settings.autocast_bf16,
        gradient_checkpointing=settings.gradient_checkpointing,
        use_cpu=use_cpu,
        use_vllm=settings.use_vllm,
        vllm_mode=settings.vllm_mode,
        seed=job.seed,
        # The sampler keeps its own place in the data.
        ignore_data_skip=True,
        logging_steps=1,
        save_strategy="steps",
        save_steps=settings.save_every_updates,
        # Two, so that one is whole while the next is being written.
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
        log_level="error",
        dataloader_num_workers=0,
    )
