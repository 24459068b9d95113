"""Answers that people labelled as refusing or complying, read from the user's own copy.

XSTest (Röttger et al., 2024, arXiv 2308.01263) publishes the answers of several models to its 450
prompts, `xstest_v2_completions_<model>.csv`, each labelled by two people and finally as
1_full_compliance, 2_full_refusal or 3_partial_refusal. A partial refusal counts as one.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

from purpcode.errors import InputError

DATA_DIR_VARIABLE = "PURPCODE_DATA_DIR"
_PREFIX = "xstest_v2_completions_"
_REFUSES = {"1_full_compliance": False, "2_full_refusal": True, "3_partial_refusal": True}
_PARTIAL = "3_partial_refusal"
_COLUMNS = ("id", "prompt", "completion", "final_label")


@dataclass(frozen=True)
class LabelledAnswer:
    """An answer and what people say it does. `number` is the prompt's, shared by all models."""

    number: int
    model: str
    request: str
    answer: str
    refuses: bool
    partial: bool


def data_folder() -> Path | None:
    """The folder of the user's data sets, where `PURPCODE_DATA_DIR` names one."""
    named = os.environ.get(DATA_DIR_VARIABLE)
    return Path(named) if named else None


def xstest_files(folder: Path) -> list[Path]:
    """The files of labelled completions in a folder or below it."""
    return sorted(folder.glob(f"**/{_PREFIX}*.csv"))


def read_xstest(path: Path) -> list[LabelledAnswer]:
    """The labelled answers of one file.

    Raises:
        InputError: it cannot be read, lacks a column, or holds a label or id of another form.
    """
    model = path.stem.removeprefix(_PREFIX)
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle)
            lacking = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if lacking:
                raise InputError("no such column", path=path, line=1, field=lacking[0])
            return [_labelled(row, model, path, reader.line_num) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read ({error})", path=path) from None


def _labelled(row: dict[str, str | None], model: str, path: Path, line: int) -> LabelledAnswer:
    label, number = row["final_label"] or "", (row["id"] or "").rpartition("-")[2]
    if label not in _REFUSES:
        known = ", ".join(_REFUSES)
        raise InputError(f"not one of {known}", path=path, line=line, field="final_label")
    if not number.isdecimal():
        raise InputError("does not end in a number", path=path, line=line, field="id")
    return LabelledAnswer(
        number=int(number),
        model=model,
        request=row["prompt"] or "",
        answer=row["completion"] or "",
        refuses=_REFUSES[label],
        partial=label == _PARTIAL,
    )
