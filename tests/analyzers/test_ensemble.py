"""The ensemble: merging, errors, the cache, and who found what."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from purpcode.analyzers.analyzer import AnalysisResult, Analyzer, Snippet
from purpcode.analyzers.ensemble import Ensemble, merge_findings
from purpcode.analyzers.registry import open_analyzers
from purpcode.types import Finding, Severity


class FakeAnalyzer:
    """Finds `eval`, fails as told, counts the snippets it was given."""

    languages = frozenset({"python"})

    def __init__(self, name: str, *, raises: bool = False, short: bool = False) -> None:
        self.name, self.raises, self.short = name, raises, short
        self.seen: list[str] = []

    def fingerprint(self) -> str:
        return self.name

    def analyze(self, snippets: Sequence[Snippet]) -> list[AnalysisResult]:
        self.seen += [snippet.code for snippet in snippets]
        if self.raises:
            raise RuntimeError("boom")
        results = [
            AnalysisResult(
                snippet.id,
                (finding(self.name, "E1"),) if "eval" in snippet.code else (),
                "crashed" if "CRASH" in snippet.code else None,
            )
            for snippet in snippets
        ]
        return results[1:] if self.short else results


def finding(
    analyzer: str,
    rule: str,
    line: int = 1,
    end: int | None = None,
    severity: Severity = "medium",
    fingerprint: str | None = None,
) -> Finding:
    return Finding(
        analyzer=analyzer,
        rule_id=rule,
        cwes=(95,),
        severity=severity,
        confidence="high",
        line=line,
        end_line=end or line,
        message="m",
        fingerprint=fingerprint or f"{analyzer}-{rule}-{line}",
    )


def test_findings_of_equivalent_rules_become_one_with_both_finders() -> None:
    ensemble = Ensemble(open_analyzers(["bandit", "ruff"], workers=1))
    code = "import subprocess\nsubprocess.run(\n    command,\n    shell=True,\n)"
    [result] = ensemble.analyze([Snippet("a", code)])
    assert [finding.cwes for finding in result.findings] == [(78,), (78,)]
    assert set(result.found_by.values()) == {("bandit", "ruff")}
    assert result.counts == {"bandit": 2, "ruff": 2}
    assert ensemble.costs["bandit"].snippets == 1
    assert ensemble.costs["bandit"].seconds > 0


def test_overlapping_lines_of_equivalent_rules_merge_and_the_graver_stays() -> None:
    merged, found_by = merge_findings(
        [finding("bandit", "B602", 3, 5, "low"), finding("ruff", "S602", 5, 5, "high")]
    )
    assert [(one.analyzer, one.severity) for one in merged] == [("ruff", "high")]
    assert found_by == {merged[0].fingerprint: ("bandit", "ruff")}


def test_different_lines_rules_and_own_repetitions_stay_apart() -> None:
    merged, _ = merge_findings(
        [
            finding("bandit", "B602", 1),
            finding("ruff", "S602", 2),
            finding("ruff", "S307", 1),
            finding("bandit", "B602", 1, fingerprint="second on the line"),
        ]
    )
    assert len(merged) == 4


def test_thousands_of_findings_merge_quickly() -> None:
    findings = [
        finding(tool, rule, line)
        for tool, rule in (("bandit", "B307"), ("ruff", "S307"))
        for line in range(1, 8_001)
    ]
    merged, _ = merge_findings(findings)
    assert len(merged) == 8_000


@pytest.mark.parametrize("fault", ["raises", "short"])
def test_faulty_analyzer_is_an_error_and_others_findings_stay(fault: str) -> None:
    bad = FakeAnalyzer("bad", raises=fault == "raises", short=fault == "short")
    results = Ensemble([FakeAnalyzer("good"), bad]).analyze(
        [Snippet("a", "eval(x)"), Snippet("b", "y")]
    )
    assert [len(result.findings) for result in results] == [1, 0]
    assert all(set(result.errors) == {"bad"} for result in results)
    assert results[0].error is not None


def test_unsupported_language_is_an_error() -> None:
    [result] = Ensemble([FakeAnalyzer("a")]).analyze([Snippet("a", "x", "cobol")])
    assert result.error == "ensemble: no analyzer reads the language 'cobol'"


def test_equal_code_is_analysed_once_and_errors_are_tried_again() -> None:
    analyzer = FakeAnalyzer("a")
    ensemble = Ensemble([analyzer])
    batch = [Snippet("a", "x"), Snippet("b", "x"), Snippet("c", "CRASH")]
    first, second = ensemble.analyze(batch), ensemble.analyze(batch)
    assert analyzer.seen == ["x", "CRASH", "CRASH"]
    assert first == second
    assert [result.snippet_id for result in first] == ["a", "b", "c"]


def test_same_code_in_another_language_is_not_the_same_snippet() -> None:
    ensemble = Ensemble([FakeAnalyzer("a")])
    assert ensemble.analyze([Snippet("a", "x")])[0].error is None
    assert ensemble.analyze([Snippet("a", "x", "c")])[0].error is not None


def test_fingerprint_does_not_depend_on_the_order_of_analyzers() -> None:
    one, two = FakeAnalyzer("one"), FakeAnalyzer("two")
    analyzers: list[Analyzer] = [one, two]
    assert Ensemble(analyzers).fingerprint() == Ensemble(analyzers[::-1]).fingerprint()


def test_ensemble_without_analyzers_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Ensemble([])


def test_tools_without_paired_rules_agree_by_weakness_on_a_line() -> None:
    ours = finding("purpcode", "command-injection", 1).model_copy(update={"cwes": (78, 77)})
    theirs = finding("bandit", "B602", 1).model_copy(update={"cwes": (78,)})
    other = finding("bandit", "B307", 1).model_copy(update={"cwes": (95,), "fingerprint": "z"})
    merged, found_by = merge_findings([theirs, other, ours])
    assert len(merged) == 2
    assert ("bandit", "purpcode") in found_by.values()
