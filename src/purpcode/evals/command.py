"""One model, one benchmark, from prompts to a table of rates: what `purpcode eval` does."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from purpcode.errors import InputError
from purpcode.evals.asking import generate_completions, generate_conversations
from purpcode.evals.backends import Backend, resolve_backend
from purpcode.evals.costs import announce_cost
from purpcode.evals.eval_settings import EvalSettings
from purpcode.evals.oracle_choice import Checkouts, choose, open_eval_panel
from purpcode.evals.preparation import Questions, asking_of, load_questions, prepare_samples
from purpcode.evals.printing import (
    Say,
    announce,
    announce_oracles,
    print_cost,
    print_rates,
    print_tokens,
    progress,
)
from purpcode.evals.registry import find_task
from purpcode.evals.results import ScoredSample
from purpcode.evals.stage import read_header, score_rollouts, token_totals
from purpcode.evals.statistics import Rate
from purpcode.evals.units import turns_of
from purpcode.models.embedded import resolve_model
from purpcode.models.model import LanguageModel
from purpcode.models.registry import model_kind, open_model
from purpcode.oracles.judge import HEURISTIC, open_judge
from purpcode.oracles.settings import OracleSettings
from purpcode.records import write_json_atomic, write_records
from purpcode.run_folder import folder_digest
from purpcode.types import Rollout, Sample


@dataclass(frozen=True)
class EvalOutcome:
    """An evaluation's results and the folder that holds them."""

    folder: Path
    samples: tuple[ScoredSample, ...]

    @property
    def rates(self) -> dict[tuple[str, str], Rate]:
        """(objective, part) → rate, in order of appearance."""
        outcomes: dict[tuple[str, str], list[bool | None]] = {}
        for sample in self.samples:
            outcomes.setdefault((sample.objective, sample.part), []).append(sample.passed)
        return {row: Rate.of(passed) for row, passed in outcomes.items()}


def run_eval(settings: EvalSettings, *, say: Say = print) -> EvalOutcome:
    """Ask the model, judge its answers, print the rates and where the results are.

    A killed run continues with the same settings.

    Raises:
        InputError: unusable settings or data.
        UnavailableError: the model, the judge or another part cannot be used.
    """
    task = find_task(settings.task)
    questions = load_questions(settings, say)
    samples = prepare_samples(questions.samples, settings)
    backend = resolve_backend(
        settings.model, settings.backend, tensor_parallel=settings.tensor_parallel
    )
    spec, base_url = backend.spec, settings.base_url or backend.base_url
    label = settings.label or Path(settings.model).name
    folder = settings.folder or Path("results") / task.published.split("/")[-1] / _safe(label)
    oracles = oracle_settings(settings)
    names = dict.fromkeys(name for sample in samples for name in sample.oracles)
    announce(task, len(samples), spec, base_url, settings, questions.data, say)
    announce_oracles(oracles, names, say)
    _announce_cost(samples, questions, settings, say)
    checkouts = Checkouts(settings.purplellama_path, settings.cweval_path)
    panel = open_eval_panel(oracles, names, checkouts)
    _require_same_weights(folder, spec)
    model = _open(backend, base_url, settings)
    try:
        rollouts = _ask(model, samples, questions, settings, folder, say)
    finally:
        model.close()
    # Not before the saved answers were found to be this evaluation's: `score` reads both.
    write_records(folder / "samples.jsonl", samples)
    scored = score_rollouts(
        samples,
        rollouts,
        panel,
        folder,
        label=label,
        model=spec,
        sampling=settings.sampling.model_dump(),
        judge=judge_line(oracles),
        suite=task.name,
        benchmark=questions.benchmark,
        draws=settings.draws,
        prices=settings.prices,
        more=_header_fields(questions, settings),
    )
    outcome = EvalOutcome(folder, tuple(scored))
    print_rates(scored, task, label, settings.draws, questions.data, say)
    print_tokens(token_totals(scored), say)
    print_cost(read_header(folder), say)
    say(f"\nResults: {folder / 'records.jsonl'}, rates.json")
    say(f"Log:     inspect view --log-dir {folder / 'logs'}")
    return outcome


def _ask(
    model: LanguageModel,
    samples: list[Sample],
    questions: Questions,
    settings: EvalSettings,
    folder: Path,
    say: Say,
) -> list[Rollout]:
    journal, draws = folder / "rollouts.jsonl", settings.draws
    if not questions.turn_by_turn:
        return generate_completions(
            model,
            samples,
            settings.sampling,
            journal,
            batch_size=settings.batch_size,
            draws=draws,
            on_progress=progress(len(samples) * draws, say),
        )
    return generate_conversations(
        model,
        samples,
        settings.sampling,
        journal,
        batch_size=settings.batch_size,
        draws=draws,
        trim=settings.trim_thinking,
        on_progress=progress(sum(map(turns_of, samples)) * draws, say),
    )


def _header_fields(questions: Questions, settings: EvalSettings) -> dict[str, Any]:
    subset: dict[str, Any] = {}
    if settings.limit is not None:
        subset["limit"] = settings.limit
    if settings.sample_ids:
        subset["sample_ids"] = list(settings.sample_ids)
    oracles = choose(settings.oracle).oracles
    return {
        "data": questions.data,
        "subset": subset,
        "oracles": oracles,
        "asking": asking_of(questions.samples, settings, questions.turn_by_turn),
    }


def _announce_cost(
    samples: list[Sample], questions: Questions, settings: EvalSettings, say: Say
) -> None:
    announce_cost(
        samples,
        settings.prices,
        say,
        draws=settings.draws,
        max_tokens=settings.sampling.max_tokens,
        conversations=questions.turn_by_turn,
        judge=settings.oracles.judge,
    )


def oracle_settings(settings: EvalSettings) -> OracleSettings:
    """The oracles' settings with the analyzers the user named.

    Raises:
        InputError: a name that is neither an oracle nor an analyzer.
    """
    analyzers = choose(settings.oracle).analyzers
    if not analyzers:
        return settings.oracles
    return settings.oracles.model_copy(update={"analyzers": analyzers})


def judge_line(settings: OracleSettings) -> str:
    """The judge's name and agreement with the calibration set, as reports show it.

    The figures are those that were measured when the panel was opened, for the questions it asks;
    a model judge that no panel asks anything costs no calibration here.
    """
    from purpcode.oracles.calibration import QUESTIONS, calibrate, known_agreement

    judge = open_judge(settings)
    measured = known_agreement(judge)
    if not measured and settings.judge == HEURISTIC:
        measured = [calibrate(judge, question) for question in QUESTIONS]
    return f"{judge.name} ({'; '.join(map(str, measured)) or 'not asked'})"


def _open(backend: Backend, base_url: str | None, settings: EvalSettings) -> LanguageModel:
    local = model_kind(backend.spec) in ("embedded", "folder", "hub")
    return open_model(
        backend.spec,
        # On this machine the model's own default holds: it is what fits in memory.
        batch_size=None if local else settings.batch_size,
        base_url=base_url,
        cache=settings.cache,
        model_args=backend.model_args,
    )


def _require_same_weights(folder: Path, spec: str) -> None:
    """A model folder keeps its name when it is trained anew; saved answers are then another's."""
    if model_kind(spec) not in ("embedded", "folder"):
        return
    noted = folder / "weights.json"
    weights = {"model": spec, "digest": folder_digest(resolve_model(spec))}
    if noted.exists() and json.loads(noted.read_text(encoding="utf-8")) != weights:
        raise InputError(
            f"the saved completions are of other weights than '{spec}' has now",
            path=folder,
            hint="They belong to an earlier evaluation; move the folder away or write this"
            " evaluation to another one.",
        )
    write_json_atomic(noted, weights)


def _safe(label: str) -> str:
    """A label as a folder name."""
    return re.sub(r"[^\w.-]+", "_", label).strip(".") or "model"
