"""`purpcode report`: what evaluations showed, as a page, Markdown, JSON and a model card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from purpcode.errors import InputError


def report_folders(
    folders: Sequence[Path], *, out: Path | None = None, model_card: Path | None = None
) -> None:
    """Write the report on evaluation folders, folders of evaluations, or a run folder, into `out`
    (by default `report` in the first of them), and print its table; `model_card` is a Markdown file
    that takes the evaluation section of a model card.

    Raises:
        InputError: no folder, or one that holds no evaluation.
    """
    from rich.console import Console

    from purpcode.records import write_text_atomic
    from purpcode.reports import model_card as card_text
    from purpcode.reports import print_tables, read_folders, write_run_report

    if not folders:
        raise InputError("give at least one evaluation folder or run folder")
    run = read_folders(folders)
    paths = write_run_report(run, out or folders[0] / "report")
    if model_card is not None:
        write_text_atomic(model_card, card_text(paths.sections))
    print_tables(paths.tables, paths.html, Console(highlight=False))
