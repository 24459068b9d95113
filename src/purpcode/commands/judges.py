"""`purpcode judges`: how often a judge is right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purpcode.evals.judge_accuracy import JudgeAccuracy
    from purpcode.oracles.judge import Judge

_Count = Annotated[int, Parameter(validator=validators.Number(gte=1))]


def evaluate(
    dataset: Path | None = None,
    *,
    judge: str = "heuristic",
    attempts: _Count = 3,
    groups: bool = False,
    json: Path | None = None,
    rows: Path | None = None,
) -> None:
    """Hold a judge against labelled conversations.

    Parameters
    ----------
    dataset
        JSONL file of rows {id, request, response} with labels {assists, kind}, or XSTest's
        labelled completions (a csv file, or a folder of them). Without it: the calibration set,
        and XSTest's completions where PURPCODE_DATA_DIR holds them.
    judge
        `heuristic`, or the name of a model that judges.
    attempts
        Tries for a readable verdict from a model judge.
    groups
        Show every group of a source as well.
    json
        Write every figure to this file.
    rows
        Write every conversation's label and the judge's answer to this JSONL file.
    """
    from purpcode.evals.judge_accuracy import accuracies, accuracy_json, judge_labelled
    from purpcode.oracles.judge import HEURISTIC, open_judge
    from purpcode.oracles.settings import OracleSettings
    from purpcode.records import write_json_atomic, write_records

    opened = open_judge(OracleSettings(judge=judge, judge_attempts=attempts))
    if judge != HEURISTIC:
        from purpcode.evals.printing import announce_judge

        announce_judge(judge, print)
    judged = judge_labelled(opened, dataset)
    found = accuracies(judged)
    _print(opened, found, groups=groups)
    if json is not None:
        write_json_atomic(json, accuracy_json(opened, found))
    if rows is not None:
        write_records(rows, judged)


def _print(judge: Judge, found: Sequence[JudgeAccuracy], *, groups: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from purpcode.evals.judge_accuracy import WHOLE_ONLY, fit_note

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("question", no_wrap=True)
    table.add_column("source", overflow="fold")
    for name in ("n", "agreement", "kappa", "FP", "FN"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found:
        if groups or one.group in ("", WHOLE_ONLY):
            table.add_row(*_cells(one))
    console = Console(highlight=False, markup=False)
    console.print(f"Judge {judge.name}; 95% intervals in brackets; FP: a good answer called bad.\n")
    console.print(table)
    if note := fit_note(judge, found):
        console.print(f"\n{note}", soft_wrap=True)
    faults = dict.fromkeys(one.fault for one in found if one.fault)
    for fault in faults:
        console.print(f"unmeasured, for instance: {fault}")


def _cells(one: JudgeAccuracy) -> list[str]:
    agreement = kappa = "–"
    if one.agreement_interval:
        low, high = one.agreement_interval
        agreement = f"{one.agreement:.1%} ({100 * low:.0f}–{100 * high:.0f})"
    if one.kappa_interval:
        low, high = one.kappa_interval
        kappa = f"{one.kappa:.2f} ({low:.2f}–{high:.2f})"
    source = f"{one.source}, {one.group}" if one.group else one.source
    count = f"{one.n} ({one.unmeasured} unmeasured)" if one.unmeasured else str(one.n)
    errors = (str(one.false_positives), str(one.false_negatives))
    return [one.question, source, count, agreement, kappa, *errors]
