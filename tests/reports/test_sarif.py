"""SARIF: what the standard and code hosts require, and what hostile findings cannot do to it."""

import json
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode import __version__
from purpcode.errors import PurpcodeError
from purpcode.reports.sarif import LocatedFinding, sarif_log, write_sarif
from purpcode.types import SEVERITIES, Finding


def finding(**changes):
    values = {
        "analyzer": "bandit",
        "rule_id": "B608",
        "cwes": (89,),
        "severity": "medium",
        "confidence": "low",
        "line": 3,
        "end_line": 4,
        "message": "Possible SQL injection. Bind the values.",
        "fingerprint": "0123456789abcdef",
    }
    return Finding(**{**values, **changes})


@pytest.fixture(scope="module")
def run_of(valid_sarif):
    """Makes a log of findings, which must fit the schema and what code scanning asks for."""

    def make(*located, **more):
        log = sarif_log(located, **more)
        valid_sarif(log)
        check_structure(log)
        return log["runs"][0]

    return make


def check_structure(log):
    """What GitHub's code scanning requires beyond the schema, written out."""
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        for text in ("shortDescription", "fullDescription", "help"):
            assert rule[text]["text"].strip()
        assert len(rule["fullDescription"]["text"]) <= 1024
        assert 0.0 < float(rule["properties"]["security-severity"]) <= 10.0
        assert rule["properties"]["precision"] in ("low", "medium", "high", "very-high")
        assert len(rule["properties"]["tags"]) == len(set(rule["properties"]["tags"])) <= 20
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"].strip()
        assert result["partialFingerprints"]["primaryLocationLineHash"]
        (location,) = result["locations"]
        region = location["physicalLocation"]["region"]
        assert 1 <= region["startLine"] <= region["endLine"]
    json.dumps(log, ensure_ascii=False).encode("utf-8")  # no lone surrogate anywhere


def test_a_finding_becomes_a_result_at_its_lines(run_of):
    run = run_of(LocatedFinding("app/db.py", finding(), snippet="cursor.execute(query)\n"))
    assert run["tool"]["driver"]["name"] == "purpcode"
    assert run["tool"]["driver"]["semanticVersion"] == __version__
    (result,) = run["results"]
    assert result["ruleId"] == "bandit/B608"
    assert result["level"] == "warning"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "app/db.py"
    assert place["region"] == {
        "startLine": 3,
        "endLine": 4,
        "snippet": {"text": "cursor.execute(query)\n"},
    }


def test_rules_of_two_tools_with_one_id_stay_apart(run_of):
    run = run_of(
        LocatedFinding("a.py", finding(rule_id="X1")),
        LocatedFinding("a.py", finding(rule_id="X1", analyzer="ruff")),
        LocatedFinding("b.py", finding(rule_id="X1")),
    )
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["bandit/X1", "ruff/X1"]
    assert [result["ruleIndex"] for result in run["results"]] == [0, 1, 0]


def test_a_rule_carries_its_cwes_as_tags_and_its_gravest_severity(run_of):
    run = run_of(
        LocatedFinding("a.py", finding(severity="low")),
        LocatedFinding("a.py", finding(severity="critical", cwes=(564, 89), confidence="high")),
    )
    (rule,) = run["tool"]["driver"]["rules"]
    tags = rule["properties"]["tags"]
    assert tags == ["security", "external/cwe/cwe-089", "external/cwe/cwe-564"]
    assert float(rule["properties"]["security-severity"]) > 9.0
    assert rule["properties"]["precision"] == "high"
    assert [result["level"] for result in run["results"]] == ["note", "error"]


@pytest.mark.parametrize(
    ("severity", "band"),
    [("low", (0.1, 3.9)), ("medium", (4.0, 6.9)), ("high", (7.0, 8.9)), ("critical", (9.0, 10.0))],
)
def test_the_security_severity_lies_in_the_band_of_the_same_name(run_of, severity, band):
    run = run_of(LocatedFinding("a.py", finding(severity=severity)))
    score = float(run["tool"]["driver"]["rules"][0]["properties"]["security-severity"])
    assert band[0] <= score <= band[1]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/100%.py", "a%20b/100%25.py"),
        ("c:d.py", "c%3Ad.py"),
        ("naïve#1?.py", "na%C3%AFve%231%3F.py"),
        ("bad\udcff.py", "bad%FF.py"),
    ],
)
def test_paths_are_percent_encoded(run_of, path, uri):
    run = run_of(LocatedFinding(path, finding()))
    artifact = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": uri, "uriBaseId": "%SRCROOT%"}


def test_an_absolute_path_becomes_a_file_uri(run_of):
    run = run_of(LocatedFinding("/srv/a b.py", finding()))
    artifact = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "file:///srv/a%20b.py"}


def test_a_message_cannot_plant_a_link_or_hidden_characters(run_of):
    hostile = "see [here](https://example.org) \x1b[31m\u202e"
    text = run_of(LocatedFinding("a.py", finding(message=hostile)))["results"][0]["message"]["text"]
    assert "](" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_log_without_findings_is_valid_and_says_the_run_succeeded(run_of):
    run = run_of()
    assert run["results"] == []
    assert run["invocations"] == [{"executionSuccessful": True}]


def test_unmeasured_files_make_the_run_unsuccessful(run_of):
    run = run_of(unmeasured={"b.py": "does not parse"}, properties={"profile": "fast"})
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (note,) = invocation["toolExecutionNotifications"]
    assert note["level"] == "error"
    assert "does not parse" in note["message"]["text"]
    assert run["properties"] == {"profile": "fast"}


texts = st.text(st.characters(codec=None, exclude_categories=[]), max_size=60)


@given(
    st.lists(
        st.builds(
            LocatedFinding,
            st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=20),
            st.builds(
                finding,
                rule_id=st.sampled_from(["B1", "B2"]),
                cwes=st.lists(st.integers(1, 1500), max_size=40).map(tuple),
                severity=st.sampled_from(SEVERITIES),
                confidence=st.sampled_from(["low", "medium", "high"]),
                line=st.integers(1, 10_000),
                end_line=st.integers(1, 10_000),
                message=texts,
            ),
            st.none() | texts,
        ),
        max_size=4,
    )
)
def test_every_finding_gives_a_well_formed_log(run_of, located):
    run = run_of(*located)
    assert len(run["results"]) == len(located)
    for one, result in zip(located, run["results"], strict=True):
        place = result["locations"][0]["physicalLocation"]
        uri = place["artifactLocation"]["uri"]
        assert uri.isascii()
        if one.path.isalnum():
            assert unquote(uri) == one.path
        assert place["region"]["startLine"] == one.finding.line


@pytest.mark.parametrize(
    "breaking",
    [
        lambda log: log.pop("version"),
        lambda log: log.update(verdict="safe"),
        lambda log: log["runs"][0].pop("tool"),
        lambda log: log["runs"][0]["results"][0].update(level="fatal"),
        lambda log: log["runs"][0]["results"][0].pop("message"),
        lambda log: log["runs"][0]["results"][0]["locations"][0].update(line=3),
    ],
)
def test_the_schema_refuses_what_is_not_sarif(valid_sarif, breaking):
    log = sarif_log([LocatedFinding("a.py", finding())])
    valid_sarif(log)
    breaking(log)
    with pytest.raises(ValueError):
        valid_sarif(log)


def test_a_log_is_written_as_json(tmp_path):
    log = sarif_log([LocatedFinding("a.py", finding())])
    write_sarif(tmp_path / "new" / "out.sarif", log)
    assert json.loads((tmp_path / "new" / "out.sarif").read_text("utf-8")) == log


def test_an_unwritable_place_is_a_users_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PurpcodeError):
        write_sarif(tmp_path / "file" / "out.sarif", sarif_log([]))
