"""Rule learning proper: TRL's SFTTrainer on the selected rows, loss on the completion only."""

from __future__ import annotations

import json
import math
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from purpcode.errors import PurpcodeError
from purpcode.models.local import prepare_cpu, quiet_transformers
from purpcode.rule_learning.select import TrainingRow
from purpcode.rule_learning.settings import SftSettings
from purpcode.training_metrics import MetricsLog

_IGNORED = -100  # PyTorch's cross-entropy leaves labels of this value out of the loss

Progress = Callable[[int, int], None]
"""Called with (steps done, steps in all)."""


@dataclass(frozen=True)
class MaskedRow:
    """A row as the trainer sees it: pieces of text, each trained on or not."""

    sample_id: str
    pieces: tuple[tuple[str, bool], ...]
    tokens: int
    trained_tokens: int


def preview(
    rows: Sequence[TrainingRow], settings: SftSettings, *, model_path: Path
) -> list[MaskedRow]:
    """Which tokens of each row carry loss, from the trainer's own data preparation."""
    with tempfile.TemporaryDirectory(prefix="purpcode-preview-") as scratch:
        trainer, kept = _trainer(rows, settings, model_path, Path(scratch), 0, None)
    tokenizer = trainer.processing_class
    return [
        _masked(row.sample_id, record["input_ids"], _loss_mask(record), tokenizer)
        for row, record in zip(kept, trainer.train_dataset, strict=True)
    ]


def train_sft(
    rows: Sequence[TrainingRow],
    settings: SftSettings,
    *,
    model_path: Path,
    out_dir: Path,
    seed: int,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Fine-tune the model; leaves `model/` in plain Hugging Face format and `metrics.jsonl`.

    Resumes from the last whole checkpoint in `out_dir`, continuing exactly. Returns counts:
    rows, rows too long, steps, trained tokens per epoch.

    Raises:
        PurpcodeError: no row to train on, all too long, or a row without any trained token.
    """
    metrics = MetricsLog(out_dir / "metrics.jsonl")
    trainer, kept = _trainer(rows, settings, model_path, out_dir / "checkpoints", seed, metrics)
    trained = _check_masks(kept, trainer.train_dataset)
    if on_progress:
        trainer.add_callback(_progress_callback(on_progress))
    checkpoint = last_checkpoint(out_dir / "checkpoints")
    metrics.keep_up_to(_step(checkpoint) if checkpoint else 0)
    if checkpoint is not None and _is_last(checkpoint):
        # Resumed at its end, transformers would go on to the end of a fractional epoch.
        trainer._load_from_checkpoint(str(checkpoint))
        steps = _step(checkpoint)
    else:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        steps = trainer.state.global_step
    _save_model(trainer, out_dir / "model")
    return {
        "rows": len(kept),
        "rows_too_long": len(rows) - len(kept),
        "steps": steps,
        "trained_tokens_per_epoch": trained,
    }


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint a kill left whole (its trainer state is written last)."""
    whole = [
        path
        for path in folder.glob("checkpoint-*")
        if re.fullmatch(r"checkpoint-\d+", path.name) and _trainer_state(path) is not None
    ]
    return max(whole, key=_step, default=None)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.split("-")[1])


def _trainer_state(checkpoint: Path) -> dict[str, Any] | None:
    """The trainer's state; None where a kill left none, or half of it."""
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) else None


def _is_last(checkpoint: Path) -> bool:
    """Whether training had ended with this checkpoint: only what comes after it was cut off."""
    state = _trainer_state(checkpoint) or {}
    return bool(state.get("max_steps")) and state.get("global_step", 0) >= state["max_steps"]


def _save_model(trainer: Any, folder: Path) -> None:
    """Write the model folder whole or not at all."""
    partial = folder.with_name(f".{folder.name}.partial")
    trainer.save_model(str(partial))
    trainer.processing_class.save_pretrained(str(partial))
    (partial / "training_args.bin").unlink(missing_ok=True)  # a pickle with this machine's paths
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _trainer(
    rows: Sequence[TrainingRow],
    settings: SftSettings,
    model_path: Path,
    checkpoints: Path,
    seed: int,
    metrics: MetricsLog | None,
) -> tuple[Any, list[TrainingRow]]:
    prepare_cpu()
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTTrainer

    quiet_transformers()
    tokenizer = AutoTokenizer.from_pretrained(model_path)
    kept = _fitting(rows, tokenizer, settings.max_tokens)
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype=getattr(torch, settings.dtype))
    columns = [row.model_dump(include={"prompt", "completion"}) for row in kept]
    trainer = SFTTrainer(
        model=model,
        args=_arguments(settings, checkpoints, seed, len(kept)),
        train_dataset=Dataset.from_list(columns),
        processing_class=tokenizer,
    )
    from transformers import PrinterCallback, ProgressCallback

    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    if metrics is not None:
        trainer.add_callback(_metrics_callback(metrics))
    return trainer, kept


def _arguments(settings: SftSettings, checkpoints: Path, seed: int, rows: int) -> Any:
    import torch
    from trl import SFTConfig

    if settings.batch_size % settings.micro_batch_size:
        raise PurpcodeError("sft.micro_batch_size must divide sft.batch_size")
    steps = math.ceil(rows / settings.batch_size) * settings.epochs
    return SFTConfig(
        output_dir=str(checkpoints),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.micro_batch_size,
        gradient_accumulation_steps=settings.batch_size // settings.micro_batch_size,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.lr_schedule,
        warmup_steps=min(settings.warmup_steps, math.ceil(steps / 4)),
        max_length=settings.max_tokens,
        packing=settings.packing,
        completion_only_loss=True,
        bf16=settings.autocast_bf16,
        use_cpu=not torch.cuda.is_available(),
        activation_checkpointing=False,
        gradient_checkpointing=None,  # TRL's default of True is the deprecated name of the above
        train_sampling_strategy="group_by_length",
        logging_steps=1,
        save_strategy="steps",
        save_steps=settings.save_every_steps,
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        seed=seed,
        data_seed=seed,
    )


def _fitting(rows: Sequence[TrainingRow], tokenizer: Any, max_tokens: int) -> list[TrainingRow]:
    if not rows:
        raise PurpcodeError(
            "rule learning has no row to train on: no rollout passed its oracles",
            hint="Sample more (distill.samples), or mix in written demonstrations"
            ' (select.demonstrations = "missing").',
        )
    kept = [row for row in rows if _length(row, tokenizer) <= max_tokens]
    if not kept:
        raise PurpcodeError(
            f"rule learning has no row to train on: all {len(rows)} are longer than"
            f" {max_tokens} tokens",
            hint="Raise sft.max_tokens.",
        )
    return kept


def _length(row: TrainingRow, tokenizer: Any) -> int:
    messages = [message.model_dump() for message in (*row.prompt, *row.completion)]
    encoded = tokenizer.apply_chat_template(messages, return_dict=True)
    return len(encoded["input_ids"])


def _loss_mask(record: dict[str, Any]) -> list[int]:
    return [int(label != _IGNORED) for label in record["labels"]]


def _check_masks(rows: Sequence[TrainingRow], dataset: Any) -> int:
    if len(dataset) != len(rows):  # TRL drops rows whose every token is masked
        raise PurpcodeError(f"{len(rows) - len(dataset)} training rows have no trained token")
    trained = 0
    for row, record in zip(rows, dataset, strict=True):
        count = sum(_loss_mask(record))
        if count == 0:
            raise PurpcodeError(f"training row '{row.sample_id}' has no trained token")
        trained += count
    return trained


def _masked(sample_id: str, ids: list[int], mask: list[int], tokenizer: Any) -> MaskedRow:
    pieces: list[tuple[str, bool]] = []
    start = 0
    for end in range(1, len(ids) + 1):
        if end == len(ids) or mask[end] != mask[start]:
            pieces.append((tokenizer.decode(ids[start:end]), bool(mask[start])))
            start = end
    return MaskedRow(sample_id, tuple(pieces), len(ids), sum(mask))


def _metrics_callback(metrics: MetricsLog) -> Any:
    from transformers import TrainerCallback

    class WriteMetrics(TrainerCallback):  # type: ignore[misc]
        def on_log(self, _a: Any, state: Any, _c: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                names = ("loss", "grad_norm", "learning_rate", "epoch", "mean_token_accuracy")
                row = {name: logs[name] for name in names if name in logs}
                metrics.append({"step": state.global_step, **row})

    return WriteMetrics()


def _progress_callback(on_progress: Progress) -> Any:
    from transformers import TrainerCallback

    class ShowProgress(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, _a: Any, state: Any, _c: Any, **_: Any) -> None:
            on_progress(state.global_step, state.max_steps)

        def on_step_end(self, _a: Any, state: Any, _c: Any, **_: Any) -> None:
            on_progress(state.global_step, state.max_steps)

    return ShowProgress()
