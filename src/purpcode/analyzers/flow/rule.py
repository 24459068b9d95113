"""What a rule is: a name and meaning, detectors that look at a program, examples that prove it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from purpcode.analyzers.flow.code import Code

Level = Literal["low", "medium", "high", "critical"]
"""Severity; the same words as everywhere in the project."""


@dataclass(frozen=True)
class Match:
    """A place where a rule's weakness shows. `message` says what was seen there; `severity`
    overrides the rule's own."""

    node: ast.AST
    message: str
    severity: Level | None = None
    cwes: tuple[int, ...] | None = None
    """Overrides the rule's CWEs where one detector of it means others."""


Detector = Callable[[Code], Iterator[Match]]
"""Looks at a program and yields what it sees. Detectors are made in `detectors.py` or written by a
rule's file itself."""


@dataclass(frozen=True)
class FlowRule:
    """A weakness our analysis finds.

    Every rule carries at least three insecure and three secure examples: whole small programs, the
    secure ones doing the same job without the weakness. A test runs them all.
    """

    id: str
    title: str
    cwes: tuple[int, ...]
    """The most precise first."""
    severity: Level
    severity_reason: str
    fix: str
    """What to write instead, one or two sentences."""
    reference: str
    """A page that explains the weakness: CWE's or the framework's."""
    detectors: tuple[Detector, ...]
    insecure: tuple[str, ...]
    secure: tuple[str, ...]
    confidence: Literal["low", "medium", "high"] = "medium"
