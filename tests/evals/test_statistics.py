import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.evals.statistics import Rate, holm, paired, pass_at_k, wilson

outcomes = st.sampled_from([True, False, None])
counts = st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400)).map(
    lambda drawn: Rate(min(drawn[0], drawn[1]), drawn[1], drawn[2])
)


def test_wilson_interval_has_the_textbook_values():
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)  # Newcombe 1998, table I
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)


def test_rate_prints_its_interval_unmeasured_count_and_bounds():
    rate = Rate(802, 988, 12)
    assert str(rate) == "81.2% (95% CI 78.6–83.5; 12 of 1000 unmeasured: 80.2–81.4)"


def test_fully_measured_rate_prints_its_denominator():
    assert str(Rate(1, 4)) == "25.0% (95% CI 4.6–69.9; 4 measured)"


def test_unmeasured_samples_do_not_become_a_zero_rate():
    rate = Rate.of([None, None])
    assert (rate.rate, rate.interval, str(rate)) == (None, None, "–")
    assert rate.bounds == (0.0, 1.0)
    assert Rate(0, 0).bounds is None


def test_unmeasured_samples_stay_out_of_the_rate_and_in_the_total():
    rate = Rate.of([True, False, None, True])
    assert rate == Rate(2, 3, 1)
    assert rate.rate == pytest.approx(2 / 3)
    assert rate.bounds == (0.5, 0.75)


@pytest.mark.parametrize("bad", [(2, 1, 0), (-1, 1, 0), (0, 1, -1)])
def test_impossible_counts_are_refused(bad):
    with pytest.raises(ValueError, match="impossible"):
        Rate(*bad)


@given(counts)
def test_rate_lies_within_its_interval_and_its_bounds(rate):
    if rate.rate is None:
        return
    for low, high in (rate.interval, rate.bounds):
        assert 0 <= low <= rate.rate + 1e-12
        assert rate.rate - 1e-12 <= high <= 1


@given(st.lists(outcomes))
def test_counting_loses_no_outcome(seen):
    rate = Rate.of(seen)
    assert rate.total == len(seen)
    assert rate.unmeasured == seen.count(None)


def pair_maps(fixed, regressed, kept_passing, kept_failing):
    kinds = (
        [(False, True)] * fixed
        + [(True, False)] * regressed
        + [(True, True)] * kept_passing
        + [(False, False)] * kept_failing
    )
    return (
        {f"s{i}": first for i, (first, _) in enumerate(kinds)},
        {f"s{i}": second for i, (_, second) in enumerate(kinds)},
    )


def test_mcnemar_has_the_exact_binomial_values():
    test = paired(*pair_maps(9, 1, 5, 5))
    # Two-sided exact: 2 * (C(10,0) + C(10,1)) / 2^10
    assert test.p_value == pytest.approx(2 * 11 / 1024)
    assert (test.fixed, test.regressed, test.both_measured) == (9, 1, 20)
    assert test.difference == pytest.approx(0.4)


def test_models_that_agree_everywhere_differ_by_nothing():
    test = paired(*pair_maps(0, 0, 7, 3))
    assert (test.p_value, test.difference) == (1.0, 0.0)


def test_a_few_samples_that_all_agree_do_not_claim_certainty():
    few, many = paired(*pair_maps(0, 0, 7, 3)), paired(*pair_maps(0, 0, 700, 300))
    assert few.interval[0] < 0 < few.interval[1]
    assert many.interval[1] - many.interval[0] < few.interval[1] - few.interval[0]


def test_samples_unmeasured_or_missing_under_one_model_are_not_paired():
    test = paired({"a": False, "b": None, "c": True}, {"a": True, "b": True, "d": True})
    assert (test.fixed, test.regressed, test.both_measured, test.not_paired) == (1, 0, 1, 3)


def test_nothing_measured_under_both_gives_no_test_at_all():
    test = paired({"a": None}, {"a": True})
    assert (test.p_value, test.difference, test.interval) == (None, None, None)


def test_bootstrap_interval_is_seeded_and_near_the_normal_one():
    a, b = pair_maps(60, 20, 60, 60)
    low, high = paired(a, b, seed=3).interval
    assert (low, high) == paired(a, b, seed=3).interval
    variance = (80 / 200 - 0.2**2) / 200
    assert low == pytest.approx(0.2 - 1.96 * math.sqrt(variance), abs=0.01)
    assert high == pytest.approx(0.2 + 1.96 * math.sqrt(variance), abs=0.01)


maps = st.dictionaries(st.integers(0, 30), outcomes)


@given(maps, maps)
def test_swapping_the_models_swaps_fixed_and_regressed(a, b):
    there, back = paired(a, b), paired(b, a)
    assert (there.fixed, there.regressed) == (back.regressed, back.fixed)
    assert there.both_measured + there.not_paired == len({*a, *b})
    if there.p_value is not None:
        assert there.p_value == pytest.approx(back.p_value)
        assert there.difference == pytest.approx(-back.difference)
        low, high = there.interval
        assert -1 <= low <= there.difference <= high <= 1


def test_holm_adjusts_the_textbook_family():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_a_test_that_could_not_be_made_still_counts_in_the_family():
    assert holm([0.01, None]) == [pytest.approx(0.02), None]


def test_p_values_outside_the_unit_interval_are_refused():
    with pytest.raises(ValueError, match="p-values"):
        holm([0.2, 1.5])


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_keeps_order_and_lies_between_raw_and_bonferroni(p_values):
    adjusted = holm(p_values)
    for p, fixed in zip(p_values, adjusted, strict=True):
        assert p <= fixed <= min(1.0, len(p_values) * p)
    ranked = [fixed for _, fixed in sorted(zip(p_values, adjusted, strict=True))]
    assert ranked == sorted(ranked)


@pytest.mark.parametrize(
    ("n", "c", "k", "expected"), [(10, 3, 1, 0.3), (5, 2, 2, 0.7), (4, 0, 4, 0.0), (4, 1, 4, 1.0)]
)
def test_pass_at_k_has_known_values(n, c, k, expected):
    assert pass_at_k(n, c, k) == pytest.approx(expected)


@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), st.data())
def test_pass_at_k_equals_counting_every_draw(drawn, data):
    n, c = drawn
    k = data.draw(st.integers(1, n))
    draws = list(itertools.combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))


@pytest.mark.parametrize("bad", [(3, 4, 1), (3, 1, 4), (3, 1, 0), (3, -1, 1)])
def test_pass_at_k_refuses_what_it_cannot_estimate(bad):
    with pytest.raises(ValueError, match="undefined"):
        pass_at_k(*bad)
