"""`purpcode data`: benchmark data from the upstream projects' own files."""

from __future__ import annotations

from pathlib import Path


def import_data(
    benchmark: str, path: Path, out: Path | None = None, *, allow_partial: bool = False
) -> None:
    """Turn an upstream project's file or checkout into a benchmark's rows, checked and complete.

    Parameters
    ----------
    benchmark
        A benchmark, by its short or published name.
    path
        The upstream file or checkout; `purpcode data list` says what each benchmark takes.
    out
        JSONL file to write; by default BENCHMARK.jsonl in the folder that PURPCODE_DATA_DIR
        names, else in this one.
    allow_partial
        Import rows that are not the whole benchmark, too.
    """
    import os

    from purpcode.evals.benchmarks.registry import require_benchmark
    from purpcode.evals.importing import DATA_DIR, import_rows

    found = require_benchmark(benchmark)
    target = out or Path(os.environ.get(DATA_DIR) or ".") / f"{found.name}.jsonl"
    info = import_rows(found, path, target, allow_partial=allow_partial)
    edition = f" ({info.edition})" if info.edition else ""
    print(f"{found.published}: {info.rows} rows{edition} → {target}")
    if info.problem:
        print(f"  PARTIAL: {info.problem}")


def list_data() -> None:
    """Show each benchmark's size, licence, what to import it from, and where it is found now."""
    from purpcode.evals.benchmarks.registry import BENCHMARKS
    from purpcode.evals.importing import local_file

    for one in BENCHMARKS.values():
        size = one.sizes if one.rows else "any number of rows"
        print(f"{one.name} ({one.published}): {size}; {one.licence}")
        print(f"  import from: {one.upstream}")
        elsewhere = f"not here; the Hub's dataset {one.hub} is read" if one.hub else "not here"
        print(f"  found: {local_file(one) or elsewhere}")
