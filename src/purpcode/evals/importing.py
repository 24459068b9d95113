"""Where a benchmark's rows come from: the Hub, a local file, or the upstream project's data."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from purpcode.errors import InputError, UnavailableError
from purpcode.evals.benchmarks.benchmark import Benchmark
from purpcode.evals.benchmarks.files import SUFFIXES, content_sha256, read_table
from purpcode.evals.benchmarks.rows import Data
from purpcode.evals.results import DataInfo
from purpcode.oracles.oracle import digest
from purpcode.records import write_text_atomic

DATA_DIR = "PURPCODE_DATA_DIR"
"""Environment variable: folder with the data files of benchmarks."""


@dataclass(frozen=True)
class Loaded:
    """A benchmark's rows in the published schema, and where they are from."""

    rows: list[dict[str, Any]]
    info: DataInfo
    path: Path | None = None


def load_rows(
    benchmark: Benchmark, data: Path | None = None, *, allow_partial: bool = False
) -> Loaded:
    """The benchmark's rows: from `data`, else from the folder that PURPCODE_DATA_DIR names, else
    from the Hub.

    Raises:
        InputError: there is no data, it is malformed, or not the whole benchmark (unless
            `allow_partial`, which the result's `info` then says).
        UnavailableError: the Hub cannot be reached.
    """
    path = data or local_file(benchmark)
    if path is None:
        rows = _from_hub(benchmark)
        source, content = f"Hub dataset {benchmark.hub}, split test", None
    else:
        rows, content = _from_path(benchmark, path)
        source = str(path)
    info = DataInfo(
        source=source,
        sha256=content or "",
        digest=digest(rows),
        rows=len(rows),
        expected_rows=len(rows) if benchmark.is_whole(len(rows)) else benchmark.rows,
        edition=benchmark.other_sizes.get(len(rows), ""),
        problem=_problem(benchmark, rows, _known(benchmark, path), content),
    )
    if info.problem and not allow_partial:
        raise InputError(
            info.problem,
            path=path,
            hint="Get the whole file, or go on with --allow-partial: tables then say so.",
        )
    return Loaded(rows, info, path)


def local_file(benchmark: Benchmark) -> Path | None:
    """The benchmark's file below the folder that PURPCODE_DATA_DIR names, if there is one."""
    folder = os.environ.get(DATA_DIR)
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise InputError("is not a folder", path=folder, hint=f"{DATA_DIR} names it.")
    names = [f"{benchmark.name}{suffix}" for suffix in SUFFIXES]
    within = [f"{benchmark.name}/test{suffix}" for suffix in SUFFIXES]
    for pattern in (*names, *within, *benchmark.files):
        found = sorted(Path(folder).glob(pattern))
        if found:
            return found[0]
    return None


def import_rows(
    benchmark: Benchmark, path: Path, out: Path, *, allow_partial: bool = False
) -> DataInfo:
    """Write the rows of the upstream project's data to `out`, as JSONL in the published schema.

    Raises what `load_rows` raises.
    """
    import json

    loaded = load_rows(benchmark, path, allow_partial=allow_partial)
    benchmark.read(loaded.rows, path)
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in loaded.rows)
    write_text_atomic(out, "".join(lines))
    return loaded.info


def _from_path(benchmark: Benchmark, path: Path) -> tuple[list[dict[str, Any]], str | None]:
    """Rows, and the SHA-256 of the upstream file they were imported from (None for a folder, and
    for rows that have the published schema already)."""
    if path.is_file() and path.name.endswith(SUFFIXES):
        rows = read_table(path)
        if _is_published(rows):
            return rows, None
    rows = benchmark.import_from(path)
    if not rows:
        raise InputError("holds no rows", path=path, hint=f"Wanted: {benchmark.upstream}")
    return rows, content_sha256(path) if path.is_file() else None


def _is_published(rows: Sequence[Mapping[str, Any]]) -> bool:
    return bool(rows) and "task_id" in rows[0] and "messages" in rows[0]


def _known(benchmark: Benchmark, path: Path | None) -> dict[str, str]:
    """SHA-256 → name of the upstream files that have the format of `path`: another format of the
    same rows cannot have their hash."""
    suffix = Path(path.name.removesuffix(".gz")).suffix if path else ""
    return {sha: name for sha, name in benchmark.sha256.items() if name.endswith(suffix)}


def _problem(
    benchmark: Benchmark, rows: Sequence[Data], known: Mapping[str, str], content: str | None
) -> str:
    if not benchmark.is_whole(len(rows)):
        return f"holds {len(rows)} rows, the whole {benchmark.published} has {benchmark.sizes}"
    if doubt := benchmark.doubt(rows):
        return f"holds {doubt}"
    if content and known and content not in known:
        named = ", ".join(f"{name} {sha[:12]}…" for sha, name in known.items())
        return (
            f"has the size of {benchmark.published} and other content (SHA-256 {content[:12]}…;"
            f" known: {named})"
        )
    return ""


def _from_hub(benchmark: Benchmark) -> list[dict[str, Any]]:
    if benchmark.hub is None:
        raise InputError(
            f"{benchmark.published} has no dataset on the Hub",
            hint=f"Give --data FILE, or put {benchmark.upstream} where {DATA_DIR} says.",
        )
    try:
        from datasets import load_dataset

        rows = [dict(row) for row in load_dataset(benchmark.hub, split="test")]
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        reason = str(error).strip().split("\n")[0][:200]
        raise UnavailableError(
            f"the dataset {benchmark.hub} cannot be had from the Hub ({reason})",
            hint=f"Give --data FILE, set {DATA_DIR}, or import it once: purpcode data import"
            f" {benchmark.name} PATH ({benchmark.upstream}).",
        ) from None
    if benchmark.from_hub is not None and not _is_published(rows):
        return benchmark.from_hub(rows)
    return rows
