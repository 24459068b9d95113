from pathlib import Path

import pytest

from purpcode.analyzers.flow.rules import load_rules
from purpcode.commands.analyzers import export_examples
from purpcode.evals.analyzer_accuracy import example_rows, read_labelled


def test_every_example_of_every_rule_is_a_row_with_its_label_and_weaknesses() -> None:
    rows = example_rows()
    rules = {rule.id: rule for rule in load_rules()}
    assert len(rows) == sum(len(rule.insecure) + len(rule.secure) for rule in rules.values())
    for row in rows:
        rule = rules[row.id.partition(":")[0]]
        assert row.code in (rule.insecure if row.label == "insecure" else rule.secure)
        assert row.cwe == rule.cwes


def test_pairs_are_two_rows_one_of_each_label() -> None:
    pairs: dict[str, list[str]] = {}
    for row in example_rows():
        if row.pair:
            pairs.setdefault(row.pair, []).append(row.label)
    assert len(pairs) > 100
    assert {tuple(sorted(labels)) for labels in pairs.values()} == {("insecure", "secure")}


def test_the_exported_file_is_what_evaluate_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export_examples(tmp_path / "own.jsonl")
    assert read_labelled(tmp_path / "own.jsonl") == example_rows()
    assert "insecure and" in capsys.readouterr().out
