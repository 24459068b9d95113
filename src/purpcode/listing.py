"""What `purpcode list` and the training preview print."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from purpcode.rule_learning import MaskedRow

Row = dict[str, str]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def print_listing(topic: str | None, *, as_json: bool) -> None:
    """Print one topic's entries, or the topics."""
    if topic is None:
        rows = [{"topic": name, "entries": str(len(made()))} for name, made in TOPICS.items()]
    else:
        rows = _coverage() if topic == "coverage" else TOPICS[topic]()
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in rows[0] if rows else ():
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(value) for value in row.values()))
    Console(highlight=False).print(table)


def _stages() -> list[Row]:
    from purpcode.pipeline import STAGES

    return [{"stage": name} for name in STAGES]


def _rules() -> list[Row]:
    from purpcode.rules import load_catalogue

    return [
        {
            "rule": name,
            "cwe": " ".join(f"CWE-{cwe}" for cwe in entry.rule.cwes),
            "tasks": str(len(entry.tasks)),
            "detected by": " ".join(entry.detectors),
            "title": entry.rule.title,
        }
        for name, entry in load_catalogue().items()
    ]


def _coverage() -> list[Row]:
    from purpcode.analyzers.coverage import coverage, unseen_cwes

    measured = coverage()
    rows = [
        {
            "cwe": f"CWE-{cwe}",
            "own rules": " ".join(one.own_rules),
            "paired examples": str(one.examples or ""),
            "rules of other tools": " ".join(one.other_rules),
            "not measured because": "",
        }
        for cwe, one in measured.items()
    ]
    unseen = {cwe: why for cwe, why in unseen_cwes().items() if cwe not in measured}
    empty = dict.fromkeys(("own rules", "paired examples", "rules of other tools"), "")
    return rows + [
        {"cwe": f"CWE-{cwe}", **empty, "not measured because": why} for cwe, why in unseen.items()
    ]


def _detections() -> list[Row]:
    from purpcode.analyzers.flow.rules import load_rules

    return [
        {
            "rule": rule.id,
            "cwe": " ".join(f"CWE-{cwe}" for cwe in rule.cwes),
            "severity": rule.severity,
            "title": rule.title,
            "fix": rule.fix,
        }
        for rule in load_rules()
    ]


def _cheats() -> list[Row]:
    from purpcode.cheats import FAMILIES, cheats_of

    return [{"family": name, "cheats": str(len(cheats_of([name])))} for name in FAMILIES]


def _strategies() -> list[Row]:
    from purpcode.redteam.strategies.registry import STRATEGIES

    return [
        {"strategy": name, "what it does": _first_line(made.__doc__)}
        for name, made in STRATEGIES.items()
    ]


def _analyzers() -> list[Row]:
    from purpcode.analyzers.registry import analyzer_report

    return [_availability("analyzer", *entry) for entry in analyzer_report()]


def _oracles() -> list[Row]:
    from purpcode.oracles.registry import ORACLES

    return [{"oracle": name} for name in ORACLES]


def _sandboxes() -> list[Row]:
    from purpcode.sandbox.registry import sandbox_report

    return [_availability("sandbox", *entry) for entry in sandbox_report()]


def _models() -> list[Row]:
    from purpcode.models.embedded import EMBEDDED
    from purpcode.models.registry import PROVIDERS

    own = [{"model": name, "kind": "embedded weights"} for name in EMBEDDED]
    forms = [
        {"model": "FOLDER", "kind": "Hugging Face folder on this machine"},
        {"model": "scripted:FILE", "kind": "fixed answers from a JSONL file"},
        {"model": "ORGANISATION/NAME", "kind": "Hugging Face Hub id"},
    ]
    services = [{"model": f"{name}/NAME", "kind": "Inspect provider"} for name in PROVIDERS]
    return own + forms + services


def _benchmarks() -> list[Row]:
    from purpcode.evals.registry import TASKS

    return [{"benchmark": name, "published name": info.published} for name, info in TASKS.items()]


def _settings() -> list[Row]:
    from purpcode.recipe import settings_rows

    return [
        {"field": field, "default": default, "what it does": doc}
        for field, default, doc in settings_rows()
    ]


TOPICS: dict[str, Callable[[], list[Row]]] = {
    "stages": _stages,
    "rules": _rules,
    "detections": _detections,
    "cheats": _cheats,
    "strategies": _strategies,
    "analyzers": _analyzers,
    "oracles": _oracles,
    "sandboxes": _sandboxes,
    "models": _models,
    "benchmarks": _benchmarks,
    "settings": _settings,
}


def _availability(kind: str, name: str, available: bool, detail: str) -> Row:
    return {kind: name, "works here": "yes" if available else "no", "detail": detail}


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n", 1)[0]


def print_preview(rows: Sequence[MaskedRow]) -> None:
    """Print rows with the trained tokens in green, and in ⟦ ⟧ so that no colour is needed."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for row in rows:
        title = f"{row.sample_id}: {row.trained_tokens} of {row.tokens} tokens trained"
        console.rule(Text(title))
        shown = Text()
        for piece, trained in row.pieces:
            piece = _printable(piece)
            shown.append(f"⟦{piece}⟧" if trained else piece, style="green" if trained else "dim")
        console.print(shown)


def _printable(text: str) -> str:
    """A model's text without the control characters by which it could steer a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
