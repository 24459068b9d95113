import json

import pytest

from purpcode.commands.compare import compare
from purpcode.errors import InputError
from purpcode.reports import compare_models, read_sides, write_comparison
from purpcode.reports.comparison import KINDS

STATES = {  # id → (base, tuned); "-" is no record
    "fixed": (False, True),
    "regressed": (True, False),
    "newly unmeasured": (True, None),
    "newly measured": (None, False),
    "only in A": (True, "-"),
    "only in B": ("-", True),
    "passed twice": (True, True),
    "failed twice": (False, False),
    "unmeasured twice": (None, None),
}


@pytest.fixture
def folders(tmp_path, build):
    sides = []
    for side, label in enumerate(("base", "tuned")):
        samples = [
            build.scored(f"s-{kind}", states[side], metadata={"cwes": [78, 89]})
            for kind, states in STATES.items()
            if states[side] != "-"
        ]
        sides.append(build.write_evaluation(tmp_path / label, label, samples))
    return sides


def test_every_sample_is_counted_once_under_what_became_of_it(folders):
    comparison = compare_models(read_sides(*folders))
    (row,) = comparison.counts
    assert row.counts == dict.fromkeys(KINDS, 1)
    cells = comparison.sections[0].table.rows[0].cells
    assert [cell.rate.total for cell in cells] == [len(STATES)] * 2
    flipped = {flip.sample_id: flip.kind for flip in comparison.flips}
    assert flipped == {f"s-{kind}": kind for kind in KINDS[:6]}


def test_three_files_with_the_same_figures_are_written(folders, tmp_path):
    comparison = compare_models(read_sides(*folders))
    paths = write_comparison(comparison, tmp_path / "out")
    figures = json.loads(paths.data.read_text(encoding="utf-8"))
    assert figures["comparable"] is True
    assert figures["counts"][0]["counts"]["only in B"] == 1
    rate = figures["rows"][0]["models"]["base"]
    assert (rate["passed"], rate["measured"], rate["unmeasured"]) == (4, 6, 3)
    text = paths.markdown.read_text(encoding="utf-8")
    assert "## Regressed: 1" in text
    assert "3 of 9 unmeasured" in text
    assert "CWE-78" in paths.html.read_text(encoding="utf-8")


def rewritten(folder, **changes):
    header = json.loads((folder / "header.json").read_text())
    (folder / "header.json").write_text(json.dumps({**header, **changes}))


DATA = {"source": "x.jsonl", "rows": 9, "expected_rows": 9, "digest": "one"}


@pytest.mark.parametrize(
    ("kind", "changes", "named"),
    [
        ("oracles", {"oracle_fingerprints": {"secure_code": "newer"}}, "secure_code"),
        ("data", {"data": {**DATA, "digest": "two"}}, "digest"),
        ("sampling", {"sampling": {"temperature": 1.0}}, "temperature"),
        ("sampling", {"draws": 4}, "draws"),
        ("asking", {"asking": {"system_prompt": "ab12"}}, "system prompt: none against reminder"),
        ("asking", {"asking": {"transform": "mine.py ab12"}}, "rewritten by"),
    ],
)
def test_what_was_not_done_alike_is_refused_unless_allowed_and_then_said_everywhere(
    folders, tmp_path, kind, changes, named
):
    rewritten(folders[0], data=DATA)
    rewritten(folders[1], data=DATA)
    rewritten(folders[1], **changes)
    sides = read_sides(*folders)
    with pytest.raises(InputError, match=named) as refused:
        compare_models(sides)
    assert f"--allow-different-{kind}" in refused.value.hint
    paths = write_comparison(compare_models(sides, allow=[kind]), tmp_path / "out")
    assert json.loads(paths.data.read_text())["comparable"] is False
    for path in (paths.html, paths.markdown, paths.data):
        assert "NOT STRICTLY COMPARABLE" in path.read_text(encoding="utf-8")


def test_earlier_thoughts_count_only_where_both_evaluations_have_any(folders):
    for folder, trim in zip(folders, (True, None), strict=True):
        rewritten(folder, asking={"trim_thinking": trim})
    assert not compare_models(read_sides(*folders)).differences
    rewritten(folders[1], asking={"trim_thinking": False})
    with pytest.raises(InputError, match="earlier thoughts: cut against kept"):
        compare_models(read_sides(*folders))


def test_questions_that_the_users_own_code_rewrote_are_paired_where_that_is_allowed(
    tmp_path, build
):
    a = build.write_evaluation(tmp_path / "a", "a", [build.scored("s", True, prompt="one")])
    b = build.write_evaluation(tmp_path / "b", "b", [build.scored("s", False, prompt="two")])
    rewritten(b, asking={"transform": "mine.py ab12"})
    comparison = compare_models(read_sides(a, b), allow=["asking"])
    assert comparison.counts[0].counts["regressed"] == 1
    rewritten(a, asking={"transform": "mine.py ab12"})
    with pytest.raises(InputError, match="different samples"):
        compare_models(read_sides(a, b), allow=["asking"])


def test_what_was_done_to_the_prompts_stands_on_the_page_and_in_the_model_card(folders, tmp_path):
    from purpcode.commands.report import report_folders

    for folder in folders:
        rewritten(folder, asking={"system_prompt": "ab12", "trim_thinking": True})
    report_folders(tuple(folders), out=tmp_path / "out", model_card=tmp_path / "card.md")
    said = "prompts: reminder ab12 as system prompt, earlier thoughts cut"
    assert said in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert said in (tmp_path / "card.md").read_text(encoding="utf-8")


def test_refused_oracles_come_with_the_command_that_judges_again(folders):
    rewritten(folders[1], oracle_fingerprints={"secure_code": "newer"})
    with pytest.raises(InputError) as refused:
        compare_models(read_sides(*folders))
    assert f"purpcode score {folders[0]}" in refused.value.hint


def test_another_seed_alone_is_no_different_sampling(folders):
    for seed, folder in enumerate(folders):
        rewritten(folder, sampling={"temperature": 0.8, "seed": seed})
    assert not compare_models(read_sides(*folders)).differences


def test_other_questions_under_one_id_are_never_paired(tmp_path, build):
    a = build.write_evaluation(tmp_path / "a", "a", [build.scored("s", True, prompt="one")])
    b = build.write_evaluation(tmp_path / "b", "b", [build.scored("s", False, prompt="two")])
    with pytest.raises(InputError, match="different samples"):
        compare_models(read_sides(a, b))
    (row,) = compare_models(read_sides(a, b), allow=["data"]).counts
    assert (row.counts["only in A"], row.counts["only in B"], row.counts["regressed"]) == (1, 1, 0)


def test_draws_are_paired_by_index_and_count_as_one_prompt(tmp_path, build):
    def samples(passed):
        return [build.scored("s", passed, index=index) for index in range(10)]

    a = build.write_evaluation(tmp_path / "a", "a", samples(False), draws=10)
    b = build.write_evaluation(tmp_path / "b", "b", samples(True), draws=10)
    row = compare_models(read_sides(a, b)).sections[0].table.rows[0]
    assert row.comparisons[1].test.fixed == 10
    assert row.comparisons[1].test.p_value == 1.0
    assert row.cells[1].rate.interval == pytest.approx((0.2065, 1.0), abs=1e-3)  # Wilson, 1 of 1


def test_turns_of_one_conversation_are_not_independent(tmp_path, build):
    def samples(passed):
        return [build.scored(f"t{i}", passed, conversation="one") for i in range(8)]

    a = build.write_evaluation(tmp_path / "a", "a", samples(False))
    b = build.write_evaluation(tmp_path / "b", "b", samples(True))
    row = compare_models(read_sides(a, b)).sections[0].table.rows[0]
    assert row.comparisons[1].test.p_value == 1.0


def test_each_metric_of_a_benchmark_is_a_row_of_its_own(tmp_path, build):
    def samples(functional, secure):
        outcomes = {"functional": functional, "secure": secure, "both": functional and secure}
        passed = outcomes["both"]
        return [build.scored(f"s{i}", passed, outcomes=outcomes) for i in range(4)]

    a = build.write_evaluation(tmp_path / "a", "a", samples(True, False))
    b = build.write_evaluation(tmp_path / "b", "b", samples(True, True))
    comparison = compare_models(read_sides(a, b))
    table = comparison.sections[0].table
    assert [row.metric for row in table.rows] == ["functional", "secure", "both"]
    assert [row.cells[0].rate.passed for row in table.rows] == [4, 0, 0]
    assert table.samples == 4
    assert [one.counts["fixed"] for one in comparison.counts] == [0, 4, 4]
    assert comparison.flips == ()  # samples are shown by the first metric, the headline


def test_benchmarks_are_compared_together_and_adjusted_over_all(tmp_path, build):
    for suite in ("xscode", "mbpp"):
        for label, passed in (("a", False), ("b", True)):
            samples = [build.scored(f"{suite}{i}", passed) for i in range(8)]
            build.write_evaluation(tmp_path / suite / label, label, samples, suite=suite)
    build.write_evaluation(tmp_path / "only" / "a", "a", [build.scored("z", True)], suite="only")
    sides = read_sides(tmp_path, tmp_path, "a", "b")
    comparison = compare_models(sides)
    rows = [row for section in comparison.sections for row in section.table.rows]
    assert [row.comparisons[1].adjusted_p for row in rows] == pytest.approx([4 / 2**8] * 2)
    assert any("Only a was evaluated on only" in warning for warning in comparison.warnings)
    paths = write_comparison(comparison, tmp_path / "out")
    assert "mbpp" in paths.html.read_text(encoding="utf-8")


def test_one_run_folder_twice_compares_its_first_model_with_its_last(run_dir):
    sides = read_sides(run_dir, run_dir)
    assert (sides.label_a, sides.label_b) == ("base", "rl")


def test_models_of_one_label_are_named_after_their_folders(tmp_path, build):
    for name in ("monday", "tuesday"):
        build.write_evaluation(tmp_path / name, "rl", [build.scored("a", True)])
    sides = read_sides(tmp_path / "monday", tmp_path / "tuesday")
    assert (sides.label_a, sides.label_b) == ("rl (monday)", "rl (tuesday)")


def test_several_models_without_a_label_are_refused_with_their_names(run_dir, folders):
    with pytest.raises(InputError, match=r"several models \(base, rule-learned, rl\)") as refused:
        read_sides(run_dir, folders[1])
    assert "--label-a" in refused.value.hint


def test_an_unknown_label_and_an_evaluation_against_itself_are_refused(run_dir, folders):
    with pytest.raises(InputError, match="no model 'x'"):
        read_sides(run_dir, run_dir, "x", "rl")
    with pytest.raises(InputError, match="same evaluation"):
        read_sides(folders[0], folders[0])


def test_the_command_prints_the_flips_and_writes_below_results(
    folders, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    compare(*folders)
    printed = capsys.readouterr().out
    assert "1 fixed, 1 regressed, 1 newly unmeasured" in printed
    assert (tmp_path / "results/compare/base-vs-tuned/comparison.html").exists()


def test_a_label_is_never_a_path(tmp_path, build, monkeypatch):
    monkeypatch.chdir(tmp_path)
    a = build.write_evaluation(tmp_path / "a", "../../../x", [build.scored("s", True)])
    b = build.write_evaluation(tmp_path / "b", "/etc", [build.scored("s", True)])
    compare(a, b)
    assert [path.name for path in (tmp_path / "results/compare").iterdir()] == ["x-vs-etc"]


def test_an_unreadable_folder_is_one_clear_message(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_sides(tmp_path / "absent", tmp_path)
    with pytest.raises(InputError, match="no finished evaluation"):
        read_sides(tmp_path, tmp_path)


def turns(build, passed, *, index=0):
    return [
        build.scored(f"c:{turn}", one, prompt=f"turn {turn}", conversation="c", index=index,
                     groups={"turn": str(turn)})
        for turn, one in enumerate(passed)
    ]  # fmt: skip


def test_a_conversation_is_one_sample_of_the_tables_and_its_turns_only_by_turn(tmp_path, build):
    a = build.write_evaluation(tmp_path / "a", "a", turns(build, [True, False, None]))
    b = build.write_evaluation(tmp_path / "b", "b", turns(build, [True, True, True]))
    (section,) = compare_models(read_sides(a, b)).sections
    first, second = (cell.rate for cell in section.table.rows[0].cells)
    assert (first.passed, first.measured, first.unmeasured) == (0, 1, 0)
    assert (second.passed, second.measured) == (1, 1)
    assert section.table.rows[0].comparisons[1].test.fixed == 1
    by_turn = next(group for group in section.groups if group.dimension == "turn")
    assert [row.cells[0].rate.total for row in by_turn.rows] == [1, 1, 1]


def test_draws_of_one_conversation_count_as_one(tmp_path, build):
    def samples(passed):
        return [one for i in range(8) for one in turns(build, [passed, passed], index=i)]

    a = build.write_evaluation(tmp_path / "a", "a", samples(False), draws=8)
    b = build.write_evaluation(tmp_path / "b", "b", samples(True), draws=8)
    row = compare_models(read_sides(a, b)).sections[0].table.rows[0]
    assert (row.cells[1].rate.measured, row.comparisons[1].test.p_value) == (8, 1.0)
