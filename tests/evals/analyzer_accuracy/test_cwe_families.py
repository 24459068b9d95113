"""Which CWE numbers count as the same weakness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.evals.analyzer_accuracy.families import cwe_families, related_cwes, same_weakness

CWES = st.integers(1, 1500)


@pytest.mark.parametrize(
    "family",
    [
        (89, 564),
        (77, 78, 88),
        (22, 23, 36, 73),
        (79, 80, 83, 87),
        (327, 328),
        (326, 327),
        (327, 916),
        (94, 95),
        (611, 776),
        (259, 798),
        (502,),
    ],
)
def test_numbers_of_one_weakness_match_each_other(family):
    for one in family:
        for other in family:
            assert same_weakness([one], [other])


@pytest.mark.parametrize(
    ("one", "other"), [(89, 79), (22, 78), (502, 94), (601, 918), (20, 89), (295, 327), (117, 79)]
)
def test_different_weaknesses_do_not_match(one, other):
    assert not same_weakness([one], [other])


def test_catch_all_classes_stand_in_no_family():
    for cwe in (20, 74, 693, 710):
        assert related_cwes(cwe) == {cwe}


def test_one_shared_weakness_among_several_is_enough():
    assert same_weakness([703, 564], [22, 89])
    assert not same_weakness([], [89])
    assert not same_weakness([89], [])


@given(CWES, CWES)
def test_matching_is_symmetric_and_every_number_matches_itself(one, other):
    assert same_weakness([one], [one])
    assert same_weakness([one], [other]) == same_weakness([other], [one])


def test_families_hold_several_valid_numbers_once():
    for name, cwes in cwe_families().items():
        assert cwes, name
        assert all(1 <= cwe <= 1500 for cwe in cwes), name
    assert len({frozenset(one) for one in cwe_families().values()}) == len(cwe_families())
