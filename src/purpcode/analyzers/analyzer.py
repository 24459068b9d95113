"""The contract of a static analyzer: a batch of snippets in, one result for each out."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from purpcode.types import Finding


@dataclass(frozen=True)
class Snippet:
    """A piece of code to analyse. `language` is a normalised name such as "python"."""

    id: str
    code: str
    language: str = "python"


@dataclass(frozen=True)
class AnalysisResult:
    """What an analyzer says of one snippet. With an `error` the snippet is unmeasured by this
    analyzer: the absence of findings then means nothing."""

    snippet_id: str
    findings: tuple[Finding, ...] = ()
    error: str | None = None


class Analyzer(Protocol):
    """Finds weaknesses in code. The batch is the only form: tools amortise their start-up."""

    name: str
    languages: frozenset[str]

    def fingerprint(self) -> str:
        """Identity of the judgement: tool version, interpreter where it matters, severity table."""
        ...

    def analyze(self, snippets: Sequence[Snippet]) -> list[AnalysisResult]:
        """One result per snippet, in order; a fault is an error of exactly the snippets it hit."""
        ...


class FindingPrinter:
    """Gives the findings of one snippet fingerprints that survive line moves.

    A fingerprint hashes the weakness (a rule name shared by equivalent rules of several tools),
    the text of its first line without spacing, and how often that pair occurred before.
    """

    def __init__(self, code: str) -> None:
        self._lines = re.split(r"\r\n|\r|\n", code)
        self._seen: Counter[tuple[str, str]] = Counter()

    def fingerprint(self, weakness: str, line: int) -> str:
        """The fingerprint of a weakness on a 1-based line; call in order of lines."""
        text = self._lines[line - 1] if 0 < line <= len(self._lines) else ""
        key = (weakness, "".join(text.split()))
        occurrence = self._seen[key]
        self._seen[key] += 1
        material = "\0".join((*key, str(occurrence)))
        return hashlib.sha256(material.encode("utf-8", "surrogatepass")).hexdigest()[:16]
