import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purpcode.analyzers.flow.regex_ambiguity import is_exponential

EXPONENTIAL = [
    r"^(a+)+$",
    r"(a*)*b",
    r"(a|a)*b",
    r"(a|aa)+$",
    r"^(\w+\s?)*$",
    r"(\s*\w+\s*)*x",
    r"(a{1,3})+$",
    r"(x+x+)+y",
    r"^([\w.]+)*@",
    r"(?:a|b|ab)*c",
]
LINEAR_OR_POLYNOMIAL = [
    r"^a+$",
    r"(a+)+",
    r"(ab+)+c",
    r"^\w+(\s\w+)*$",
    r"(\.\w{2,3})+$",
    r"^[\w.-]+@[\w-]+(\.[\w-]+)+$",
    r'"(?:[^"\\]|\\.)*"',
    r"^(?:\d{1,3}\.){3}\d{1,3}$",
    r"\s+$",
    r".*.*=",
    r"^(?:(?!--)[^-]|-)*$",
]


@pytest.mark.parametrize("pattern", EXPONENTIAL)
def test_patterns_with_two_ways_round_a_loop_are_exponential(pattern):
    assert is_exponential(pattern)


@pytest.mark.parametrize("pattern", LINEAR_OR_POLYNOMIAL)
def test_patterns_read_in_one_way_are_not_exponential(pattern):
    assert not is_exponential(pattern)


def test_an_ambiguous_loop_at_the_end_fails_only_where_the_whole_text_must_match():
    assert not is_exponential(r"(a+)+")
    assert is_exponential(r"(a+)+", whole=True)


def test_flags_decide_whether_two_letters_are_one():
    assert not is_exponential(r"(ab|AB)*c")
    assert is_exponential(r"(ab|AB)*c", int(re.IGNORECASE))


@pytest.mark.parametrize("pattern", ["(", "[z-a]", r"(a)\1+" * 3, "a" * 5000, "(?P<x>a)(?(x)b|c)"])
def test_what_is_not_understood_is_not_called_exponential(pattern):
    assert not is_exponential(pattern)


@given(st.recursive(
    st.sampled_from(["a", "b", ".", r"\w", r"\d", "[ab]", "ab", "a?"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        inner.map(lambda one: f"(?:{one})*"),
        inner.map(lambda one: f"(?:{one})+"),
        inner.map(lambda one: f"(?:{one}){{2,3}}"),
    ),
    max_leaves=8,
))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_any_pattern_gets_an_answer_and_a_stricter_match_never_a_milder_one(pattern):
    assert is_exponential(pattern, whole=True) or not is_exponential(pattern)


@given(st.sampled_from("abc"), st.integers(1, 3))
def test_nesting_a_repeat_in_a_repeat_is_always_found(letter, copies):
    inner = f"{letter}+"
    for _ in range(copies):
        inner = f"(?:{inner})+"
    assert is_exponential(f"^{inner}$")
