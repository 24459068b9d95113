"""The red-teaming stage on disk: build the dataset, write it with its lineage, read it back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from purpcode.errors import InputError
from purpcode.records import read_records, write_json_atomic, write_records, write_text_atomic
from purpcode.redteam.candidates import Demonstration
from purpcode.redteam.coverage import coverage, coverage_markdown
from purpcode.redteam.dataset import DropRecord, RedteamDataset, build_dataset
from purpcode.redteam.settings import RedteamSettings
from purpcode.rules import load_catalogue
from purpcode.types import Sample

TRAIN_FILE = "train.jsonl"
HELDOUT_FILE = "heldout.jsonl"
DEMONSTRATIONS_FILE = "demonstrations.jsonl"
DROPPED_FILE = "dropped.jsonl"
COVERAGE_FILE = "coverage.json"
COVERAGE_TABLE_FILE = "coverage.md"


class _StoredDemonstration(Demonstration):
    sample_id: str


def sources_digest() -> str:
    """A short hash of the rules and seeds that ship with this version, for a run's lineage."""
    digest = hashlib.sha256()
    shipped = (files("purpcode.rules") / "catalogue", files("purpcode.redteam") / "data")
    for folder in shipped:
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith((".toml", ".jsonl")):
                digest.update(entry.name.encode() + b"\0" + entry.read_bytes())
    return digest.hexdigest()[:16]


def run_redteam(settings: RedteamSettings, seed: int, out_dir: Path) -> RedteamDataset:
    """Build the dataset from the shipped rules and seeds and write it into `out_dir`.

    Raises:
        InputError: when the settings hold out more than there is.
        PurpcodeError: when `out_dir` cannot be written.
    """
    dataset = build_dataset(load_catalogue(), settings, seed)
    measured = coverage(dataset)
    write_records(out_dir / TRAIN_FILE, dataset.train)
    write_records(out_dir / HELDOUT_FILE, dataset.heldout)
    write_records(out_dir / DEMONSTRATIONS_FILE, _stored(dataset.demonstrations))
    write_records(out_dir / DROPPED_FILE, dataset.dropped)
    write_json_atomic(out_dir / COVERAGE_FILE, measured.model_dump(mode="json"))
    write_text_atomic(out_dir / COVERAGE_TABLE_FILE, coverage_markdown(measured))
    return dataset


def load_dataset(out_dir: Path) -> RedteamDataset:
    """Read back what `run_redteam` wrote.

    Raises:
        InputError: naming file, line and field, for a missing file or an unfit record.
    """
    stored = read_records(out_dir / DEMONSTRATIONS_FILE, _StoredDemonstration)
    return RedteamDataset(
        train=load_samples(out_dir / TRAIN_FILE),
        heldout=load_samples(out_dir / HELDOUT_FILE),
        demonstrations={
            row.sample_id: Demonstration(analysis=row.analysis, answer=row.answer) for row in stored
        },
        dropped=read_records(out_dir / DROPPED_FILE, DropRecord),
    )


def load_samples(path: Path) -> list[Sample]:
    """Samples from a JSONL file, one `Sample` a line, ids unique.

    Raises:
        InputError: naming file, line and field, for a missing file, an unfit record or an id
            that occurs twice.
    """
    samples = read_records(path, Sample)
    seen: set[str] = set()
    for row, sample in enumerate(samples):
        if sample.id in seen:
            raise InputError(
                f"'{sample.id}' occurs twice",
                path=path,
                line=_line_of(path, row),
                field="id",
                hint="Give every sample its own id.",
            )
        seen.add(sample.id)
    return samples


def _line_of(path: Path, row: int) -> int:
    with path.open(encoding="utf-8") as lines:
        filled = [number for number, line in enumerate(lines, start=1) if line.strip()]
    return filled[row]


def _stored(demonstrations: dict[str, Demonstration]) -> Iterable[_StoredDemonstration]:
    return (
        _StoredDemonstration(sample_id=sample_id, **demonstration.model_dump())
        for sample_id, demonstration in demonstrations.items()
    )
