import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purpcode.evals.noninferiority import non_inferiority, score_interval
from purpcode.evals.statistics import PairedTest, paired

COUNTS = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 200)).filter(any)


def counted(fixed, regressed, both, design_effect=1.0):
    return PairedTest(fixed, regressed, both, 0, 1.0, 0.0, (0.0, 0.0), design_effect)


def clustered(changes_by_sample):
    """Two models' outcomes with the given changes (+1, -1, 0) per answer of each sample."""
    a, b = {}, {}
    for sample, changes in enumerate(changes_by_sample):
        for index, change in enumerate(changes):
            a[sample, index] = change < 0
            b[sample, index] = change > 0
    return paired(a, b, cluster=lambda key: key[0])


def enumerated_p(sums):
    """The definition: every cluster's sign both ways."""
    seen = abs(sum(sums))
    flips = list(itertools.product((1, -1), repeat=len(sums)))
    hits = sum(abs(sum(s * v for s, v in zip(signs, sums, strict=True))) >= seen for signs in flips)
    return hits / len(flips)


@given(
    st.lists(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=4), min_size=1, max_size=7)
)
@settings(max_examples=60, deadline=None)
def test_clustered_p_value_is_the_share_of_all_sign_flips_as_extreme(changes):
    test = clustered(changes)
    assert test.p_value == pytest.approx(enumerated_p([sum(one) for one in changes]))


def test_answers_of_one_sample_are_not_counted_as_independent():
    alike = clustered([[1] * 10] * 3 + [[0] * 10] * 3)
    apart = paired(dict.fromkeys(range(60), False), {i: i < 30 for i in range(60)})
    assert (alike.fixed, alike.both_measured) == (apart.fixed, apart.both_measured) == (30, 60)
    assert alike.p_value == pytest.approx(0.25)
    assert apart.p_value < 1e-6
    assert alike.interval[0] < apart.interval[0]
    assert alike.design_effect > 5


def test_one_answer_a_sample_has_no_design_effect():
    assert clustered([[1], [0], [-1], [1]]).design_effect == 1.0


def test_answers_that_never_change_count_as_one_a_sample():
    assert clustered([[0, 0, 0]] * 4).design_effect == 3.0


def profile_likelihood_score(fixed, regressed, both, theta):
    """Tango's statistic with the nuisance share found by search instead of by formula."""
    low, high = max(0.0, -theta), (1 - theta) / 2

    def loglik(q):
        kept = both - fixed - regressed
        terms = ((fixed, q + theta), (regressed, q), (kept, 1 - 2 * q - theta))
        return sum(n * math.log(max(p, 1e-300)) for n, p in terms if n)

    for _ in range(200):  # ternary search: the likelihood is concave
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (left, high) if loglik(left) < loglik(right) else (low, right)
    share = (low + high) / 2
    variance = both * (2 * share + theta * (1 - theta))
    return (fixed - regressed - both * theta) / math.sqrt(variance)


@pytest.mark.parametrize("counts", [(12, 5, 80), (0, 3, 40), (7, 0, 30), (20, 20, 100), (1, 1, 10)])
def test_score_bounds_are_where_the_score_statistic_reaches_its_quantile(counts):
    low, high = score_interval(counted(*counts))
    assert profile_likelihood_score(*counts, low) == pytest.approx(1.96, abs=2e-3)
    assert profile_likelihood_score(*counts, high) == pytest.approx(-1.96, abs=2e-3)


@given(COUNTS)
@settings(deadline=None)
def test_score_interval_holds_the_difference_and_turns_over_with_the_models(counts):
    fixed, regressed, kept = counts
    both = fixed + regressed + kept
    low, high = score_interval(counted(fixed, regressed, both))
    assert -1 <= low <= (fixed - regressed) / both + 1e-9
    assert (fixed - regressed) / both - 1e-9 <= high <= 1
    back = score_interval(counted(regressed, fixed, both))
    assert (-high, -low) == pytest.approx(back, abs=1e-6)


def test_no_change_among_few_samples_shows_no_certainty():
    low, high = score_interval(counted(0, 0, 20), 0.90)
    assert low == pytest.approx(-(1.645**2) / (20 + 1.645**2), abs=1e-3)  # Wilson's bound at 0
    assert high == pytest.approx(-low)


def test_a_small_margin_needs_many_samples():
    assert non_inferiority(counted(1, 1, 30), 0.05).outcome == "undecided"
    assert non_inferiority(counted(33, 33, 1000), 0.05).outcome == "non-inferior"
    assert non_inferiority(counted(10, 200, 1000), 0.05).outcome == "inferior"


def test_nothing_paired_decides_nothing():
    test = paired({"a": None}, {"a": True})
    assert non_inferiority(test, 0.05).outcome == "undecided"


def test_repeated_answers_widen_the_bound():
    once = score_interval(counted(4, 8, 100))
    alike = score_interval(counted(40, 80, 1000, design_effect=10.0))
    assert alike == pytest.approx(once)


@pytest.mark.parametrize(("margin", "alpha"), [(0.0, 0.05), (1.0, 0.05), (0.1, 0.0), (-0.1, 0.05)])
def test_meaningless_margins_are_refused(margin, alpha):
    with pytest.raises(ValueError, match="between 0 and 1"):
        non_inferiority(counted(1, 1, 10), margin, alpha=alpha)


def test_non_inferiority_holds_its_level():
    """Exactly at the margin, a true loss of 10 points passes in about 5% of experiments."""
    both, worse, better, margin = 60, 0.15, 0.05, 0.10
    wrong = 0.0
    for regressed in range(both + 1):
        for fixed in range(both + 1 - regressed):
            chance = _multinomial(both, fixed, better, regressed, worse)
            if chance > 1e-7:
                result = non_inferiority(counted(fixed, regressed, both), margin)
                wrong += chance * (result.outcome == "non-inferior")
    assert 0.03 < wrong < 0.06


def _multinomial(n, x, p, y, q):
    log = math.lgamma(n + 1) - math.lgamma(x + 1) - math.lgamma(y + 1) - math.lgamma(n - x - y + 1)
    log += x * math.log(p) + y * math.log(q) + (n - x - y) * math.log(1 - p - q)
    return math.exp(log)
