"""`purpcode score`: saved answers judged again, without the model."""

from __future__ import annotations

from pathlib import Path


def score_again(
    run_folder: Path,
    *,
    oracle: str | None = None,
    judge: str = "heuristic",
    out: Path | None = None,
    samples: Path | None = None,
    purplellama_path: Path | None = None,
) -> None:
    """Judge an evaluation's saved answers again, with other oracles, analyzers or another judge.

    Parameters
    ----------
    run_folder
        The results folder of an evaluation (with rollouts.jsonl and samples.jsonl).
    oracle
        Oracles in place of the samples' own, and static analyzers or profiles of them, separated
        by commas; code is judged by `thorough` where that is installed, else `fast`.
    judge
        `heuristic`, or the name of a model that judges.
    out
        Folder of the new results; by default `rescored-...` in the run folder.
    samples
        JSONL file of the samples, for folders that hold none.
    purplellama_path
        Checkout of PurpleLlama, for its refusal phrases.
    """
    from purpcode.analyzers.registry import evaluation_profile
    from purpcode.evals.rescoring import RescoreSettings, rescore
    from purpcode.oracles.settings import OracleSettings

    rescore(
        RescoreSettings(
            run_folder=run_folder,
            oracle=oracle,
            oracles=OracleSettings(judge=judge, analyzers=(evaluation_profile(),)),
            out=out,
            samples=samples,
            purplellama_path=purplellama_path,
        )
    )
