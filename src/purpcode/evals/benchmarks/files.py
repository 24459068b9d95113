"""Data files of benchmarks: JSONL, JSON, CSV and Parquet, packed with gzip or not."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zlib
from pathlib import Path
from typing import Any

from purpcode.errors import InputError

SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".csv", ".parquet")
"""Endings of the files that can be read."""

_BIG_FIELD = 1 << 24


def read_table(path: Path) -> list[dict[str, Any]]:
    """The rows of a data file; of JSON, a list or the only list in an object.

    Raises:
        InputError: naming the file (and line) that is missing, unreadable, malformed or empty.
    """
    name = path.name.removesuffix(".gz")
    if name.endswith(".parquet"):
        rows = _parquet(path)
    elif name.endswith(".jsonl"):
        rows = _jsonl(_text(path), path)
    elif name.endswith(".json"):
        rows = _json(_text(path), path)
    elif name.endswith(".csv"):
        csv.field_size_limit(_BIG_FIELD)
        rows = [dict(row) for row in csv.DictReader(io.StringIO(_text(path), newline=""))]
    else:
        raise InputError("is no data file", path=path, hint=f"Known: {', '.join(SUFFIXES)}")
    if not rows:
        raise InputError("holds no rows", path=path)
    return rows


def read_bytes(path: Path) -> bytes:
    """A file's content, unpacked when it is gzip.

    Raises:
        InputError: it is missing or cannot be read.
    """
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except FileNotFoundError:
        raise InputError("no such file", path=path) from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read ({error})", path=path) from None


def content_sha256(path: Path) -> str:
    """SHA-256 of a file's unpacked content: packing again does not change it."""
    return hashlib.sha256(read_bytes(path)).hexdigest()


def find_file(path: Path, *patterns: str, what: str) -> Path:
    """`path` itself when it is a file, else the first file below it that a glob pattern finds.

    Raises:
        InputError: nothing is found; `what` says what was wanted.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise InputError("no such file or folder", path=path, hint=f"Wanted: {what}")
    for pattern in patterns:
        found = sorted(one for one in path.glob(pattern) if one.is_file())
        if found:
            return found[0]
    raise InputError(f"does not hold {what}", path=path, hint=f"Looked for: {', '.join(patterns)}")


def _text(path: Path) -> str:
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text ({error.reason})", path=path) from None


def _jsonl(text: str, path: Path) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"malformed JSON ({error})", path=path, line=number) from None
        if not isinstance(row, dict):
            raise InputError("is not an object", path=path, line=number)
        rows.append(row)
    return rows


def _json(text: str, path: Path) -> list[dict[str, Any]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"malformed JSON ({error})", path=path) from None
    if isinstance(value, dict):
        lists = [one for one in value.values() if isinstance(one, list)]
        value = lists[0] if len(lists) == 1 else value
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise InputError("is not a list of objects", path=path)
    return value


def _parquet(path: Path) -> list[dict[str, Any]]:
    import pyarrow  # type: ignore[import-untyped]
    from pyarrow import parquet

    try:
        rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    except FileNotFoundError:
        raise InputError("no such file", path=path) from None
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"is not a Parquet file ({error})", path=path) from None
    return rows
