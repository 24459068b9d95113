"""From a program's text to the findings of all rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from purpcode.analyzers.flow.interpreter import interpret
from purpcode.analyzers.flow.rule import FlowRule, Level
from purpcode.analyzers.flow.rules import load_rules
from purpcode.analyzers.flow.source import parse_python

_RANK = ("low", "medium", "high", "critical")


@dataclass(frozen=True)
class FlowFinding:
    """A rule's finding at 1-based lines of a program."""

    rule_id: str
    cwes: tuple[int, ...]
    severity: Level
    confidence: str
    line: int
    end_line: int
    message: str


def find_weaknesses(text: str, rules: Sequence[FlowRule] | None = None) -> list[FlowFinding]:
    """The findings of the rules (all by default) in a program, by line; one a rule and place, the
    gravest.

    Raises:
        SyntaxError: the text is not Python.
        TooComplex: the analysis would take too many steps.
        RecursionError, MemoryError: it is nested too deeply.
    """
    code = interpret(parse_python(text), text)
    found: dict[tuple[str, int, int], FlowFinding] = {}
    for rule in load_rules() if rules is None else rules:
        for detector in rule.detectors:
            for match in detector(code):
                line = getattr(match.node, "lineno", 1)
                key = (rule.id, line, getattr(match.node, "col_offset", 0))
                finding = FlowFinding(
                    rule.id,
                    match.cwes or rule.cwes,
                    match.severity or rule.severity,
                    rule.confidence,
                    line,
                    getattr(match.node, "end_lineno", None) or line,
                    f"{rule.title}: {match.message}",
                )
                known = found.get(key)
                if known is None or _RANK.index(finding.severity) > _RANK.index(known.severity):
                    found[key] = finding
    return sorted(found.values(), key=lambda one: (one.line, one.rule_id))
