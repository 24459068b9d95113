"""Recall, false positives and pairs of analyzers: what counts, and what stays unmeasured."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.analyzers import AnalysisResult, open_analyzers
from purpcode.commands.analyzers import evaluate
from purpcode.errors import InputError
from purpcode.evals.analyzer_accuracy import (
    Criterion,
    LabelledCode,
    evaluate_analyzers,
    read_labelled,
    row_outcomes,
)
from purpcode.evals.analyzer_accuracy.accuracy import accuracy, pair_outcomes
from purpcode.evals.statistics import Rate
from purpcode.records import write_records
from purpcode.types import Finding

SHELL = "import subprocess\n\n\ndef listing(path):\n    return subprocess.run(path, shell=True)\n"
LIST = "import subprocess\n\n\ndef listing(path):\n    return subprocess.run(['ls', path])\n"
OUTCOMES = st.sampled_from([True, False, None])


def row(name, label="insecure", code=None, **more):
    """Equal code is analysed once, so that code left open differs from row to row."""
    return LabelledCode(id=name, code=code or f"x = {name!r}\n", label=label, **more)


def rows_of_pairs():
    return [
        row("a", code=SHELL, cwe=(77,), pair="p"),
        row("b", "secure", LIST, cwe=(77,), pair="p"),
        row("c", cwe=(89,), pair="q"),
        row("d", "secure", SHELL, cwe=(89,), pair="q"),
        row("e", code=SHELL),
    ]


class Scripted:
    """An analyzer that says what it is told per row id: a list of CWEs, or an error text."""

    languages = frozenset({"python"})

    def __init__(self, name, told):
        self.name = name
        self.told = told

    def fingerprint(self):
        return f"{self.name} 1"

    def analyze(self, snippets):
        return [self._result(snippet.id) for snippet in snippets]

    def _result(self, name):
        told = self.told.get(name, [])
        if isinstance(told, str):
            return AnalysisResult(name, error=told)
        findings = tuple(
            Finding(
                analyzer=self.name,
                rule_id=f"X{cwe}",
                cwes=(cwe,),
                severity="medium",
                confidence="medium",
                line=1,
                end_line=1,
                message="told",
                fingerprint=f"{self.name}{cwe}",
            )
            for cwe in told
        )
        return AnalysisResult(name, findings)


def judged(rows, *tools, **criterion):
    return {one.name: one for one in evaluate_analyzers(rows, tools, Criterion(**criterion))}


def test_real_tools_are_measured_alone_and_together():
    tools = open_analyzers(["bandit", "ruff"])
    result = judged(rows_of_pairs(), *tools)
    assert list(result) == ["bandit", "ruff", "ensemble"]
    for one in result.values():
        assert one.overall.recall == Rate(2, 3)
        assert one.overall.false_positives == Rate(1, 2)
        assert one.overall.pairs == Rate(1, 2)
        assert one.overall.precision == Rate(2, 3)
    assert result["bandit"].sole == 0
    assert result["ensemble"].sole is None


def test_matching_by_cwe_takes_the_family_and_leaves_other_weaknesses_out():
    """77 and 78 are one family; a shell call is no find in a row about SQL."""
    result = judged(rows_of_pairs(), *open_analyzers(["ruff"]), match="cwe")["ruff"]
    assert result.outcomes == (True, False, False, False, True)


def test_the_severity_asked_for_decides_what_flags():
    rows = [row("a", code="assert 1\n")]
    tools = open_analyzers(["ruff"])
    assert judged(rows, *tools)["ruff"].outcomes == (False,)
    assert judged(rows, *tools, min_severity="low")["ruff"].outcomes == (True,)


def test_suppression_comments_hide_nothing():
    rows = [row("a", code=SHELL.replace("True)", "True)  # nosec # noqa"))]
    assert judged(rows, *open_analyzers(["bandit", "ruff"]))["ensemble"].outcomes == (True,)


def test_rates_per_cwe_are_those_of_its_rows():
    parts = judged(rows_of_pairs(), *open_analyzers(["ruff"]))["ruff"].by_cwe
    assert list(parts) == [77, 89]
    assert parts[77].recall == Rate(1, 1)
    assert parts[77].false_positives == Rate(0, 1)
    assert parts[89].recall == Rate(0, 1)
    assert parts[89].false_positives == Rate(1, 1)


def test_a_failing_tool_leaves_rows_unmeasured_alone_and_together_unless_another_flags():
    rows = [row("a"), row("b"), row("c", "secure")]
    failing = Scripted("failing", {"a": "crashed", "b": "crashed", "c": "crashed"})
    result = judged(rows, failing, Scripted("other", {"a": [78]}))
    assert result["failing"].overall.recall == Rate(0, 0, 2)
    assert result["other"].overall.recall == Rate(1, 2)
    assert result["ensemble"].outcomes == (True, None, None)
    assert result["ensemble"].overall.recall.bounds == (0.5, 1.0)
    assert "crashed" in row_outcomes(rows, list(result.values()))[1].errors["ensemble"]


def test_a_finding_beside_an_error_still_flags_the_row():
    class Partial(Scripted):
        def analyze(self, snippets):
            results = super().analyze(snippets)
            return [replace(result, error="only half was read") for result in results]

    result = judged([row("a"), row("b")], Partial("partial", {"a": [78]}))
    assert result["partial"].outcomes == result["ensemble"].outcomes == (True, None)


def test_a_tool_that_raises_leaves_rows_unmeasured():
    class Raising(Scripted):
        def analyze(self, snippets):
            raise RuntimeError("out of order")

    assert judged([row("a")], Raising("raising", {}))["ensemble"].outcomes == (None,)


def test_a_tool_for_another_language_takes_no_part_in_the_ensemble():
    class ForC(Scripted):
        languages = frozenset({"c"})

    rows = [row("a"), row("b", language="c"), row("d", language="rust")]
    result = judged(rows, Scripted("python", {}), ForC("c", {"b": [120]}))
    assert result["python"].outcomes == (False, None, None)
    assert result["c"].outcomes == (None, True, None)
    assert result["ensemble"].outcomes == (False, True, None)
    assert "rust" in (result["ensemble"].results[2].error or "")


def test_rows_that_only_one_tool_flags_are_counted_for_it():
    rows = [row("a"), row("b"), row("c", "secure")]
    result = judged(rows, Scripted("one", {"a": [78], "b": [78], "c": [78]}),
                    Scripted("two", {"a": [78]}))  # fmt: skip
    assert (result["one"].sole, result["two"].sole) == (1, 0)


def test_every_variant_must_be_told_from_its_secure_twin():
    rows = [row("a", pair="p"), row("b", pair="p"), row("c", "secure", pair="p"), row("d")]
    assert pair_outcomes(rows, [True, False, False, True]) == [True, False]
    assert pair_outcomes(rows, [True, True, True, True]) == [False, False]


@pytest.mark.parametrize(
    ("insecure", "secure", "told"),
    [
        (True, False, True),
        (True, True, False),
        (False, None, False),
        (None, True, False),
        (None, False, None),
        (True, None, None),
    ],
)
def test_a_pair_is_unmeasured_only_where_the_missing_half_decides(insecure, secure, told):
    rows = [row("a", pair="p"), row("b", "secure", pair="p")]
    assert pair_outcomes(rows, [insecure, secure]) == [told]


@given(st.lists(st.tuples(st.sampled_from(["insecure", "secure"]), OUTCOMES, OUTCOMES)))
def test_true_rates_lie_within_the_bounds_of_what_was_measured(drawn):
    """Whatever the unmeasured outcomes had been: replace each by a drawn value."""
    rows = [row(str(i), label, pair=str(i // 2)) for i, (label, _, _) in enumerate(drawn)]
    known = accuracy(rows, [one for _, one, _ in drawn])
    truth = accuracy(rows, [bool(hidden) if one is None else one for _, one, hidden in drawn])
    for name in ("recall", "false_positives", "pairs"):
        bounds, rate = getattr(known, name).bounds, getattr(truth, name).rate
        assert (bounds is None) == (rate is None)
        if bounds is not None:
            assert bounds[0] <= rate <= bounds[1]


# --- the command


def command(tmp_path, labelled, **options):
    dataset = tmp_path / "set.jsonl"
    write_records(dataset, labelled)
    evaluate(dataset, analyzers="ruff", **options)


def test_the_command_prints_and_writes_the_same_counts(tmp_path, capsys):
    out = {name: tmp_path / f"out.{name}" for name in ("json", "markdown", "rows")}
    command(tmp_path, rows_of_pairs(), **out)
    assert "2/3" in capsys.readouterr().out
    told = json.loads(out["json"].read_text("utf-8"))
    ruff = told["judges"][0]
    assert (ruff["name"], ruff["recall"]["passed"], ruff["recall"]["measured"]) == ("ruff", 2, 3)
    assert ruff["by_cwe"]["77"]["recall"]["passed"] == 1
    assert told["rows"] == {"insecure": 3, "secure": 2}
    assert "66.7% (2/3; " in out["markdown"].read_text("utf-8")
    first = json.loads(out["rows"].read_text("utf-8").splitlines()[0])
    assert first["flagged"] == {"ruff": True, "ensemble": True}
    assert "S602" in [one["rule_id"] for one in first["findings"]["ruff"]]


def test_unmeasured_rows_are_shown_with_the_bounds_they_leave(tmp_path, capsys):
    out = tmp_path / "out.md"
    command(tmp_path, [row("a", code=SHELL), row("b", code="x = = 1\n")], markdown=out)
    assert "100.0% (1/1; 20.7–100.0; 1 unmeasured: 50.0–100.0)" in out.read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no rows"),
        ('{"id": "a"', "malformed JSON"),
        ('{"id": "a", "code": "", "label": "safe"}', "label"),
        ('{"id": "a", "code": "", "label": "secure"}\n' * 2, "twice"),
    ],
)
def test_an_unusable_set_is_one_clear_error(tmp_path, text, message):
    path = tmp_path / "set.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_labelled(path)
    assert "set.jsonl" in str(caught.value)


def test_surprising_text_in_markdown_tables_is_escaped(tmp_path):
    out = tmp_path / "out.md"
    command(tmp_path, [row("a|b", code=SHELL)], markdown=out)
    table = [line for line in out.read_text("utf-8").splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table[:4]} == {7}
