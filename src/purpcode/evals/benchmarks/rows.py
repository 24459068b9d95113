"""Rows of a benchmark's data file, read with errors that name the row and the field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from purpcode.errors import InputError
from purpcode.types import Message

Data = Mapping[str, Any]
"""A row as it stands in a file: column name → value."""


@dataclass(frozen=True)
class Row:
    """One row; `number` counts from 1 in its file (`path` is None for rows of the Hub)."""

    data: Data
    number: int
    path: Path | None = None

    def text(self, *names: str, default: str | None = None) -> str:
        """The text in the first of these columns that is there.

        Raises:
            InputError: none is there and there is no default, or the value is no text or number.
        """
        for name in names:
            value = self.data.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise self.error(f"is {type(value).__name__}, not text", name)
            return str(value)
        if default is not None:
            return default
        raise self.error(f"is missing (found: {', '.join(map(str, self.data)) or 'nothing'})",
                         names[0])  # fmt: skip

    @property
    def task_id(self) -> str:
        """The row's id.

        Raises:
            InputError: it is missing or empty.
        """
        found = self.text("task_id")
        if not found:
            raise self.error("is empty", "task_id")
        return found

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation of the published schema: `[{role, content}, ...]`, the user's last.

        Raises:
            InputError: it is missing or malformed.
        """
        given = self.data.get("messages")
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise self.error("must be a list of {role, content}", "messages")
        try:
            messages = tuple(
                Message(role=one["role"], content=one["content"]) for one in list(given)
            )
        except (KeyError, TypeError, ValidationError):
            raise self.error("must be a list of {role, content}", "messages") from None
        if not messages or messages[-1].role != "user":
            raise self.error("must end with a message of the user", "messages")
        return messages

    def error(self, message: str, field: str) -> InputError:
        """An error at this row; the caller raises it."""
        return InputError(message, path=self.path, line=self.number, field=field)


def as_rows(data: Iterable[Data], path: Path | None = None) -> list[Row]:
    """Number rows as their file does.

    Raises:
        InputError: a row is not a mapping.
    """
    rows = []
    for number, one in enumerate(data, start=1):
        if not isinstance(one, Mapping):
            raise InputError("is not a row of named columns", path=path, line=number)
        rows.append(Row(one, number, path))
    return rows


def user_message(content: str) -> list[dict[str, str]]:
    """The `messages` column of a prompt of one turn."""
    return [{"role": "user", "content": content}]
