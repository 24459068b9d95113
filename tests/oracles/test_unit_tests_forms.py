"""Targets in published shapes, references, deadlines, languages, and what runs how often."""

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.unit_testing.answer_code import NoCodeError, source_code
from purpcode.oracles.unit_testing.comparison import COMPARISONS, values_equal
from purpcode.oracles.unit_testing.evalplus import argument_shapes, evalplus_target, shaped
from purpcode.oracles.unit_testing.printed import outputs_match
from purpcode.oracles.unit_testing.target import (
    BadTargetError,
    read_target,
    target_of_ground_truth,
)
from purpcode.oracles.unit_tests import UnitTests
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.types import Completion, Message, Sample

SETTINGS = OracleSettings(test_timeout_s=8.0, workers=2)
RIGHT, WRONG = "def f(x): return x + 1", "def f(x): return x"


@pytest.fixture(scope="module")
def oracle():
    return UnitTests(SETTINGS, BubblewrapSandbox())


def judge(oracle, target, *codes, language="python"):
    messages = (Message(role="user", content="Write it."),)
    sample = Sample(id="s", messages=messages, oracles=("unit_tests",), target=target)
    answers = [Completion(text=f"```{language}\n{code}\n```") for code in codes]
    return oracle.judge([sample] * len(codes), answers)


PUBLISHED = {
    "functional": {"functional": "def check(candidate):\n    assert candidate(1) == 2\ncheck(f)"},
    "assert list": {"tests": ["assert f(1) == 2", "assert f(2) == 3"]},
    "named function, arguments": {"fn_name": "f", "inputs": [[1], [2]], "outputs": [[2], [3]]},
    "named function, plain values": {"fn_name": "f", "inputs": [[1], [2]], "outputs": [2, 3]},
    "named function, JSON lines": {"fn_name": "f", "inputs": ["1", "2"], "outputs": ["2", "3"]},
    "inputs of a reference": {
        "entry_point": "f",
        "base_input": [[1], [2]],
        "plus_input": [[3]],
        "canonical_solution": RIGHT,
        "comparison": "equal",
    },
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_shape_judges_right_and_wrong_code(oracle, name):
    target = target_of_ground_truth(json.dumps(PUBLISHED[name]))
    good, bad = judge(oracle, target, RIGHT, WRONG)
    assert good.passed is True, good
    assert bad.passed is False, bad


def test_a_method_of_a_solution_class_is_called(oracle):
    target = {"fn_name": "f", "inputs": [[1]], "outputs": [2]}
    (verdict,) = judge(oracle, target, "class Solution:\n    def f(self, x): return x + 1")
    assert verdict.passed is True, verdict


@pytest.mark.parametrize("text", ["", "[]", "{", "1"])
def test_a_ground_truth_that_is_no_object_is_refused(text):
    with pytest.raises(BadTargetError):
        target_of_ground_truth(text)


def test_what_stands_beside_the_ground_truth_is_added():
    target = target_of_ground_truth(
        '{"functional": "assert f(1)"}', entry_point="f", reference=None
    )
    assert target == {"functional": "assert f(1)", "entry_point": "f"}


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ({"inputs": ["1"], "outputs": ["\n"]}, "printing nothing"),
        ({"calls": [{"args": [1], "expected": None}], "entry_point": "f"}, "does nothing"),
        ({"base_input": [[1]], "entry_point": "f"}, "reference"),
        ({"tests": "assert f(1)", "language": "cpp"}, "inputs"),
        ({"fn_name": "f", "inputs": ["{"], "outputs": ["1"]}, "not JSON"),
        ({"fn_name": "f", "inputs": [[1]], "outputs": []}, "differ"),
    ],
)
def test_a_target_that_cannot_judge_says_why(oracle, target, part):
    (verdict,) = judge(oracle, target, RIGHT)
    assert verdict.passed is None
    assert part in verdict.error


@pytest.mark.parametrize(
    "tests",
    ["assert f(1) or not f(1)", "assert list(f(3)) == []", "assert f(1) is None"],
)
def test_tests_that_idle_code_passes_leave_the_sample_unmeasured(oracle, tests):
    code = "def f(x): return None if x == 1 else []"
    (verdict,) = judge(oracle, {"tests": tests, "entry_point": "f"}, code)
    assert verdict.passed is None
    assert "prove nothing" in verdict.error


def test_arguments_changed_in_place_count_where_tests_look_at_them(oracle):
    target = {"tests": "xs = [2, 1]\nf(xs)\nassert xs == [1, 2]", "entry_point": "f"}
    good, bad = judge(oracle, target, "def f(xs): xs.sort()", "def f(xs): xs.clear()")
    assert (good.passed, bad.passed) == (True, False)


def test_a_reference_that_fails_its_tests_leaves_the_sample_unmeasured(oracle):
    target = {"tests": "assert f(1) == 2", "entry_point": "f", "reference": WRONG}
    (verdict,) = judge(oracle, target, RIGHT)
    assert verdict.passed is None
    assert "reference solution fails its own tests" in verdict.error


def test_a_slow_right_program_passes_where_the_reference_is_slow_too():
    slow = "import time\ndef f(x):\n    time.sleep({0})\n    return x + 1"
    target = {"tests": "assert f(1) == 2", "entry_point": "f", "reference": slow.format(0.5)}
    oracle = UnitTests(OracleSettings(test_timeout_s=1.5, workers=2), BubblewrapSandbox())
    with_reference, *_ = judge(oracle, target, slow.format(2.0))
    assert with_reference.passed is True, with_reference


# --- operators between objects of the code and plain values ---

VECTOR = (
    "class Vec:\n    def __init__(self, x): self.x = x\n"
    "    def __add__(self, o): return Vec(self.x + getattr(o, 'x', o))\n    __radd__ = __add__\n"
    "    def __sub__(self, o): return Vec(self.x - o)\n"
    "    def __mul__(self, o): return self.x * o\n"
    "    def __eq__(self, o): return self.x == getattr(o, 'x', o)\n"
    "    def __lt__(self, o): return self.x < o\n    def __hash__(self): return hash(self.x)\n"
    "    def __len__(self): return self.x\n    def __contains__(self, o): return o < self.x\n"
    "    def __abs__(self): return abs(self.x)\n    def __bool__(self): return self.x > 0\n"
)


OPERATORS = (
    *("Vec(1) + 2 == Vec(3)", "2 + Vec(1) == Vec(3)", "Vec(3) - 2 == Vec(1)", "Vec(2) * 3 == 6"),
    *(
        "Vec(2) == 2",
        "2 == Vec(2)",
        "Vec(2) != 3 and Vec(2) == 2",
        "Vec(1) < 2",
        "abs(Vec(-2)) == 2",
    ),
    *("len(Vec(2)) == 2", "1 in Vec(2) and 3 not in Vec(2)"),
)


@pytest.mark.parametrize("expression", OPERATORS)
def test_operators_of_a_class_under_test_reach_it(oracle, expression):
    wrong = VECTOR.replace("self.x = x", "self.x = 3 * x")
    good, bad = judge(oracle, {"tests": f"assert {expression}"}, VECTOR, wrong)
    assert good.passed is True, good
    assert bad.passed is False, bad


def test_objects_of_the_code_are_hashed_and_weighed_over_there(oracle):
    tests = "assert len({Vec(1), Vec(1), Vec(2)}) == 2\nassert Vec(1) and not Vec(0)"
    broken = VECTOR.replace("hash(self.x)", "id(self)").replace("self.x > 0", "True")
    good, bad = judge(oracle, {"tests": tests}, VECTOR, broken)
    assert (good.passed, bad.passed) == (True, False)


def test_named_tuples_counters_and_subclasses_keep_what_they_are(oracle):
    code = (
        "from collections import Counter, OrderedDict, namedtuple\nimport enum, re\n"
        "P = namedtuple('P', 'x y')\nclass Color(enum.IntEnum):\n    RED = 3\n"
        "class L(list):\n    def first(self): return self[0]\n"
        "def name_of(c): return c.name\n"
        "def f(): return P(1, 2), Counter('aab'), OrderedDict(a=1), Color.RED, L([5]),"
        " re.match('a', 'ab')"
    )
    tests = (
        "p, c, o, e, l, m = f()\nassert p == (1, 2) and p.y == 2\n"
        "assert c.most_common(1) == [('a', 2)]\n"
        "assert list(o.items()) == [('a', 1)]\nassert e == 3 and e.name == 'RED'\n"
        "assert name_of(e) == 'RED'\n"
        "assert l == [5] and l.first() == 5 and isinstance(l, list)\nassert m.group(0) == 'a'"
    )
    (verdict,) = judge(oracle, {"tests": tests, "entry_point": "f"}, code)
    assert verdict.passed is True, verdict


# --- languages ---

PROGRAMS = {
    "c": '#include <stdio.h>\nint main(void) { int x; scanf("%d", &x); printf("%d\\n", x + 1); }',
    "cpp": "#include <iostream>\nint main() { int x; std::cin >> x; std::cout << x + 1; }",
    "javascript": "console.log(parseInt(require('fs').readFileSync(0, 'utf8')) + 1);",
}
TOOLS = {"c": "gcc", "cpp": "g++", "javascript": "node"}


@pytest.mark.parametrize("language", PROGRAMS)
def test_programs_of_other_languages_are_compared_by_what_they_print(oracle, language):
    if shutil.which(TOOLS[language]) is None:
        pytest.skip(f"needs {TOOLS[language]}")
    code = PROGRAMS[language]
    target = {"inputs": ["1\n"], "outputs": ["2\n"], "language": language}
    good, bad = judge(oracle, target, code, code.replace("1", "2"), language=language)
    (broken,) = judge(oracle, target, f"{code}\n}}(", language=language)
    (python,) = judge(oracle, target, "print(2)")
    assert good.passed is True, good
    assert [one.passed for one in (bad, broken, python)] == [False, False, False]


def test_the_longest_block_of_the_language_is_taken():
    text = "```cpp\nint a;\n```\n```c\nint main() { return 0; }\n```\n```python\nx = 1\n```"
    assert source_code(text, "c").startswith("int main")
    with pytest.raises(NoCodeError):
        source_code(text, "javascript")


# --- comparisons ---


@pytest.mark.parametrize(
    ("name", "expected", "actual", "same"),
    [
        ("equal", 2, 2.0, True),
        ("equal", (1, 2), [1, 2], False),
        ("equal", 0.3, 0.30000001, True),
        ("equal", [0.1, 0.2], [0.1, 0.3], False),
        ("equal", 1, 1.0000001, False),
        ("set", [1, 2, 2], (2, 1), True),
        ("set", [1], 1, False),
        ("not_none", True, True, True),
        ("not_none", False, True, False),
        ("polynomial_root", None, 0.5, True),
        ("polynomial_root", None, 0.6, False),
        ("polynomial_root", None, float("nan"), False),
    ],
)
def test_comparisons_of_published_sets(name, expected, actual, same):
    assert COMPARISONS[name](expected, actual, [[-1, 2]], 0.0) is same


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1e-8))
def test_a_float_equals_itself_within_rounding(value, noise):
    assert values_equal(value, value + noise)


numbers = st.decimals(
    allow_nan=False, allow_infinity=False, places=3, min_value=-999, max_value=999
)


@given(st.lists(numbers, min_size=1))
def test_numbers_match_however_they_are_laid_out(values):
    shown = "\n".join(f"{value} {value}" for value in values)
    other = "\n\n".join(f"  {float(value)}\t{value}  " for value in values)
    assert outputs_match(shown, other)
    assert not outputs_match(shown, f"{other} 1")


# --- EvalPlus rows ---


def test_inputs_get_the_kinds_of_the_assertions():
    shapes = argument_shapes("assert set(f((1, (2,)), [3], {4}, 1j)) == set()", "f")
    assert shaped([[5, [6, 7]], [8], [9], "2j"], shapes) == [(5, (6, 7)), [8], {9}, 2j]
    assert shaped([[5]], argument_shapes("assert g(1)", "f")) == [[5]]


def test_a_row_becomes_a_target_the_oracle_reads():
    row = {
        "task_id": "Mbpp/0",
        "prompt": "def f(x):\n",
        "entry_point": "f",
        "canonical_solution": "    return x + 1\n",
        "base_input": [[1]],
        "plus_input": [[2]],
    }
    target = read_target(evalplus_target(row))
    assert target.arguments == [[1], [2]]
    assert target.reference == "def f(x):\n    return x + 1\n"
    with pytest.raises(BadTargetError):
        evalplus_target({"task_id": "Mbpp/0"})
