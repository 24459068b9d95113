"""JSONL on disk: typed reading with located errors, and an append-only journal."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from purpcode.errors import InputError, PurpcodeError

T = TypeVar("T", bound=BaseModel)


def read_records(path: Path, model: type[T]) -> list[T]:
    """Read a JSONL file into `model`s.

    Raises:
        InputError: naming file, line and field, for a missing file, a line that is not JSON
            or a record that does not fit the model.
    """
    return list(iter_records(path, model))


def iter_records(path: Path, model: type[T]) -> Iterator[T]:
    """Like `read_records`, one at a time."""
    try:
        lines = path.open(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("no such file", path=path) from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path) from None
    with lines:
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield parse_record(line, model, path=path, line=number)
        except UnicodeDecodeError as error:
            raise InputError(f"is not UTF-8 text ({error.reason})", path=path) from None


def parse_record(
    text: str, model: type[T], *, path: Path | None = None, line: int | None = None
) -> T:
    """Parse one JSON record, or raise an `InputError` that names the place and the field."""
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        message = first["msg"]
        if first["type"] == "json_invalid":
            message = f"malformed JSON ({first['ctx']['error']})"
        raise InputError(message, path=path, line=line, field=field) from None


def write_text_atomic(path: Path, text: str) -> None:
    """Write a file whole or not at all (temporary file in the same folder, then rename).

    Raises:
        PurpcodeError: when the disk is full or the folder cannot be written.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as handle:
            temporary = Path(handle.name)
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise _write_error(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_json_atomic(path: Path, value: Any) -> None:
    """Write indented JSON with `write_text_atomic`."""
    write_text_atomic(path, json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False) + "\n")


def write_records(path: Path, records: Iterable[BaseModel]) -> None:
    """Write a whole JSONL file atomically."""
    write_text_atomic(path, "".join(record.model_dump_json() + "\n" for record in records))


class Journal(Generic[T]):
    """An append-only JSONL file, flushed per record, that a killed process can pick up again.

    Opening it repairs a torn last line (a record cut off by a kill): the torn bytes are dropped
    and `repaired` says how many.
    """

    def __init__(self, path: Path, model: type[T]) -> None:
        self.path = path
        self.repaired = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._repair()
            self.records: list[T] = read_records(path, model) if path.exists() else []
            self._handle = path.open("ab", buffering=0)  # a failed write leaves nothing to flush
        except OSError as error:
            raise _write_error(path, error) from error

    def _repair(self) -> None:
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        if data and not data.endswith(b"\n"):
            keep = data.rfind(b"\n") + 1
            self.repaired = len(data) - keep
            with self.path.open("r+b") as handle:
                handle.truncate(keep)

    def append(self, record: T) -> None:
        """Add a record; it is on its way to disk when this returns."""
        self.extend([record])

    def extend(self, records: Iterable[T]) -> None:
        """Add records in one write, so a kill keeps either all of them or a repairable part.

        Raises:
            PurpcodeError: the disk is full; none of these records is kept, all earlier ones are.
        """
        batch = list(records)
        waiting = memoryview("".join(record.model_dump_json() + "\n" for record in batch).encode())
        whole = os.fstat(self._handle.fileno()).st_size
        try:
            while waiting:
                waiting = waiting[self._handle.write(waiting) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                self._handle.truncate(whole)
            raise _write_error(self.path, error) from error
        self.records.extend(batch)

    def close(self) -> None:
        """Close the file; further appends fail."""
        self._handle.close()

    def __enter__(self) -> Journal[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _write_error(path: Path, error: OSError) -> PurpcodeError:
    return PurpcodeError(
        f"{path}: cannot write ({error.strerror or error})",
        hint="Free space or choose another folder with --runs-dir; what was written is kept and"
        " the same command continues from there.",
    )
