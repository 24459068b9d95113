"""A JSONL file whose rows belong to updates, cut back when training resumes from a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from purpcode.errors import PurpcodeError


class UpdateLog:
    """Appends rows and forgets them (rollouts of a long run do not fit in memory, so this is not
    a `records.Journal`). Rows carry their update's number in `number_field`, never decreasing."""

    def __init__(self, path: Path, *, number_field: str) -> None:
        self.path = path
        self._field = number_field

    def cut_after(self, update: int) -> None:
        """Drop what training will write again: rows of later updates, and a torn last line."""
        if not self.path.exists():
            return
        keep = 0
        with self.path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n") or json.loads(line)[self._field] > update:
                    break
                keep += len(line)
        with self.path.open("r+b") as handle:
            handle.truncate(keep)

    def extend(self, rows: Iterable[BaseModel]) -> None:
        """Append rows in one write.

        Raises:
            PurpcodeError: when the disk is full or the folder cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as handle:
                handle.write("".join(row.model_dump_json() + "\n" for row in rows))
        except OSError as error:
            raise PurpcodeError(
                f"{self.path}: cannot write ({error.strerror or error})",
                hint="Free space or choose another folder; training resumes from its last"
                " checkpoint.",
            ) from error
