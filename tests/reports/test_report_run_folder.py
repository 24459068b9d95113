import json

import pytest

from purpcode.errors import InputError
from purpcode.reports.coverage import coverage_tables
from purpcode.reports.run_folder import read_run


def labels(folder):
    return [model.label for model in read_run(folder).models]


def test_models_stand_in_the_order_the_method_makes_them(tmp_path, build):
    for label in ("zeta", "rl", "base", "alpha", "rule-learned"):
        build.write_eval(tmp_path, label, [build.scored("a", True)])
    assert labels(tmp_path) == ["base", "rule-learned", "rl", "alpha", "zeta"]


def test_order_json_decides_and_drops_no_model(tmp_path, build):
    for label in ("base", "rl", "extra"):
        build.write_eval(tmp_path, label, [build.scored("a", True)])
    (tmp_path / "eval" / "order.json").write_text('["rl", "base"]')
    assert labels(tmp_path) == ["rl", "base", "extra"]


def test_order_json_naming_an_absent_evaluation_is_refused(tmp_path, build):
    build.write_eval(tmp_path, "base", [build.scored("a", True)])
    (tmp_path / "eval" / "order.json").write_text('["base", "rl"]')
    with pytest.raises(InputError, match=r"order\.json: names evaluations that are not there"):
        read_run(tmp_path)


def test_an_unfinished_evaluation_is_left_out_and_said_so(tmp_path, build):
    build.write_eval(tmp_path, "base", [build.scored("a", True)])
    (tmp_path / "eval" / "rl").mkdir()
    run = read_run(tmp_path)
    assert [model.label for model in run.models] == ["base"]
    assert any("eval/rl has no header.json" in warning for warning in run.warnings)


@pytest.mark.parametrize("make", [lambda folder: None, lambda folder: (folder / "eval").mkdir()])
def test_a_run_without_an_evaluation_is_refused_with_the_way_on(tmp_path, make):
    make(tmp_path)
    with pytest.raises(InputError, match="no finished evaluation") as refused:
        read_run(tmp_path)
    assert "purpcode" in refused.value.hint


def test_a_missing_run_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such run folder"):
        read_run(tmp_path / "absent")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("recipe.lock.json", "{", r"recipe\.lock\.json: Invalid JSON"),
        ("recipe.lock.json", '"\\ud800"', r"recipe\.lock\.json"),
        ("rl/stage.json", '{"stage": "rl"}', r"stage\.json: field 'state'"),
        ("rl/metrics.jsonl", '{"loss": 1}', r"metrics\.jsonl:1: field 'step'"),
        ("eval/base/header.json", "{}", r"header\.json: field"),
    ],
)
def test_a_malformed_file_is_named_with_its_field(tmp_path, build, name, content, message):
    build.write_eval(tmp_path, "base", [build.scored("a", True)])
    (tmp_path / "rl").mkdir()
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        read_run(tmp_path)


def test_stages_stand_in_the_order_they_ran_and_the_reports_own_is_left_out(tmp_path, build):
    build.write_eval(tmp_path, "base", [build.scored("a", True)])
    for name in ("rl", "report", "audit", "redteam"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "stage.json").write_text(
            json.dumps({"stage": name, "state": "complete"})
        )
    assert [stage.stage for stage in read_run(tmp_path).stages] == ["redteam", "rl", "audit"]


def test_coverage_counts_samples_by_weakness_for_each_split():
    rows = [
        {"cwe": 78, "strategy": "a", "split": "train", "samples": 2},
        {"cwe": 78, "strategy": "b", "split": "train", "samples": 3},
        {"cwe": 0, "strategy": "a", "split": "heldout", "samples": 1},
    ]
    tables = {table.title: table for table in coverage_tables({"rows": rows})}
    assert tables["weaknesses"].columns == ("train", "heldout")
    assert tables["weaknesses"].rows == (("CWE-78", (5, None)), ("none applies", (None, 1)))
    assert dict(tables["strategies"].rows)["a"] == (2, 1)


@pytest.mark.parametrize("odd", [None, {}, {"rows": [1, {"cwe": 3}]}, {"a": {"b": "c"}, "d": [1]}])
def test_coverage_without_counts_has_no_tables(odd):
    assert coverage_tables(odd) == []
