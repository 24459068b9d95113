import json

import pytest

from purpcode.commands.report import report_folders
from purpcode.errors import InputError
from purpcode.reports import find_evaluations, read_folders, write_run_report
from purpcode.reports.groups import group_tables, sample_groups
from purpcode.reports.sections import build_sections
from purpcode.reports.tables import build_table
from purpcode.reports.visible import visible


def test_groups_come_from_the_record_and_its_metadata(build):
    sample = build.scored(
        "a", True, metadata={"cwes": [78, "CWE-089"], "turn": 2}, groups={"language": "python"}
    )
    assert sample_groups(sample) == {
        "language": ("python",),
        "cwe": ("CWE-78", "CWE-89"),
        "turn": ("2",),
    }


def test_no_sample_vanishes_from_the_groups(build):
    stated = [build.scored(f"a{i}", True, metadata={"cwes": [502]}) for i in range(3)]
    stated += [build.scored("b", None, metadata={"cwes": [22]})]
    silent = [build.scored("c", False)]
    models = [build.model("base", stated + silent)]
    (group,) = group_tables(models, build_table(models))
    assert [row.value for row in group.rows] == ["CWE-22", "CWE-502", "not stated"]
    assert [row.cells[0].rate.total for row in group.rows] == [1, 3, 1]
    assert group.rows[0].cells[0].rate.rate is None


def test_no_group_vanishes_from_the_page_and_the_markdown_says_where_the_rest_stands(
    tmp_path, build
):
    from purpcode.reports import compare_models, read_sides, write_comparison

    samples = [build.scored(f"s{i}", True, metadata={"cwes": [i]}) for i in range(1000, 1340)]
    for label in ("base", "tuned"):
        build.write_evaluation(tmp_path / label, label, samples)
    report = write_run_report(read_folders([tmp_path]), tmp_path / "out")
    sides = read_sides(tmp_path / "base", tmp_path / "tuned")
    comparison = write_comparison(compare_models(sides), tmp_path / "out")
    for paths in (report, comparison):
        page = paths.html.read_text(encoding="utf-8")
        assert page.count('<th scope="row">CWE-') == 340
        assert "<summary>rows 151 to 300 of 340</summary>" in page
        assert "<summary>rows 301 to 340 of 340</summary>" in page
        said = f"100 of 340 rows; the other 240 are in {paths.data.name}, under `groups`."
        assert said in paths.markdown.read_text(encoding="utf-8")
        (group,) = json.loads(paths.data.read_text(encoding="utf-8"))["groups"]
        assert len(group["rows"]) == 340


def test_a_folder_of_benchmarks_is_reported_with_a_section_each(tmp_path, build):
    for suite in ("xscode", "mbpp"):
        for label in ("base", "rl"):
            samples = [build.scored(f"{suite}-{i}", i > 1) for i in range(4)]
            build.write_evaluation(tmp_path / suite / label, label, samples, suite=suite)
    paths = write_run_report(read_folders([tmp_path]), tmp_path / "out")
    assert [table.suite for table in paths.tables] == ["mbpp", "xscode"]
    figures = json.loads(paths.data.read_text(encoding="utf-8"))
    assert {row["suite"] for row in figures["rows"]} == {"mbpp", "xscode"}
    text = paths.html.read_text(encoding="utf-8")
    assert text.count("<h3>mbpp</h3>") == 2
    assert "<h3>xscode</h3>" in text


def test_a_model_missing_from_one_benchmark_does_not_shrink_the_other(tmp_path, build):
    samples = [build.scored("a", True), build.scored("b", False)]
    for suite, label in (("x", "base"), ("x", "rl"), ("y", "base")):
        build.write_evaluation(tmp_path / suite / label, label, samples, suite=suite)
    run = read_folders([tmp_path])
    sections = build_sections(run.models)
    assert [section.table.labels for section in sections] == [("base", "rl"), ("base",)]
    paths = write_run_report(run, tmp_path / "out")
    assert "not evaluated" in paths.html.read_text(encoding="utf-8")


def test_two_evaluations_of_one_label_are_told_apart_by_folder(tmp_path, build):
    for name in ("one", "two"):
        build.write_evaluation(tmp_path / name, "rl", [build.scored("a", True)])
    labels = [model.label for model in read_folders([tmp_path / "one", tmp_path / "two"]).models]
    assert len(set(labels)) == 2
    assert all(name in label for name, label in zip(("one", "two"), labels, strict=True))


def test_incomplete_data_and_subsets_are_said(tmp_path, build):
    data = {"source": "d", "rows": 2, "expected_rows": 9, "digest": "x", "problem": "2 of 9 rows"}
    folder = build.write_evaluation(
        tmp_path / "e", "rl", [build.scored("a", True)], data=data, subset={"limit": 1}
    )
    text = write_run_report(read_folders([folder]), tmp_path / "o").markdown.read_text()
    assert "2 of 9 rows" in text
    assert "only some of the rows (limit 1)" in text


def test_the_command_writes_a_model_card_section(tmp_path, build, capsys):
    label = "rl|</td>"
    samples = [build.scored("a", True), build.scored("b", None)]
    folder = build.write_evaluation(tmp_path / "e", label, samples)
    report_folders([folder], out=tmp_path / "out", model_card=tmp_path / "card.md")
    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert not card.startswith("---")
    assert "100.0% (95% CI 20.7–100.0; 1 of 2 unmeasured: 50.0–100.0)" in card
    assert "rl\\|\\</td\\>" in card
    assert "secure\\_code-0123456789abcdef" in card
    assert "### Known limits" in card
    assert "kappa 0.78" in card
    assert "1 of 2 outcomes in the tables above are unmeasured" in card
    assert "not a model" in card
    assert "report.html" in capsys.readouterr().out


def test_a_recipes_run_folder_is_reported_with_its_stages(run_dir, tmp_path):
    report_folders([run_dir], out=tmp_path / "out")
    assert 'id="stages"' in (tmp_path / "out/report.html").read_text(encoding="utf-8")


def test_a_report_needs_a_folder():
    with pytest.raises(InputError, match="at least one"):
        report_folders([])


def test_an_unfinished_evaluation_beside_a_finished_one_is_named(tmp_path, build):
    build.write_evaluation(tmp_path / "x" / "base", "base", [build.scored("a", True)])
    (tmp_path / "x" / "rl").mkdir()
    (tmp_path / "x" / "rl" / "rollouts.jsonl").write_text("")
    (warning,) = find_evaluations(tmp_path).warnings
    assert "unfinished" in warning


@pytest.mark.parametrize("content", ["{", "{}", '"\\ud800"'])
def test_a_malformed_header_is_named(tmp_path, build, content):
    folder = build.write_evaluation(tmp_path / "e", "rl", [build.scored("a", True)])
    (folder / "header.json").write_text(content)
    with pytest.raises(InputError, match=r"header\.json"):
        read_folders([folder])


def test_hidden_characters_are_spelled_out_and_text_is_kept():
    assert visible("a\u202eb\x1b[0m\u200b\ud800") == "a‹U+202E›b‹U+001B›[0m‹U+200B›‹U+D800›"
    assert visible("tab\tline\r\nüñ😀 – “q”") == "tab\tline\nüñ😀 – “q”"


def test_answers_judged_again_inside_an_evaluation_are_read_only_when_named(tmp_path, build):
    samples = [build.scored("a", True)]
    folder = build.write_evaluation(tmp_path / "x" / "rl", "rl", samples)
    again = build.write_evaluation(folder / "rescored-1", "rl", samples)
    assert [model.folder for model in find_evaluations(tmp_path).models] == [folder]
    assert [model.folder for model in find_evaluations(again).models] == [again]


def test_a_runs_own_evaluations_hide_no_others_beside_them(tmp_path, build):
    build.write_eval(tmp_path, "base", [build.scored("a", True)])
    build.write_evaluation(tmp_path / "x" / "rl", "rl", [build.scored("b", True)], suite="other")
    assert len(read_folders([tmp_path]).models) == 2


def test_a_model_card_counts_prompts_and_not_their_answers(tmp_path, build):
    samples = [build.scored(name, True, index=i) for name in "ab" for i in range(3)]
    folder = build.write_evaluation(tmp_path / "e", "m", samples, draws=3)
    report_folders([folder], out=tmp_path / "out", model_card=tmp_path / "card.md")
    assert "2 prompts, 3 answers each" in (tmp_path / "card.md").read_text(encoding="utf-8")
    report = (tmp_path / "out/report.md").read_text(encoding="utf-8")
    assert "2 samples of the suite" in report
    assert "All 6 answers were measured." in report
