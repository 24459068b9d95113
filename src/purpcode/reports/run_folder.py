"""What a report is made of: everything a run folder says, read and checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from purpcode.errors import InputError
from purpcode.evals.results import EvalHeader, ScoredSample
from purpcode.records import read_records
from purpcode.reports.pairing import ModelResults

LABELS = ("base", "rule-learned", "rl")
"""Evaluated models in the order the method makes them."""
STAGES = ("redteam", "distill", "verify", "select", "sft", "rl", "eval")
"""Stages in the order they run; the report's own stage is not in its report."""
CURVES = ("sft", "rl")
DRAWABLE = 1e100
"""Figures beyond this (infinities, and NaN, which compares false) are not measurements."""

Json = dict[str, Any]


class StageSummary(BaseModel):
    """A stage's `stage.json`. Fields the report does not show are kept out, not refused."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    stage: str
    state: str
    seconds: float | None = None
    peak_memory_mb: float | None = None
    counts: dict[str, Any] = {}
    notes: tuple[str, ...] = ()


class MetricsRow(BaseModel):
    """One logged training step. A figure that is absent or null is unmeasured."""

    model_config = ConfigDict(frozen=True, extra="allow")

    step: int = Field(ge=0)

    def figure(self, key: str) -> float | None:
        """A logged number, or None when it is absent, null, or not a number one could draw."""
        value = (self.model_extra or {}).get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if abs(value) < DRAWABLE else None


@dataclass(frozen=True)
class Run:
    """A run folder's content. `warnings` says what was expected there and is not."""

    folder: Path
    lock: Json
    models: tuple[ModelResults, ...]
    coverage: Json | None
    stages: tuple[StageSummary, ...]
    metrics: dict[str, tuple[MetricsRow, ...]]
    warnings: tuple[str, ...]
    title: str = ""
    """Heading of a report on anything but a recipe's run."""

    @property
    def name(self) -> str:
        """The title, the recipe's name, or the folder's."""
        if self.title:
            return self.title
        recipe = self.lock.get("recipe")
        name = recipe.get("name") if isinstance(recipe, dict) else None
        return name if isinstance(name, str) and name else self.folder.resolve().name


def read_run(folder: Path) -> Run:
    """Read a run folder.

    Raises:
        InputError: naming the file, when the folder holds no evaluation or a file is malformed.
    """
    if not folder.is_dir():
        raise InputError("no such run folder", path=folder)
    warnings: list[str] = []
    models = _read_models(folder / "eval", warnings)
    lock = _optional(folder / "recipe.lock.json")
    if lock is None:
        warnings.append("recipe.lock.json is missing: versions and seeds are unknown.")
    return Run(
        folder=folder,
        lock=lock or {},
        models=tuple(models),
        coverage=_optional(folder / "redteam" / "coverage.json"),
        stages=tuple(_read_stages(folder)),
        metrics={stage: _read_metrics(folder / stage / "metrics.jsonl") for stage in CURVES},
        warnings=tuple(warnings),
    )


def _read_models(folder: Path, warnings: list[str]) -> list[ModelResults]:
    models = []
    for name in _label_order(folder):
        header = folder / name / "header.json"
        if not header.exists():
            warnings.append(f"eval/{name} has no header.json (unfinished?) and is left out.")
            continue
        samples = read_records(folder / name / "records.jsonl", ScoredSample)
        parsed = _read_json(header, TypeAdapter(EvalHeader))
        models.append(ModelResults(parsed, tuple(samples), folder / name))
    if not models:
        raise InputError(
            "there is no finished evaluation to report",
            path=folder,
            hint="Run the eval stage first (`purpcode eval`, or `purpcode run <recipe>`).",
        )
    return models


def _label_order(folder: Path) -> list[str]:
    """`order.json` if present, else the method's order; folders neither names come last."""
    present = (
        sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    )
    order: Sequence[str] = LABELS
    listing = folder / "order.json"
    if listing.exists():
        order = _read_json(listing, TypeAdapter(list[str]))
        absent = [name for name in order if name not in present]
        if absent:
            raise InputError(f"names evaluations that are not there: {absent}", path=listing)
    known = [name for name in dict.fromkeys(order) if name in present]
    return known + [name for name in present if name not in known]


def _read_stages(folder: Path) -> list[StageSummary]:
    def place(path: Path) -> tuple[int, str]:
        name = path.parent.name
        return (STAGES.index(name) if name in STAGES else len(STAGES), name)

    paths = [path for path in folder.glob("*/stage.json") if path.parent.name != "report"]
    return [_read_json(path, TypeAdapter(StageSummary)) for path in sorted(paths, key=place)]


def _read_metrics(path: Path) -> tuple[MetricsRow, ...]:
    return tuple(read_records(path, MetricsRow)) if path.exists() else ()


def _optional(path: Path) -> Json | None:
    return _read_json(path, TypeAdapter(Json)) if path.exists() else None


def _read_json(path: Path, adapter: TypeAdapter[Any]) -> Any:
    try:
        return adapter.validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path) from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        raise InputError(first["msg"], path=path, field=field) from None
