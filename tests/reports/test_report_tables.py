import pytest

from purpcode.errors import InputError
from purpcode.evals.statistics import Rate
from purpcode.reports.tables import build_table
from purpcode.reports.wording import basis


def test_seen_and_unseen_secure_code_are_rows_of_their_own(build):
    samples = [build.scored("a", True, part="unseen"), build.scored("b", False, part="seen")]
    table = build_table([build.model("base", samples)])
    assert [(row.objective, row.part) for row in table.rows] == [
        ("secure_code", "seen"),
        ("secure_code", "unseen"),
    ]


def test_every_model_has_the_same_denominator_and_missing_samples_are_unmeasured(build):
    base = build.model("base", [build.scored(name, False) for name in "abcd"])
    tuned = build.model("rl", [build.scored("a", True), build.scored("b", None)])
    row = build_table([base, tuned]).rows[0]
    assert row.cells[0].rate == Rate(0, 4, 0)
    assert row.cells[1].rate == Rate(1, 1, 3)
    assert row.cells[1].missing == 2
    assert row.comparisons[1].test.both_measured == 1


def test_missing_records_are_said_so(build):
    base = build.model("base", [build.scored(name, False) for name in "ab"])
    tuned = build.model("rl", [build.scored("a", True)], samples=2)
    warnings = " ".join(build_table([base, tuned]).warnings)
    assert "rl: 1 samples that another model answered have no record" in warnings
    assert "announced 2 samples and recorded 1" in warnings


def test_samples_the_baseline_lacks_still_count(build):
    base = build.model("base", [build.scored("a", True)])
    tuned = build.model("rl", [build.scored("a", True), build.scored("b", True)])
    row = build_table([base, tuned]).rows[0]
    assert row.cells[0].rate == Rate(1, 1, 1)
    assert row.cells[1].rate == Rate(2, 2, 0)


def test_models_judged_by_different_oracles_are_refused(build):
    samples = [build.scored("a", True)]
    other = build.model("rl", samples, oracle_fingerprints={"secure_code": "newer"})
    with pytest.raises(InputError, match=r"different oracles .*secure_code") as refused:
        build_table([build.model("base", samples), other])
    assert "same oracles" in refused.value.hint


def test_models_evaluated_on_different_suites_are_refused(build):
    samples = [build.scored("a", True)]
    with pytest.raises(InputError, match="different suites"):
        build_table([build.model("base", samples), build.model("rl", samples, suite="other")])


def test_one_id_for_two_questions_is_refused(build):
    base = build.model("base", [build.scored("a", True, prompt="one question")])
    tuned = build.model("rl", [build.scored("a", True, prompt="another question")])
    with pytest.raises(InputError, match="'a' stands for different samples"):
        build_table([base, tuned])


def test_one_id_in_two_rows_is_refused(build):
    base = build.model("base", [build.scored("a", True, part="seen")])
    tuned = build.model("rl", [build.scored("a", True, part="unseen")])
    with pytest.raises(InputError, match="'a' stands for different samples"):
        build_table([base, tuned])


def test_a_sample_recorded_twice_is_refused(build):
    with pytest.raises(InputError, match="'a' twice"):
        build_table([build.model("base", [build.scored("a", True), build.scored("a", False)])])


def test_two_models_of_one_label_are_refused(build):
    twin = build.model("base", [build.scored("a", True)])
    with pytest.raises(InputError, match="share a label"):
        build_table([twin, twin])


def test_no_models_are_refused():
    with pytest.raises(InputError, match="no evaluated models"):
        build_table([])


def test_p_values_are_adjusted_over_the_rows(build):
    def samples(passed):
        return [
            build.scored(f"{part}{i}", passed if part == "seen" else False, part=part)
            for part in ("seen", "unseen")
            for i in range(8)
        ]

    table = build_table([build.model("base", samples(False)), build.model("rl", samples(True))])
    seen, unseen = (row.comparisons[1] for row in table.rows)
    assert seen.test.p_value == pytest.approx(2 / 2**8)
    assert seen.adjusted_p == pytest.approx(2 * 2 / 2**8)
    assert unseen.adjusted_p == 1.0


def test_unequal_sampling_is_said_so(build):
    samples = [build.scored("a", True)]
    hot = build.model("rl", samples, sampling={"temperature": 1.0})
    table = build_table([build.model("base", samples), hot])
    assert any("sampled differently" in warning for warning in table.warnings)


def test_passes_with_a_partial_score_are_counted_in_words(build):
    refused = build.scored("a", True).model_copy(update={"score": 0.8})
    base = build.model("base", [build.scored("a", True), build.scored("b", False)])
    tuned = build.model("rl", [refused, build.scored("b", True)])
    models = (base, tuned)
    (line,) = [line for line in basis(models, build_table(models)) if "below 1" in line]
    assert line.endswith("base 0, rl 1.")
    assert not any("below 1" in line for line in basis((base,), build_table((base,))))
