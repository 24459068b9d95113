"""Judging saved answers: the half of an evaluation that needs no model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purpcode.errors import InputError
from purpcode.evals.asking import generate_completions, require_distinct
from purpcode.evals.benchmarks.benchmark import Benchmark
from purpcode.evals.costs import cost_of, judge_spending, spent_since
from purpcode.evals.judging import part_of, unmeasured
from purpcode.evals.rates import TURN, rates_json
from purpcode.evals.results import Asking, EvalHeader, Prices, ScoredSample, TokenTotals
from purpcode.evals.settings import SuiteSettings
from purpcode.evals.units import Unit, by_draw, draw_units, turn_units
from purpcode.models.model import LanguageModel, Sampling
from purpcode.oracles.objectives import objective_of
from purpcode.oracles.oracle import Judgement, Panel
from purpcode.oracles.resumed import ResumedPanel
from purpcode.records import parse_record, write_json_atomic, write_records
from purpcode.types import Completion, Rollout, Sample, Verdict

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample


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
    benchmark: Benchmark | None = None,
    draws: int = 1,
    prices: Prices | None = None,
    more: Mapping[str, Any] | None = None,
) -> list[ScoredSample]:
    """Judge the saved rollouts of samples; a sample (or turn, or draw) without one is unmeasured.

    The Inspect task runs over the saved completions, and its log is where the scores come from.
    Writes `records.jsonl`, `header.json`, `rates.json` and `logs/*.eval` (for `inspect view`)
    into `folder`. Verdicts reached before a kill are not asked for again.

    Args:
        panel: has every oracle that the samples name.
        label: short name in tables (base, rule-learned, rl).
        model: the model's name, as `open_model` takes it.
        sampling: how the rollouts were decoded.
        judge: the judge's name and measured agreement, for the header.
        benchmark: whose samples they are; None for the quick suite.
        draws: completions per prompt.
        prices: what tokens cost, for the header.
        more: further fields of the header.

    Raises:
        InputError: there are no samples, or two share an id.
        PurpcodeError: Inspect could not run.
    """
    require_distinct(samples)
    started, spent = time.monotonic(), judge_spending(panel)
    units = units_of(samples, rollouts, benchmark, draws)
    with ResumedPanel(panel, folder / "verdicts.jsonl") as resumed:
        scored = _judged(units, resumed, folder, model=model, suite=suite, benchmark=benchmark)
    tokens, judge_tokens = token_totals(scored), spent_since(spent, judge_spending(panel))
    header = EvalHeader(
        label=label,
        model=model,
        suite=suite,
        sampling=dict(sampling),
        oracle_fingerprints=panel.fingerprints(),
        samples=len(scored),
        seconds=round(time.monotonic() - started, 3),
        judge=judge,
        published=benchmark.published if benchmark else "",
        draws=draws,
        tokens=tokens,
        judge_tokens=judge_tokens,
        cost=prices and cost_of(prices, tokens, judge_tokens),
        **(more or {}),
    )
    _write(folder, header, scored)
    resumed.finish()
    return scored


def _judged(
    units: Sequence[Unit],
    panel: Panel,
    folder: Path,
    *,
    model: str,
    suite: str,
    benchmark: Benchmark | None,
) -> list[ScoredSample]:
    """The units with their judgements, which are read from the log of Inspect's run."""
    from purpcode.evals.inspect_run import run_task
    from purpcode.evals.quick_suite import recorded_task

    answered = [
        unit.rollout.model_copy(update={"sample_id": unit.sample.id})
        for unit in units
        if unit.rollout
    ]
    task = recorded_task([unit.sample for unit in units], answered, panel, suite)
    log = run_task(task, folder / "logs", model=model, samples=len(units))
    logged = {str(entry.id): entry for entry in log.samples or []}
    return [
        _scored(unit, _judgement(unit.sample, logged.get(unit.sample.id)), benchmark)
        for unit in units
    ]


def _write(folder: Path, header: EvalHeader, scored: Sequence[ScoredSample]) -> None:
    write_records(folder / "records.jsonl", scored)
    write_json_atomic(folder / "header.json", header.model_dump())
    rates = rates_json(scored, header.draws)
    named = {"benchmark": header.suite, "label": header.label, **rates}
    write_json_atomic(folder / "rates.json", named)


def read_header(folder: Path) -> EvalHeader:
    """The header of a results folder.

    Raises:
        InputError: there is none, or it is malformed.
    """
    path = folder / "header.json"
    if not path.is_file():
        raise InputError(
            "no such file", path=path, hint="Name the results folder of an evaluation."
        )
    return parse_record(path.read_text(encoding="utf-8"), EvalHeader, path=path)


def units_of(
    samples: Sequence[Sample], rollouts: Sequence[Rollout], benchmark: Benchmark | None, draws: int
) -> list[Unit]:
    """What is judged one by one, of samples as their oracles are to see them."""
    answers = by_draw(rollouts)
    if benchmark is None:
        return draw_units(samples, answers, draws)
    prepared = [benchmark.prepare(sample) for sample in samples]
    if benchmark.conversations:
        return turn_units(prepared, answers, draws)
    return draw_units(prepared, answers, draws)


def token_totals(scored: Sequence[ScoredSample]) -> TokenTotals:
    """Tokens over all completions, and how many of them told theirs."""
    usages = [one.completion.usage for one in scored if one.completion.usage is not None]
    return TokenTotals(
        prompt_tokens=sum(usage.prompt_tokens for usage in usages),
        completion_tokens=sum(usage.completion_tokens for usage in usages),
        counted=len(usages),
        completions=len(scored),
    )


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
    prices: Prices | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> list[ScoredSample]:
    """Ask one model the whole suite and judge its answers; closes the model.

    Raises what `generate_completions` and `score_rollouts` raise.
    """
    earlier = any(one.role == "assistant" for sample in samples for one in sample.messages)
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
        prices=prices,
        more={"asking": Asking(trim_thinking=False if earlier else None)},
    )


def _judgement(sample: Sample, logged: EvalSample | None) -> Judgement:
    from purpcode.evals.scorers import PANEL_SCORE

    score = (logged.scores or {}).get(PANEL_SCORE) if logged else None
    if score is None or not score.metadata:
        fault = logged.error.message if logged and logged.error else "Inspect gave no score"
        return unmeasured(sample, fault)
    return Judgement.of([Verdict.model_validate(row) for row in score.metadata["verdicts"]])


def _scored(unit: Unit, judgement: Judgement, benchmark: Benchmark | None) -> ScoredSample:
    sample, rollout = unit.sample, unit.rollout
    keys = (*benchmark.groups, TURN) if benchmark else ()
    groups = {key: str(sample.metadata[key]) for key in keys if sample.metadata.get(key)}
    return ScoredSample(
        sample_id=unit.sample_id,
        objective=objective_of(sample),
        part=part_of(sample),
        messages=rollout.messages if rollout else sample.messages,
        completion=rollout.completion if rollout else Completion(text="", stop_reason="error"),
        verdicts=judgement.verdicts,
        passed=judgement.passed,
        score=judgement.score,
        metadata=sample.metadata,
        index=unit.index,
        groups=groups,
        outcomes=benchmark.outcomes(sample, judgement) if benchmark else {},
        conversation=unit.conversation,
    )
