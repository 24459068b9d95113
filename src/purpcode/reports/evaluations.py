"""Evaluation folders: finding them, reading them, and choosing what stands on each side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from purpcode.errors import InputError
from purpcode.evals.results import EvalHeader, ScoredSample
from purpcode.records import parse_record, read_records
from purpcode.reports.pairing import ModelResults
from purpcode.reports.run_folder import LABELS, Run, read_run

HEADER, RECORDS = "header.json", "records.jsonl"
DEPTH = 3
"""How far below a given folder evaluations are looked for: results/<benchmark>/<label>."""


@dataclass(frozen=True)
class Found:
    """What a folder holds. `warnings` names evaluations that have not finished."""

    models: tuple[ModelResults, ...]
    warnings: tuple[str, ...]


def read_evaluation(folder: Path) -> ModelResults:
    """Read one evaluation.

    Raises:
        InputError: a file is missing or malformed, or a record's text cannot be used.
    """
    header = folder / HEADER
    try:
        text = header.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("no such file", path=header, hint="Has the evaluation finished?") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", path=header) from None
    parsed = parse_record(text, EvalHeader, path=header)
    samples = tuple(read_records(folder / RECORDS, ScoredSample))
    return ModelResults(parsed, samples, folder)


def find_evaluations(path: Path) -> Found:
    """Every evaluation in a folder: the folder itself, or those up to three levels below it.

    A run folder's evaluations come in the order the method makes them. What lies inside of an
    evaluation, such as its answers judged again, is left to be named itself.

    Raises:
        InputError: there is no folder, no finished evaluation in it, or a malformed file.
    """
    if not path.is_dir():
        raise InputError("no such folder", path=path)
    folders = [path] if (path / HEADER).exists() else _below(path)
    models = [read_evaluation(folder) for folder in folders]
    if not models:
        raise InputError(
            "there is no finished evaluation (header.json and records.jsonl) in it",
            path=path,
            hint="Name the folder that `purpcode eval` wrote, or a recipe's run folder.",
        )
    unfinished = [
        f"{records.parent} has no {HEADER} (unfinished?) and is left out."
        for records in sorted(_at_depths(path, "rollouts.jsonl"))
        if not (records.parent / HEADER).exists() and _is_evaluation(records.parent)
    ]
    return Found(tuple(models), tuple(unfinished))


def read_folders(paths: Sequence[Path]) -> Run:
    """What a report over evaluation folders is made of; a recipe's run folder alone is read whole.

    Models of one label on one suite are told apart by their folders.

    Raises what `find_evaluations` and `read_run` raise.
    """
    if len(paths) == 1 and _is_run(paths[0]):
        return read_run(paths[0])
    found = [find_evaluations(path) for path in paths]
    models = {model.folder: model for one in found for model in one.models}
    counts = Counter((model.header.suite, model.label) for model in models.values())
    named = [
        _named(model, f"{model.label} ({folder})")
        if counts[model.header.suite, model.label] > 1
        else model
        for folder, model in models.items()
    ]
    suites = list(dict.fromkeys(model.header.published or model.header.suite for model in named))
    return Run(
        folder=paths[0],
        lock={},
        models=tuple(named),
        coverage=None,
        stages=(),
        metrics={},
        warnings=tuple(warning for one in found for warning in one.warnings),
        title=f"Evaluation on {', '.join(suites)}",
    )


def _is_run(path: Path) -> bool:
    """Whether all evaluations in a folder are a recipe's: none would be left out of its report."""
    return (path / "eval").is_dir() and all(
        folder.parent == path / "eval" for folder in _below(path)
    )


def _is_evaluation(folder: Path) -> bool:
    """Stages of a recipe keep rollouts too, beside a stage.json."""
    return not (folder / "stage.json").exists()


def _below(path: Path) -> list[Path]:
    found = {header.parent for header in _at_depths(path, HEADER)}
    folders = [folder for folder in found if found.isdisjoint(folder.parents)]
    order: Sequence[str] = LABELS
    listing = path / "eval" / "order.json"
    if listing.exists():
        try:
            order = [str(label) for label in json.loads(listing.read_text(encoding="utf-8"))]
        except (ValueError, TypeError):
            raise InputError("is not a JSON list of labels", path=listing) from None

    def place(folder: Path) -> tuple[str, int, str]:
        known = order.index(folder.name) if folder.name in order else len(order)
        return str(folder.parent), known, folder.name

    return sorted(folders, key=place)


def _at_depths(path: Path, name: str) -> list[Path]:
    return [
        found
        for depth in range(1, DEPTH + 1)
        for found in path.glob("/".join(["*"] * depth + [name]))
    ]


@dataclass(frozen=True)
class Sides:
    """Two models over the suites that both were evaluated on.

    `a[i]` and `b[i]` are of one suite. `only_a` and `only_b` are evaluations of suites that the
    other side lacks.
    """

    label_a: str
    label_b: str
    a: tuple[ModelResults, ...]
    b: tuple[ModelResults, ...]
    only_a: tuple[ModelResults, ...] = ()
    only_b: tuple[ModelResults, ...] = ()
    warnings: tuple[str, ...] = ()


def read_sides(
    path_a: Path,
    path_b: Path,
    label_a: str | None = None,
    label_b: str | None = None,
    *,
    options: tuple[str, str] = ("--label-a", "--label-b"),
) -> Sides:
    """Choose one model a side and put evaluations of one suite together.

    One folder given twice, without labels, compares its first model with its last. `options` are
    what the command line calls the labels.

    Raises:
        InputError: a side has several models and no label was given, a label is not there, or
            the sides share no suite.
    """
    found_a, found_b = find_evaluations(path_a), find_evaluations(path_b)
    if path_a.resolve() == path_b.resolve() and label_a is None and label_b is None:
        labels = _labels(found_a)
        if len(labels) < 2:
            raise InputError("both sides are the same evaluation", path=path_a)
        label_a, label_b = labels[0], labels[-1]
    side_a, side_b = (
        _one_model(found_a, path_a, label_a, options[0]),
        _one_model(found_b, path_b, label_b, options[1]),
    )
    shared = [suite for suite in side_a if suite in side_b]
    if not shared:
        raise InputError(
            f"no benchmark was evaluated on both sides ({', '.join(side_a)} in {path_a};"
            f" {', '.join(side_b)} in {path_b})",
            hint="Evaluate both models on the same benchmark.",
        )
    name_a, name_b = _names(side_a, side_b, path_a, path_b)
    return Sides(
        name_a,
        name_b,
        tuple(_named(side_a[suite], name_a) for suite in shared),
        tuple(_named(side_b[suite], name_b) for suite in shared),
        tuple(_named(one, name_a) for suite, one in side_a.items() if suite not in shared),
        tuple(_named(one, name_b) for suite, one in side_b.items() if suite not in shared),
        tuple(dict.fromkeys((*found_a.warnings, *found_b.warnings))),
    )


def _labels(found: Found) -> list[str]:
    return list(dict.fromkeys(model.label for model in found.models))


def _one_model(found: Found, path: Path, label: str | None, option: str) -> dict[str, ModelResults]:
    """Suite → the side's evaluation of it."""
    labels = _labels(found)
    if label is None and len(labels) > 1:
        raise InputError(
            f"holds several models ({', '.join(labels)})",
            path=path,
            hint=f"Say which with {option}, or name one evaluation's folder.",
        )
    wanted = labels[0] if label is None else label
    if wanted not in labels:
        raise InputError(f"has no model '{wanted}'", path=path, hint=f"It has: {', '.join(labels)}")
    suites: dict[str, ModelResults] = {}
    for model in found.models:
        if model.label == wanted:
            if model.header.suite in suites:
                raise InputError(
                    f"'{wanted}' was evaluated on '{model.header.suite}' twice"
                    f" ({suites[model.header.suite].folder}, {model.folder})",
                    hint="Name one evaluation's folder.",
                )
            suites[model.header.suite] = model
    return suites


def _names(
    a: dict[str, ModelResults], b: dict[str, ModelResults], path_a: Path, path_b: Path
) -> tuple[str, str]:
    """Column names that differ: the labels, or where they are the same, with their folders."""
    first, second = next(iter(a.values())).label, next(iter(b.values())).label
    if first != second:
        return first, second
    folders = path_a.resolve().name, path_b.resolve().name
    if folders[0] == folders[1]:
        return f"{first} (A)", f"{second} (B)"
    return f"{first} ({folders[0]})", f"{second} ({folders[1]})"


def _named(model: ModelResults, label: str) -> ModelResults:
    return replace(model, header=model.header.model_copy(update={"label": label}))
