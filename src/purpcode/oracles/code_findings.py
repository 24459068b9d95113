"""Findings of several parts of an answer, put together: at lines of the whole code, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from purpcode.analyzers import EnsembleResult
from purpcode.oracles.code_pieces import Part
from purpcode.types import Finding


def counts(results: Sequence[EnsembleResult], parts: Sequence[Part]) -> dict[str, int]:
    """Analyzer → number of findings; a piece that the joint part holds too is not counted again."""
    counts: Counter[str] = Counter()
    for result, part in zip(results, parts, strict=True):
        if not part.alone:
            counts.update(result.counts)
    return dict(counts)


def joined_findings(results: Sequence[EnsembleResult], parts: Sequence[Part]) -> list[Finding]:
    """The findings of all parts at the lines of the whole code, each once."""
    findings: list[Finding] = []
    seen: set[tuple[str, int]] = set()
    joint = {one.fingerprint for one in results[0].findings}
    for result, part in zip(results, parts, strict=True):
        known = joint if part.moved else set()
        placed = [
            one.model_copy(
                update={"line": one.line + part.offset, "end_line": one.end_line + part.offset}
            )
            for one in result.findings
            if one.fingerprint not in known
        ]
        findings += [one for one in placed if (one.rule_id, one.line) not in seen]
        seen |= {(one.rule_id, one.line) for one in placed}
    return findings


def short(finding: Finding) -> str:
    """A finding in a few words, for a verdict's reason."""
    cwe = f" (CWE-{finding.cwes[0]})" if finding.cwes else ""
    return f"{finding.rule_id}{cwe} at line {finding.line}"
