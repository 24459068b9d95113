"""Values across the pipe, their comparison, and which code of an answer is tested."""

import contextlib
import json
import math
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.oracles.unit_testing.answer_code import NoCodeError, python_code
from purpcode.oracles.unit_testing.comparison import values_match
from purpcode.oracles.unit_testing.printed import outputs_match
from purpcode.oracles.unit_testing.wire import WireError, decode, encode

# --- which code is tested ---


def test_usage_after_the_definition_is_not_run():
    text = "```python\ndef f(x): return x\n```\nUse it:\n```python\nprint(f(input()))\n```"
    assert "input" not in python_code(text, "f")
    assert "input" in python_code(text)


def test_helper_blocks_are_joined_and_a_later_definition_wins():
    blocks = ("import math", "def f(): return 1", "def f(): return 2")
    text = "\n".join(f"```python\n{block}\n```" for block in blocks)
    scope = {}
    exec(python_code(text, "f"), scope)
    assert (scope["f"](), "math" in scope) == (2, True)


def test_a_block_that_does_not_parse_does_not_hide_one_that_does():
    text = "```python\n>>> f(1)\n```\n```python\ndef f(x): return x\n```"
    assert python_code(text, "f") == "def f(x): return x\n"


@pytest.mark.parametrize("text", ["no code", "```python\ndef f(:\n```", "```bash\nls\n```", ""])
def test_an_answer_without_usable_code_is_refused(text):
    with pytest.raises(NoCodeError):
        python_code(text, "f")


def test_thoughts_are_not_tested():
    text = "<think>\n```python\ndef f(): return 1\n```\n</think>\nI cannot help."
    with pytest.raises(NoCodeError):
        python_code(text, "f")


# --- values across the pipe ---

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=20)
    | st.complex_numbers(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    scalars | st.sets(st.integers()),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(values)
def test_a_value_survives_the_wire_with_its_types(value):
    there = decode(json.loads(json.dumps(encode(value))))
    assert repr(there) == repr(value) or there == value
    assert type(there) is type(value)


def test_standard_values_survive_the_wire():
    for value in (range(1, 9, 2), Decimal("1.10"), Counter("aa"), float("inf"), sorted):
        assert decode(json.loads(json.dumps(encode(value)))) == value


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.builds(
            lambda tag, rest: [tag, *rest], st.sampled_from("ifcbaltszdrn"), st.lists(inner)
        )
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_values)
def test_hostile_wire_forms_are_refused_or_read_but_never_crash(form):
    with contextlib.suppress(WireError):
        decode(form)


def test_what_a_subclass_overrides_does_not_travel():
    class Sly(int):
        def __eq__(self, other):
            return True

        def __format__(self, spec):
            return "2"

        def __hash__(self):
            return 2

    there = decode(encode([Sly(7)]))
    assert there == [7]
    assert type(there[0]) is int


@given(values)
def test_a_value_matches_itself(value):
    assert values_match(value, value)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        *((1, True), (True, 1), (2, 2.0), ("1", 1), (None, 0), ([1], [1, 1]), ([1], {1})),
        *(({1: 2}, {1: 3}), ({1}, {True}), (0.5, 0.6), (1.0, "1.0"), (1.0, True), (b"a", "a")),
        *((math.nan, 1.0), (1e300, 10**400)),
    ],
)
def test_values_of_other_type_or_content_do_not_match(expected, actual):
    assert not values_match(expected, actual)


def test_floats_match_within_tolerance_and_lists_match_tuples():
    assert values_match([0.1 + 0.2, math.nan, 2.0], (0.3, math.nan, 2))


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("1\n2\n", "1  \n2", True),
        ("0.3333333", "0.33333333333", True),
        ("3", "3.0", True),
        ("3", "03", False),
        ("1.0", "1_0", False),
        ("1\n\n2", "1\n2\n\n", True),
        ("1 2", "1\n2", False),
        ("", "\n", True),
        ("a", "", False),
    ],
)
def test_printed_text_is_compared_by_line_and_number(expected, actual, same):
    assert outputs_match(expected, actual) is same
