"""`purpcode compare`: two evaluations, sample by sample."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from purpcode.reports.protocol import Kind

_Flag = Annotated[bool, Parameter(negative="")]


def compare(
    run_a: Path,
    run_b: Path,
    *,
    out: Path | None = None,
    label_a: str | None = None,
    label_b: str | None = None,
    allow_different_oracles: _Flag = False,
    allow_different_data: _Flag = False,
    allow_different_asking: _Flag = False,
    allow_different_sampling: _Flag = False,
) -> None:
    """Compare two evaluated models sample by sample: what was fixed, what regressed.

    Parameters
    ----------
    run_a
        An evaluation's folder, a folder of evaluations, or a recipe's run folder.
    run_b
        The same for the other model; the same run folder again compares its first and last model.
    out
        Folder of the page, Markdown and JSON; by default results/compare/A-vs-B.
    label_a
        Which model of RUN_A, where it holds several.
    label_b
        Which model of RUN_B, where it holds several.
    allow_different_oracles
        Compare although the two were judged differently; every output then says so.
    allow_different_data
        Compare although the two were evaluated on different data; every output then says so.
    allow_different_asking
        Compare although system prompt, thoughts of earlier turns or your own code changed the
        prompts of one alone; every output then says so.
    allow_different_sampling
        Compare although the two were sampled differently; every output then says so.
    """
    from rich.console import Console

    from purpcode.reports import compare_models, read_sides, write_comparison
    from purpcode.reports.comparison_files import print_comparison

    allowed: dict[Kind, bool] = {
        "oracles": allow_different_oracles,
        "data": allow_different_data,
        "asking": allow_different_asking,
        "sampling": allow_different_sampling,
    }
    sides = read_sides(run_a, run_b, label_a, label_b)
    comparison = compare_models(sides, allow=[kind for kind, given in allowed.items() if given])
    names = "-vs-".join(_folder_name(name) for name in (sides.label_a, sides.label_b))
    paths = write_comparison(comparison, out or Path("results") / "compare" / names)
    print_comparison(comparison, paths.html, Console(highlight=False))


def _folder_name(label: str) -> str:
    return re.sub(r"[^\w-]+", "-", label).strip("-")[:80] or "model"
