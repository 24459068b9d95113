"""Code whose security is known: the rows by which analyzers are measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from purpcode.errors import InputError
from purpcode.records import iter_records

Label = Literal["insecure", "secure"]


class LabelledCode(BaseModel):
    """One piece of code and what is known of it (a line of a labelled set's JSONL file).

    `cwe` holds the weaknesses that the code has, or, for secure code, those that it avoids.
    Insecure rows and secure rows with the same `pair` are variants of the same program.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    code: str
    label: Label
    cwe: tuple[int, ...] = ()
    pair: str | None = None
    language: str = "python"


def read_labelled(path: Path) -> list[LabelledCode]:
    """The rows of a labelled set.

    Raises:
        InputError: naming file, line and field, for a file that is missing, empty or not JSONL,
            a row that does not fit, or an id that occurs twice.
    """
    rows: list[LabelledCode] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(iter_records(path, LabelledCode), start=1):
        if row.id in seen:
            raise InputError(f"the id '{row.id}' occurs twice (row {seen[row.id]})", path=path)
        seen[row.id] = number
        rows.append(row)
    if not rows:
        raise InputError("holds no rows", path=path)
    return rows


def label_counts(rows: Sequence[LabelledCode]) -> dict[Label, int]:
    """How many rows carry each label."""
    return {
        "insecure": sum(row.label == "insecure" for row in rows),
        "secure": sum(row.label == "secure" for row in rows),
    }


def read_source(file: Path) -> str:
    """A source file of a set as text; raises InputError where it is not readable UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=file) from None
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text ({error.reason})", path=file) from None
