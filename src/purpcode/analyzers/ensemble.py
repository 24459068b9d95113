"""Several analyzers as one: run in parallel, findings merged, who found what kept."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from purpcode.analyzers.analyzer import AnalysisResult, Analyzer, Snippet
from purpcode.analyzers.severity import rule_meaning
from purpcode.types import SEVERITIES, Finding

CACHED_RESULTS = 20_000
_PAIRED_BY_TABLE = frozenset(("bandit", "ruff"))
"""Analyzers whose equivalent rules the severity table pairs; of others a CWE in common decides."""
LINES_COMPARED = 50
"""Lines of a long finding that are compared with another analyzer's finding."""


@dataclass(frozen=True)
class EnsembleResult:
    """What the analyzers say of one snippet together.

    `found_by` maps a finding's fingerprint to the analyzers that saw it; `counts` holds each
    analyzer's own number of findings; `errors` maps the analyzers that could not measure the
    snippet to why. With any error the absence of findings means nothing.
    """

    snippet_id: str
    findings: tuple[Finding, ...] = ()
    found_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def error(self) -> str | None:
        """Every analyzer's error in one line, or None when all of them measured the snippet."""
        return "; ".join(f"{name}: {why}" for name, why in sorted(self.errors.items())) or None


@dataclass(frozen=True)
class AnalyzerCost:
    """What an analyzer has cost so far: snippets analysed and wall-clock seconds."""

    snippets: int = 0
    seconds: float = 0.0


class Ensemble:
    """Runs every analyzer over a batch. Results of snippets that all analyzers measured are
    cached by content; safe to call from several threads."""

    def __init__(self, analyzers: Sequence[Analyzer]) -> None:
        if not analyzers:
            raise ValueError("an ensemble needs at least one analyzer")
        self.analyzers = tuple(analyzers)
        self._cache: dict[str, EnsembleResult] = {}
        self._costs: dict[str, AnalyzerCost] = {}
        self._lock = threading.Lock()

    @property
    def languages(self) -> frozenset[str]:
        """Languages that at least one analyzer reads."""
        return frozenset().union(*(analyzer.languages for analyzer in self.analyzers))

    @property
    def costs(self) -> dict[str, AnalyzerCost]:
        """Analyzer name → cost so far."""
        with self._lock:
            return dict(self._costs)

    def fingerprint(self) -> str:
        """The fingerprints of all analyzers."""
        return " | ".join(sorted(analyzer.fingerprint() for analyzer in self.analyzers))

    def analyze(self, snippets: Sequence[Snippet]) -> list[EnsembleResult]:
        """One result per snippet, in order. Equal snippets are analysed once."""
        keys = [_content_key(snippet) for snippet in snippets]
        with self._lock:
            known = {key: self._cache[key] for key in keys if key in self._cache}
        fresh = {key: one for key, one in zip(keys, snippets, strict=True) if key not in known}
        results = dict(zip(fresh, self._run(list(fresh.values())), strict=True))
        self._remember(results)
        known.update(results)
        return [
            replace(known[key], snippet_id=snippet.id)
            for key, snippet in zip(keys, snippets, strict=True)
        ]

    def _run(self, snippets: list[Snippet]) -> list[EnsembleResult]:
        if not snippets:
            return []
        with ThreadPoolExecutor(len(self.analyzers)) as pool:
            columns = list(pool.map(lambda one: self._run_one(one, snippets), self.analyzers))
        return [
            _merge(snippet, [c.get(row) for c in columns], self.analyzers)
            for row, snippet in enumerate(snippets)
        ]

    def _run_one(self, analyzer: Analyzer, snippets: list[Snippet]) -> dict[int, AnalysisResult]:
        """Row → result, for the snippets in a language that the analyzer reads."""
        rows = [row for row, one in enumerate(snippets) if one.language in analyzer.languages]
        asked = [snippets[row] for row in rows]
        started = time.perf_counter()
        try:
            results = analyzer.analyze(asked) if asked else []
            if [result.snippet_id for result in results] != [one.id for one in asked]:
                raise ValueError("its results do not match the snippets")
        except Exception as error:  # an analyzer's own fault must never pass for clean code
            fault = f"{type(error).__name__}: {error}"
            results = [AnalysisResult(one.id, error=fault) for one in asked]
        spent = time.perf_counter() - started
        with self._lock:
            cost = self._costs.get(analyzer.name, AnalyzerCost())
            self._costs[analyzer.name] = AnalyzerCost(
                cost.snippets + len(asked), cost.seconds + spent
            )
        return dict(zip(rows, results, strict=True))

    def _remember(self, results: Mapping[str, EnsembleResult]) -> None:
        with self._lock:
            self._cache.update({key: one for key, one in results.items() if not one.errors})
            while len(self._cache) > CACHED_RESULTS:
                del self._cache[next(iter(self._cache))]


def _content_key(snippet: Snippet) -> str:
    material = f"{snippet.language}\0{snippet.code}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(material).hexdigest()


def _merge(
    snippet: Snippet, results: Sequence[AnalysisResult | None], analyzers: Sequence[Analyzer]
) -> EnsembleResult:
    findings: list[Finding] = []
    counts: dict[str, int] = {}
    errors: dict[str, str] = {}
    for analyzer, result in zip(analyzers, results, strict=True):
        if result is None:
            continue
        findings.extend(result.findings)
        counts[analyzer.name] = len(result.findings)
        if result.error is not None:
            errors[analyzer.name] = result.error
    if not counts:
        errors["ensemble"] = f"no analyzer reads the language '{snippet.language}'"
    merged, found_by = merge_findings(findings)
    return EnsembleResult(snippet.id, merged, found_by, counts, errors)


def merge_findings(
    findings: Sequence[Finding],
) -> tuple[tuple[Finding, ...], dict[str, tuple[str, ...]]]:
    """Findings without repetitions, ordered by line, and fingerprint → who found it.

    Two findings are one when their fingerprints agree (equivalent rules share them), or when two
    analyzers say of the same lines the same weakness: equivalent rules, or a CWE in common where no
    table says which rules are equivalent. The graver stays.
    """
    kept: dict[str, Finding] = {}
    found_by: dict[str, tuple[str, ...]] = {}
    places: dict[tuple[str, int], dict[str, str]] = {}  # (weakness, line) → analyzer → fingerprint
    for finding in findings:
        meanings = (_weakness(finding), *(f"CWE-{cwe}" for cwe in finding.cwes))
        spots = [(meaning, line) for line in _lines(finding) for meaning in meanings]
        twin = finding.fingerprint
        if twin not in kept:
            seen = {spot: places[spot] for spot in spots if spot in places}
            twin = _twin_of_another_analyzer(finding, seen)
        for spot in spots:
            places.setdefault(spot, {}).setdefault(finding.analyzer, twin)
        other = kept.get(twin)
        if other is None or _rank(finding) > _rank(other):
            same = finding.fingerprint == twin
            kept[twin] = finding if same else finding.model_copy(update={"fingerprint": twin})
        found_by[twin] = tuple(dict.fromkeys((*found_by.get(twin, ()), finding.analyzer)))
    ordered = sorted(kept.values(), key=lambda one: (one.line, one.rule_id))
    return tuple(ordered), found_by


def _twin_of_another_analyzer(
    finding: Finding, spots: Mapping[tuple[str, int], Mapping[str, str]]
) -> str:
    for (meaning, _), seen in spots.items():
        for analyzer, fingerprint in seen.items():
            by_table = {analyzer, finding.analyzer} <= _PAIRED_BY_TABLE
            if analyzer != finding.analyzer and not (by_table and meaning.startswith("CWE-")):
                return fingerprint
    return finding.fingerprint


def _lines(finding: Finding) -> range:
    return range(finding.line, min(finding.end_line, finding.line + LINES_COMPARED) + 1)


def _rank(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity)


def _weakness(finding: Finding) -> str:
    return rule_meaning(finding.analyzer, finding.rule_id).weakness
