"""Which weaknesses the analyzers measure, by CWE, and which reading code cannot show."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from purpcode.analyzers.severity import rule_meanings


@dataclass(frozen=True)
class CweCoverage:
    """What measures a CWE: our own rules with the number of their paired examples, and the rules of
    other tools, as `tool:rule`."""

    cwe: int
    own_rules: tuple[str, ...] = ()
    examples: int = 0
    other_rules: tuple[str, ...] = field(default=())


@cache
def coverage() -> dict[int, CweCoverage]:
    """CWE → what measures it, in order of numbers."""
    from purpcode.analyzers.flow.rules import load_rules

    own: dict[int, list[str]] = {}
    examples: dict[int, int] = {}
    for rule in load_rules():
        for cwe in rule.cwes:
            own.setdefault(cwe, []).append(rule.id)
            paired = min(len(rule.insecure), len(rule.secure))
            examples[cwe] = examples.get(cwe, 0) + paired
    others: dict[int, list[str]] = {}
    for (tool, rule_id), meaning in rule_meanings().items():
        for cwe in meaning.cwes:
            others.setdefault(cwe, []).append(f"{tool}:{rule_id}")
    return {
        cwe: CweCoverage(
            cwe,
            tuple(own.get(cwe, ())),
            examples.get(cwe, 0),
            tuple(others.get(cwe, ())),
        )
        for cwe in sorted(own.keys() | others.keys())
    }


@cache
def unseen_cwes() -> dict[int, str]:
    """CWE → why reading code cannot show it."""
    text = resources.files("purpcode.analyzers").joinpath("unseen_cwes.toml").read_text("utf-8")
    rows = tomllib.loads(text)["unseen"]
    return {int(cwe): str(why) for cwe, why in rows.items()}
