"""The severity table: what each rule of each tool means in CWEs and severity."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from purpcode.types import SEVERITIES, Severity

_CWE = re.compile(r"\bcwe[-_ ]?0*(\d{1,5})\b", re.IGNORECASE)


@dataclass(frozen=True)
class RuleMeaning:
    """One row of the table. `weakness` is the name that equivalent rules of all tools share;
    `fixed` makes `severity` override what the tool says; a message matching `mild` is low."""

    weakness: str
    cwes: tuple[int, ...]
    severity: Severity
    fixed: bool = False
    mild: str | None = None

    def severity_of(self, message: str, native: Severity | None) -> Severity:
        """The severity of one finding, given its message and the tool's own level, if any."""
        if self.mild is not None and re.search(self.mild, message, re.IGNORECASE):
            return "low"
        return self.severity if self.fixed or native is None else native


def rule_meaning(tool: str, rule_id: str) -> RuleMeaning:
    """The meaning of a tool's rule. A rule that the table lacks (a newer tool) counts as medium,
    without CWEs: an unknown finding must not pass as harmless."""
    known = rule_meanings().get((tool, rule_id))
    return known or RuleMeaning(f"{tool}:{rule_id}", (), "medium")


@cache
def rule_meanings() -> dict[tuple[str, str], RuleMeaning]:
    """(tool, rule id) → meaning, for every rule in the table."""
    table = tomllib.loads(_table_text())
    meanings: dict[tuple[str, str], RuleMeaning] = {}
    for tool, rows in table.items():
        for rule_id, row in rows.items():
            if isinstance(row, str):
                meanings[tool, rule_id] = meanings["bandit", row]
                continue
            if row["severity"] not in SEVERITIES:
                raise ValueError(f"{rule_id} has the unknown severity '{row['severity']}'")
            meanings[tool, rule_id] = RuleMeaning(
                rule_id if tool == "bandit" else f"{tool}:{rule_id}",
                tuple(row["cwes"]),
                row["severity"],
                row.get("fixed", False),
                row.get("mild"),
            )
    return meanings


def cwe_numbers(*values: object) -> tuple[int, ...]:
    """The CWE numbers that texts, or lists of texts, name ("CWE-78: ...", "external/cwe/cwe-078"),
    each once, in order."""
    texts = [text for value in values for text in (value if isinstance(value, list) else [value])]
    found = [int(number) for text in texts for number in _CWE.findall(str(text))]
    return tuple(dict.fromkeys(found))


@cache
def table_digest() -> str:
    """A short hash of the table, part of every analyzer's fingerprint."""
    return hashlib.sha256(_table_text().encode()).hexdigest()[:16]


def _table_text() -> str:
    return resources.files("purpcode.analyzers").joinpath("severity.toml").read_text("utf-8")
