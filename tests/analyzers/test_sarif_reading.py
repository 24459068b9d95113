"""Findings out of SARIF logs: ruff's own, CodeQL's documented shape, and broken ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.analyzers.analyzer import Snippet
from purpcode.analyzers.batch import ToolFault
from purpcode.analyzers.codeql import read_results
from purpcode.analyzers.ruff import Ruff
from purpcode.analyzers.sarif_reading import read_sarif, score_severity
from purpcode.errors import InputError
from purpcode.types import Severity

FIXTURE = Path(__file__).parents[1] / "fixtures" / "analyzers" / "codeql.sarif"
CODE = "import subprocess\nsubprocess.run(\n    x,\n    shell=True,\n)\neval(y)\nimport pickle\n"
CODES = ["a = 1\nos.system(a)\nprint(password)", "x = 1", "app.run(debug=True)"]
NAMES = ["s00000.py", "s00001.py", "s00002.py"]
SNIPPETS = [Snippet(str(row), code) for row, code in enumerate(CODES)]


def log(**run: Any) -> str:
    basis = {"tool": {"driver": {"name": "t"}}, "results": []}
    return json.dumps({"version": "2.1.0", "runs": [{**basis, **run}]})


def result(**more: Any) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 2}}
    return {"message": {"text": "m"}, "locations": [{"physicalLocation": place}], **more}


def test_ruffs_sarif_log_says_what_its_json_says(tmp_path: Path) -> None:
    path = tmp_path / "a b.py"
    path.write_text(CODE)
    options = ("check", "--isolated", "--no-cache", "--select", "S", "--exit-zero")
    command = [sys.executable, "-m", "ruff", *options, "--output-format", "sarif", str(path)]
    text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    reading = read_sarif(text, "ruff", {str(path): CODE})
    [expected] = Ruff(workers=1).analyze([Snippet("a", CODE)])
    [(uri, findings)] = reading.findings.items()
    assert uri == str(path)
    assert [one.rule_id for one in findings] == ["S602", "S307"]

    # ruff's log gives every rule the level "error", which its JSON does not.
    def seen(findings: Any) -> list[Any]:
        return [(f.rule_id, f.cwes, f.line, f.end_line, f.fingerprint) for f in findings]

    stable = [one for one in expected.findings if one.rule_id in ("S602", "S307")]
    assert seen(findings) == seen(stable)  # without the preview rules, whose ids the log lacks


def test_codeql_log_gives_findings_severities_and_unmeasured_files() -> None:
    first, clean, broken = read_results(FIXTURE.read_text(), SNIPPETS, NAMES)
    assert [
        (one.rule_id, one.cwes, one.severity, one.confidence, one.line, one.end_line)
        for one in first.findings
    ] == [
        ("py/command-line-injection", (78, 88), "critical", "high", 2, 3),
        ("py/clear-text-logging-sensitive-data", (532,), "low", "high", 3, 3),
    ]
    assert first.error is None
    assert (clean.findings, clean.error) == ((), None)
    assert broken.error == "Extraction failed in s00002.py with error Syntax Error"
    assert [one.severity for one in broken.findings] == ["high"]


def test_file_that_codeql_does_not_list_as_extracted_is_an_error() -> None:
    more = [*SNIPPETS, Snippet("3", "y = 2")]
    results = read_results(FIXTURE.read_text(), more, [*NAMES, "s00003.py"])
    assert results[3].error == "the file was not extracted"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no SARIF log"),
        ("[]", "no SARIF log"),
        ('{"version": "2.1.0"}', "field 'runs'"),
        (json.dumps({"version": "2.0.0", "runs": []}), "version '2.0.0'"),
        (log(results=None), "the tool failed"),
        (log(results=[{"message": "text"}]), "no SARIF log"),
    ],
)
def test_what_is_no_log_is_refused_and_nothing_is_clean(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_sarif(text, "x", {})
    with pytest.raises(ToolFault):
        read_results(text, SNIPPETS, NAMES)


def test_run_that_says_it_failed_leaves_nothing_measured() -> None:
    failed = log(invocations=[{"executionSuccessful": False}])
    assert read_sarif(failed, "x", {}).failure
    with pytest.raises(ToolFault, match="failed"):
        read_results(failed, SNIPPETS, NAMES)


@pytest.mark.parametrize(
    ("score", "severity"),
    [
        *((0, "low"), (3.9, "low"), (4, "medium"), (6.9, "medium")),
        *((7, "high"), (8.9, "high"), (9, "critical"), (10, "critical")),
    ],
)
def test_bands_of_the_security_score(score: float, severity: Severity) -> None:
    assert score_severity(score) == severity


@pytest.mark.parametrize(
    ("level", "severity"),
    [("note", "low"), ("warning", "medium"), ("error", "high"), (None, "medium")],
)
def test_without_a_score_the_level_counts(level: str | None, severity: str) -> None:
    [finding] = read_sarif(log(results=[result(level=level, ruleId="r")]), "x", {}).findings["a.py"]
    assert (finding.severity, finding.rule_id, finding.line) == (severity, "r", 2)


def test_results_that_are_no_problems_are_no_findings() -> None:
    rows = [result(kind="pass"), result(level="none"), result(kind="notApplicable")]
    assert read_sarif(log(results=rows), "x", {}).findings == {}


def test_rule_is_found_by_index_and_by_id() -> None:
    rules = [{"id": "r", "properties": {"tags": ["CWE-79"], "security-severity": "oops"}}]
    driver = {"driver": {"name": "t", "rules": rules}}
    for reference in ({"ruleIndex": 0}, {"ruleId": "r"}, {"rule": {"id": "r"}}):
        text = log(tool=driver, results=[result(**reference)])
        [finding] = read_sarif(text, "x", {}).findings["a.py"]
        assert (finding.rule_id, finding.cwes, finding.severity) == ("r", (79,), "medium")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["runs", "tool", "results", "locations", "rule"]), inner)
    ),
    max_leaves=12,
)


@given(json_values, json_values)
def test_any_json_is_read_or_refused(runs: Any, results: Any) -> None:
    for text in (json.dumps({"version": "2.1.0", "runs": runs}), log(results=results)):
        try:
            read_sarif(text, "x", {})
        except InputError:
            continue
