"""The RL stage: from a model folder, samples and a panel to a trained model folder."""

from __future__ import annotations

import contextlib
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from purpcode.errors import InputError, PurpcodeError
from purpcode.oracles.objectives import objective_of
from purpcode.oracles.oracle import Panel, digest
from purpcode.records import read_records
from purpcode.rl.checkpoints import (
    checkpoint_step,
    complete_checkpoints,
    load_sampler_state,
    model_identity,
    remove_torn_checkpoints,
)
from purpcode.rl.dynamic_sampling import DynamicSampler
from purpcode.rl.engine import Job, build_trainer, conversation
from purpcode.rl.metrics import UpdateMetrics
from purpcode.rl.rewards import PanelReward
from purpcode.rl.settings import RLSettings
from purpcode.rl.update_log import UpdateLog
from purpcode.rule_learning import with_format
from purpcode.types import Sample

if TYPE_CHECKING:
    from purpcode.rl.trainer import DynamicSamplingGRPOTrainer

Progress = Callable[[int, int, dict[str, Any]], None]

_NOT_IDENTITY = {"updates", "save_every_updates", "rollout_batch_completions"}
"""Settings a run may change between its checkpoint and its resumption."""


class RLResult(BaseModel):
    """What training left behind.

    `metrics` sums up the run: `samples`, `too_long` (prompts left out), `drawn`, `kept`,
    `unmeasured` and `skipped_draws` over all draws, also those after the last update; the
    `reward` of the first and last update; `seconds` in updates; `stopped`, one of "updates",
    "pass" (every prompt was drawn) and "nothing_learnable".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_path: Path
    updates: int
    metrics: dict[str, Any]


def train_rl(
    settings: RLSettings,
    *,
    model_path: Path,
    samples: Sequence[Sample],
    panel: Panel,
    out_dir: Path,
    seed: int,
    on_progress: Progress | None = None,
) -> RLResult:
    """Train the model in `model_path` on the samples' oracles; resumes from `out_dir`.

    Writes `metrics.jsonl`, `rollouts.jsonl`, `checkpoint-N/` and, at the end, `model/`: weights,
    config and tokenizer in Hugging Face's format. `on_progress(done, total, row)` hears of every
    update; without `settings.updates` the total is an upper bound. Under `accelerate launch`
    every process calls this.

    Raises:
        InputError: an unusable model folder or samples, an oracle that is not on the panel, or an
            `out_dir` of another run.
        PurpcodeError: when the disk is full or not writable, or when no completion at all could
            be measured: training would end as if there were nothing to learn.
    """
    _check(settings, model_path, samples, panel)
    with _quiet():
        tokenizer = _tokenizer(model_path)
        fitting = _fitting(tokenizer, samples, settings.max_prompt_tokens)
        # A draw holds B prompts or more until its pass ends, which bounds the updates of a pass.
        total = settings.updates or -(-len(fitting) // settings.groups_per_update)
        job = Job(settings, model_path, tokenizer, fitting, out_dir, seed, total)
        trainer, rows = _train(job, panel, on_progress)
        _require_measured(trainer, rows)
        _save_model(trainer, out_dir / "model")
        _keep_last_checkpoint(trainer, out_dir)
    counts = {"samples": len(fitting), "too_long": len(samples) - len(fitting)}
    return RLResult(
        model_path=out_dir / "model",
        updates=len(rows),
        metrics={**counts, **_summary(rows, trainer, settings.updates)},
    )


def _train(
    job: Job, panel: Panel, on_progress: Progress | None
) -> tuple[DynamicSamplingGRPOTrainer, list[UpdateMetrics]]:
    """Train to the end, from the last whole checkpoint if there is one; all rows so far."""
    metrics_log = UpdateLog(job.out_dir / "metrics.jsonl", number_field="step")
    rollouts_log = UpdateLog(job.out_dir / "rollouts.jsonl", number_field="update")
    sampler, identity = _sampler(job), _identity(job, panel)
    checkpoint = _resume_point(job.out_dir, sampler, identity)
    done = checkpoint_step(checkpoint) if checkpoint else 0

    def report(row: UpdateMetrics) -> None:
        metrics_log.extend([row])
        if on_progress is not None:
            on_progress(row.step, job.max_updates, row.model_dump())

    by_id = {sample.id: sample for sample in job.samples}
    trainer = build_trainer(
        job,
        sampler=sampler,
        reward=PanelReward(panel, by_id, job.settings, rollouts_log),
        on_update=report,
        identity=identity,
    )
    if trainer.accelerator.is_main_process:
        remove_torn_checkpoints(job.out_dir)
        metrics_log.cut_after(done)
        rollouts_log.cut_after(done)
    trainer.accelerator.wait_for_everyone()
    if done < job.max_updates and not sampler.finished:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    elif checkpoint is not None:
        trainer._load_from_checkpoint(str(checkpoint))
    rows = read_records(metrics_log.path, UpdateMetrics) if metrics_log.path.exists() else []
    return trainer, rows


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No loading bars, and none of transformers' warnings about names trl still uses."""
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, module=r"transformers\.")
            yield
    finally:
        if bars:
            logging.enable_progress_bar()


def _fitting(tokenizer: Any, samples: Sequence[Sample], max_tokens: int) -> list[Sample]:
    fitting = [sample for sample in samples if _prompt_tokens(tokenizer, sample) <= max_tokens]
    if not fitting:
        raise InputError(
            f"every prompt is longer than {max_tokens} tokens", field="rl.max_prompt_tokens"
        )
    return fitting


def _sampler(job: Job) -> DynamicSampler:
    return DynamicSampler(
        [objective_of(sample) for sample in job.samples],
        groups_per_update=job.settings.groups_per_update,
        max_roll_factor=job.settings.max_roll_factor,
        seed=job.seed,
        epochs=1 if job.settings.updates is None else None,
        enabled=job.settings.dynamic_sampling,
        min_reward_std=job.settings.min_reward_std,
    )


def _identity(job: Job, panel: Panel) -> dict[str, Any]:
    return {
        "model": model_identity(job.model_path),
        "seed": job.seed,
        "samples": digest([sample.model_dump(mode="json") for sample in job.samples]),
        "oracles": panel.fingerprints(),
        **job.settings.model_dump(mode="json", exclude=_NOT_IDENTITY),
    }


def _check(settings: RLSettings, model_path: Path, samples: Sequence[Sample], panel: Panel) -> None:
    if not (model_path / "config.json").is_file():
        raise InputError("is not a model folder (no config.json)", path=model_path)
    if not samples:
        raise InputError("there are no samples to train on", field="samples")
    names = [sample.id for sample in samples]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"the id {twice!r} occurs twice", field="samples")
    judged = map(with_format, samples) if settings.require_format else samples
    absent = {name for sample in judged for name in sample.oracles} - panel.oracles.keys()
    if absent:
        raise InputError(
            f"no oracle named {', '.join(sorted(absent))} on the panel",
            field="oracles",
            hint=f"On the panel: {', '.join(sorted(panel.oracles)) or 'none'}.",
        )


def _tokenizer(model_path: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            model_path, padding_side="left", truncation_side="left", local_files_only=True
        )
    except (OSError, ValueError) as error:
        raise InputError(f"its tokenizer cannot be loaded ({error})", path=model_path) from error
    if tokenizer.chat_template is None:
        raise InputError("the tokenizer has no chat template", path=model_path)
    return tokenizer


def _prompt_tokens(tokenizer: Any, sample: Sample) -> int:
    tokens = tokenizer.apply_chat_template(
        conversation(sample), add_generation_prompt=True, tokenize=True, return_dict=True
    )
    return len(tokens["input_ids"])


def _resume_point(
    out_dir: Path, sampler: DynamicSampler, identity: Mapping[str, Any]
) -> Path | None:
    """The last whole checkpoint, after the sampler has taken up its state."""
    whole = complete_checkpoints(out_dir)
    if not whole:
        return None
    sampler.load_state_dict(load_sampler_state(whole[-1], dict(identity)))
    return whole[-1]


def _require_measured(trainer: DynamicSamplingGRPOTrainer, rows: Sequence[UpdateMetrics]) -> None:
    drawn = trainer.tally
    if not rows and drawn.completions and drawn.unmeasured == drawn.completions:
        raise PurpcodeError(
            f"reinforcement learning measured nothing: all {drawn.completions} completions are"
            " unmeasured",
            hint="rl/rollouts.jsonl says why; `purpcode doctor` shows which part does not work.",
        )


def _save_model(trainer: DynamicSamplingGRPOTrainer, folder: Path) -> None:
    """Write the model folder whole or not at all."""
    partial = folder.with_name(f".{folder.name}.partial")
    trainer.save_model(str(partial))
    if trainer.accelerator.is_main_process:
        (partial / "training_args.bin").unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    trainer.accelerator.wait_for_everyone()


def _keep_last_checkpoint(trainer: DynamicSamplingGRPOTrainer, out_dir: Path) -> None:
    if trainer.accelerator.is_main_process:
        for folder in complete_checkpoints(out_dir)[:-1]:
            shutil.rmtree(folder)


def _summary(
    rows: Sequence[UpdateMetrics], trainer: DynamicSamplingGRPOTrainer, updates: int | None
) -> dict[str, Any]:
    tail = trainer.tally
    stopped = "pass" if updates is None else "updates"
    return {
        "drawn": sum(row.drawn for row in rows) + tail.drawn,
        "kept": sum(row.kept for row in rows),
        "unmeasured": sum(row.unmeasured for row in rows) + tail.unmeasured,
        "skipped_draws": sum(row.skipped_draws for row in rows) + tail.skipped_draws,
        "first_reward": rows[0].reward if rows else None,
        "last_reward": rows[-1].reward if rows else None,
        "seconds": sum(row.seconds for row in rows),
        "stopped": "nothing_learnable" if trainer.sampler.exhausted else stopped,
    }
