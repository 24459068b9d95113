"""Saved answers judged again, with other oracles or another judge, without the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from purpcode.errors import InputError
from purpcode.evals.benchmarks.registry import find_benchmark
from purpcode.evals.command import judge_line
from purpcode.evals.oracle_choice import Checkouts, choose, open_eval_panel
from purpcode.evals.printing import Say, announce_judge, print_rates
from purpcode.evals.registry import find_task
from purpcode.evals.results import ScoredSample
from purpcode.evals.stage import read_header, score_rollouts
from purpcode.oracles.oracle import digest
from purpcode.oracles.settings import OracleSettings
from purpcode.records import read_records
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
    header = read_header(folder)
    rollouts = read_records(folder / "rollouts.jsonl", Rollout)
    samples = saved_samples(folder, rollouts, settings.samples)
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
        prices=header.cost.prices if header.cost else None,
        more={
            "data": header.data,
            "subset": header.subset,
            "asking": header.asking,
            "oracles": choice.oracles or header.oracles,
        },
    )
    print_rates(scored, task, header.label, header.draws, header.data, say)
    say(f"\nResults: {out / 'records.jsonl'}, rates.json")
    return scored


def saved_samples(
    folder: Path, rollouts: Sequence[Rollout], given: Path | None = None
) -> list[Sample]:
    """The samples that saved rollouts answer: of `given`, else the results folder's own, else those
    of the recipe's run that the folder lies in.

    Raises:
        InputError: there are none, or they are not those that were answered.
    """
    own, of_run = folder / "samples.jsonl", folder.parent.parent / "redteam" / "heldout.jsonl"
    path = given or (of_run if of_run.is_file() and not own.is_file() else own)
    if not path.is_file():
        raise InputError(
            "no such file",
            path=path,
            hint="Name the results folder of an evaluation; for `purpcode score`, the samples that"
            " were asked with --samples.",
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
