"""The two halves of an evaluation, apart: asking the model, and judging saved answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purpcode.errors import InputError
from purpcode.evals.judging import objective_of, part_of, unmeasured
from purpcode.evals.results import EvalHeader, ScoredSample
from purpcode.evals.settings import SuiteSettings
from purpcode.models.journaled import GenerationRequest, generate_journaled
from purpcode.models.model import LanguageModel, Sampling
from purpcode.oracles.oracle import Judgement, Panel
from purpcode.records import Journal, write_json_atomic, write_records
from purpcode.types import Completion, Rollout, Sample, Verdict

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample

DEFAULT_BATCH = 64


def generate_completions(
    model: LanguageModel,
    samples: Sequence[Sample],
    sampling: Sampling,
    journal_path: Path,
    *,
    batch_size: int = DEFAULT_BATCH,
    on_progress: Callable[[int], None] | None = None,
) -> list[Rollout]:
    """One rollout per sample, in order, journaled batch by batch.

    Batches depend on the samples alone, so a killed run continues and records what an unkilled
    one would have. Failed calls come back as `stop_reason="error"` and are tried again next time.

    Raises:
        InputError: there are no samples, two share an id, or the journal holds answers to
            another question: other messages, another model or other sampling.
        UnavailableError: the model cannot be reached or loaded.
    """
    _require_distinct(samples)
    requests = [GenerationRequest(s.id, 0, s.messages, s.messages) for s in samples]
    with Journal(journal_path, Rollout) as journal:
        _require_same_question(journal, model.name, requests, sampling)
    return generate_journaled(
        model, requests, sampling, journal_path, batch_size=batch_size, on_progress=on_progress
    )


def _require_distinct(samples: Sequence[Sample]) -> None:
    if not samples:
        raise InputError("there are no samples to evaluate")
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            raise InputError(f"two samples have the id '{sample.id}'", field="id")
        seen.add(sample.id)


def _require_same_question(
    journal: Journal[Rollout],
    model: str,
    requests: Sequence[GenerationRequest],
    sampling: Sampling,
) -> None:
    """Saved answers are reused only for the very question they answered."""
    asked = {request.sample_id: request.messages for request in requests}
    for rollout in journal.records:
        wanted: dict[str, Any] = {
            "sample_id": rollout.sample_id if rollout.sample_id in asked else "(not asked)",
            "messages": asked.get(rollout.sample_id),
            "model": model,
            "sampling": sampling.model_dump(),
        }
        for field, value in wanted.items():
            if getattr(rollout, field) != value:
                raise InputError(
                    f"the saved completion of '{rollout.sample_id}' has another {field}",
                    path=journal.path,
                    field=field,
                    hint="It belongs to an earlier evaluation; move the file away or write this"
                    " evaluation to another folder.",
                )


def score_rollouts(
    samples: Sequence[Sample],
    rollouts: Sequence[Rollout],
    panel: Panel,
    folder: Path,
    *,
    label: str,
    model: str,
    sampling: Mapping[str, Any],
    judge: str,
    suite: str = "quick-suite",
) -> list[ScoredSample]:
    """Judge one saved rollout per sample; a sample without one is unmeasured.

    The Inspect task runs over the saved completions, and its log is where the scores come from.
    Writes `records.jsonl`, `header.json` and `logs/*.eval` (for `inspect view`) into `folder`.

    Args:
        panel: has every oracle that the samples name.
        label: short name in tables (base, rule-learned, rl).
        model: the model's name, as `open_model` takes it.
        sampling: how the rollouts were decoded.
        judge: the judge's name and measured agreement, for the header.

    Raises:
        InputError: there are no samples, two share an id, or a sample has two rollouts.
        PurpcodeError: Inspect could not run.
    """
    from purpcode.evals.inspect_run import run_task
    from purpcode.evals.quick_suite import by_sample, recorded_task

    _require_distinct(samples)
    started = time.monotonic()
    task = recorded_task(samples, rollouts, panel)
    log = run_task(task, folder / "logs", model=model, samples=len(samples))
    logged = {str(entry.id): entry for entry in log.samples or []}
    answers = by_sample(rollouts)
    scored = [
        _scored(sample, answers.get(sample.id), _judgement(sample, logged.get(sample.id)))
        for sample in samples
    ]
    header = EvalHeader(
        label=label,
        model=model,
        suite=suite,
        sampling=dict(sampling),
        oracle_fingerprints=panel.fingerprints(),
        samples=len(scored),
        seconds=round(time.monotonic() - started, 3),
        judge=judge,
    )
    write_records(folder / "records.jsonl", scored)
    write_json_atomic(folder / "header.json", header.model_dump())
    return scored


def evaluate_model(
    model: LanguageModel,
    samples: Sequence[Sample],
    panel: Panel,
    settings: SuiteSettings,
    folder: Path,
    *,
    label: str,
    judge: str,
    seed: int,
    on_progress: Callable[[int], None] | None = None,
) -> list[ScoredSample]:
    """Ask one model the whole suite and judge its answers; closes the model.

    Raises what `generate_completions` and `score_rollouts` raise.
    """
    sampling = Sampling(temperature=settings.temperature, max_tokens=settings.max_tokens, seed=seed)
    try:
        rollouts = generate_completions(
            model,
            samples,
            sampling,
            folder / "rollouts.jsonl",
            batch_size=settings.batch_size,
            on_progress=on_progress,
        )
    finally:
        model.close()
    return score_rollouts(
        samples,
        rollouts,
        panel,
        folder,
        label=label,
        model=model.name,
        sampling=sampling.model_dump(),
        judge=judge,
    )


def _judgement(sample: Sample, logged: EvalSample | None) -> Judgement:
    from purpcode.evals.scorers import PANEL_SCORE

    score = (logged.scores or {}).get(PANEL_SCORE) if logged else None
    if score is None or not score.metadata:
        fault = logged.error.message if logged and logged.error else "Inspect gave no score"
        return unmeasured(sample, fault)
    return Judgement.of([Verdict.model_validate(row) for row in score.metadata["verdicts"]])


def _scored(sample: Sample, rollout: Rollout | None, judgement: Judgement) -> ScoredSample:
    return ScoredSample(
        sample_id=sample.id,
        objective=objective_of(sample),
        part=part_of(sample),
        messages=rollout.messages if rollout else sample.messages,
        completion=rollout.completion if rollout else Completion(text="", stop_reason="error"),
        verdicts=judgement.verdicts,
        passed=judgement.passed,
        score=judgement.score,
        metadata=sample.metadata,
    )
