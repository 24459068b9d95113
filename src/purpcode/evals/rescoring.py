"""Saved answers judged again, with other oracles or another judge, without the model."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from purpcode.errors import InputError
from purpcode.evals.benchmarks.registry import find_benchmark
from purpcode.evals.command import judge_line
from purpcode.evals.oracle_choice import Checkouts, choose, open_eval_panel
from purpcode.evals.printing import Say, announce_judge, print_rates
from purpcode.evals.registry import find_task
from purpcode.evals.results import EvalHeader, ScoredSample
from purpcode.evals.stage import score_rollouts
from purpcode.oracles.oracle import digest
from purpcode.oracles.settings import OracleSettings
from purpcode.records import parse_record, read_records
from purpcode.types import Rollout, Sample


class RescoreSettings(BaseModel):
    """Which answers to judge again, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_folder: Path
    """Results folder of an evaluation."""
    oracle: str | None = None
    """Oracles in place of the samples' own, and static analyzers, separated by commas."""
    oracles: OracleSettings = OracleSettings()
    out: Path | None = None
    """Folder of the new results; unset means a folder within, named after the oracles."""
    samples: Path | None = None
    """JSONL file of the samples; unset means the folder's own."""
    purplellama_path: Path | None = None
    """Checkout of PurpleLlama, for its refusal phrases."""


def rescore(settings: RescoreSettings, *, say: Say = print) -> list[ScoredSample]:
    """Judge the folder's rollouts again; the new results stand beside the old ones.

    Raises:
        InputError: the folder lacks its header, rollouts or samples, or they do not fit.
        UnavailableError: an oracle's part is missing.
    """
    folder = settings.run_folder
    header = _header(folder / "header.json")
    rollouts = read_records(folder / "rollouts.jsonl", Rollout)
    samples = _samples(settings, rollouts)
    choice = choose(settings.oracle)
    if choice.oracles:
        samples = [one.model_copy(update={"oracles": choice.oracles}) for one in samples]
    oracles = settings.oracles
    if choice.analyzers:
        oracles = oracles.model_copy(update={"analyzers": choice.analyzers})
    names = dict.fromkeys(name for sample in samples for name in sample.oracles)
    announce_judge(oracles.judge, say)
    panel = open_eval_panel(oracles, names, Checkouts(purplellama=settings.purplellama_path))
    out = settings.out or folder / f"rescored-{digest(panel.fingerprints())[:8]}"
    if out.resolve() == folder.resolve():
        raise InputError("would write over the results it reads", path=out, field="out")
    task = find_task(header.suite)
    scored = score_rollouts(
        samples,
        rollouts,
        panel,
        out,
        label=header.label,
        model=header.model,
        sampling=header.sampling,
        judge=judge_line(oracles),
        suite=header.suite,
        benchmark=find_benchmark(header.suite),
        draws=header.draws,
        more={
            "data": header.data,
            "subset": header.subset,
            "oracles": choice.oracles or header.oracles,
        },
    )
    print_rates(scored, task, header.label, header.draws, header.data, say)
    say(f"\nResults: {out / 'records.jsonl'}, rates.json")
    return scored


def _header(path: Path) -> EvalHeader:
    if not path.is_file():
        raise InputError(
            "no such file", path=path, hint="Name the results folder of an evaluation."
        )
    return parse_record(path.read_text(encoding="utf-8"), EvalHeader, path=path)


def _samples(settings: RescoreSettings, rollouts: list[Rollout]) -> list[Sample]:
    path = settings.samples or settings.run_folder / "samples.jsonl"
    if not path.is_file():
        raise InputError(
            "no such file",
            path=path,
            hint="Name the samples that were asked with --samples (a recipe's run keeps them in"
            " redteam/heldout.jsonl).",
        )
    samples = read_records(path, Sample)
    asked = {sample.id for sample in samples}
    strangers = [
        one.sample_id
        for one in rollouts
        if one.sample_id not in asked and one.sample_id.rpartition(":")[0] not in asked
    ]
    if strangers:
        raise InputError(f"holds no sample '{strangers[0]}', which was answered", path=path)
    return samples
