"""What crosses between the tests' interpreter and the code's; honest programs keep their means."""

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.unit_testing.comparison import COMPARISONS
from purpcode.oracles.unit_testing.decoys import decoys
from purpcode.oracles.unit_testing.hollow import is_refused
from purpcode.oracles.unit_testing.wire import WireError, decode, encode
from purpcode.oracles.unit_tests import UnitTests
from purpcode.sandbox.zygote import ZygoteSandbox
from purpcode.types import Completion, Message, Sample

PLUS = "def f(x):\n    return x + 1\n"


@pytest.fixture(scope="module")
def oracle():
    return UnitTests(
        OracleSettings(test_timeout_s=8.0, workers=2), ZygoteSandbox(("pytest", "numpy"))
    )


def judge(oracle, target, code):
    messages = (Message(role="user", content="Write it."),)
    sample = Sample(id="s", messages=messages, oracles=("unit_tests",), target=target)
    return oracle.judge([sample], [Completion(text=f"```python\n{code}\n```")])[0]


HONEST = {
    "a builtin under another name": (
        {"tests": "assert total([1, 2]) == 3\nassert total([]) == 0", "entry_point": "total"},
        "total = sum",
    ),
    "numbers beside arrays": (
        {"tests": "import numpy as np\nassert np.allclose(f(1), 2)\nassert np.isclose(f(2), 3)"},
        PLUS,
    ),
    "an empty array where one is expected": (
        {
            "tests": "import numpy as np\nassert f(0).shape == (0, 2)\n"
            "assert np.allclose(f(0), np.zeros((0, 2)))\nassert np.all(f(2) == np.zeros((2, 2)))"
        },
        "import numpy as np\ndef f(n):\n    return np.zeros((n, 2))",
    ),
    "a class that equals plain values": (
        {"tests": "assert Pair(1, 2) == (1, 2)\nassert Pair(3, 'a') == (3, 'a')"},
        "class Pair:\n    def __init__(self, *held): self.held = held\n"
        "    def __eq__(self, other): return self.held == other\n    __hash__ = None",
    ),
    "arithmetic with plain numbers": (
        {"tests": "assert (Num(6) / 2).held == 3\nassert Num(6) - 2 == Num(4)\nassert Num(1) < 2"},
        "class Num:\n    def __init__(self, held): self.held = held\n"
        "    def __eq__(self, other): return self.held == other.held\n    __hash__ = None\n"
        "    def __truediv__(self, by): return Num(self.held / by)\n"
        "    def __sub__(self, by): return Num(self.held - by)\n"
        "    def __lt__(self, other): return self.held < other",
    ),
    "links of the tests' nodes": (
        {
            "tests": "class Node:\n    next = None\na, b = Node(), Node()\n"
            "link(a, b)\nassert a.next is b\nassert link(b, None) is None and b.next is None"
        },
        "def link(one, other):\n    one.next = other",
    ),
    "attributes of a mock": (
        {
            "pytest": "from unittest.mock import MagicMock\nfrom solution import f\n\n"
            "def test_f():\n    job = MagicMock()\n    job.get.return_value.json.return_value = 4\n"
            "    f(job)\n    assert job.state == 5\n    job.get.assert_called_once_with('/a')\n"
        },
        "def f(job):\n    job.state = job.get('/a').json() + 1",
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_program_passes(oracle, name):
    verdict = judge(oracle, *HONEST[name])
    assert verdict.passed is True, verdict


@pytest.mark.parametrize(
    "tests",
    [
        "assert not abs(f(1) - 2) > 1e-6\nassert not abs(f(2) - 3) > 1e-6",  # NaN passes
        "def never():\n    assert f(1) == 2\nassert f(1) == 2",
    ],
)
def test_tests_that_prove_too_little_judge_nobody(oracle, tests):
    assert judge(oracle, {"tests": tests}, PLUS).passed is None


def test_code_that_interrupts_its_judge_is_judged_all_the_same(oracle):
    code = "import os, signal\ndef f(x):\n    os.kill(os.getppid(), signal.SIGINT)\n    return {}"
    target = {"pytest": "from solution import f\n\ndef test_f():\n    assert f(1) == 2\n"}
    assert judge(oracle, target, code.format("x + 1")).passed is True
    assert judge(oracle, target, code.format("x")).passed is False


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(plain)
def test_no_decoy_equals_its_original_and_there_is_one(value):
    made = decoys(value)
    assert made
    assert all(one != value for one in made)


def test_values_that_would_take_the_judge_hours_are_refused():
    long = Fraction(1, 3**200_000)
    with pytest.raises(WireError, match="fraction"):
        decode(encode(long))
    colliding = [(2**61 - 1) * number for number in range(2000)]
    for form in (
        ["s", [encode(one) for one in colliding]],
        ["d", [[encode(n), 1] for n in colliding]],
    ):
        with pytest.raises(WireError, match="hash"):
            decode(json.loads(json.dumps(form)))
    assert len(decode(encode(set(range(5000))))) == 5000
    same = COMPARISONS["set"]
    assert not same([1, 2], range(10**12), (), 0.0)
    assert same([0, 1], range(2), (), 0.0)
    assert not COMPARISONS["polynomial_root"](None, 16**1_000_000, ([1.0, 2.0, 3.0],), 0.0)


def test_only_arrays_that_a_stub_passed_with_are_refused():
    assert is_refused("hollow", [0, 1])
    assert not is_refused("hollow", [0, 2])
    assert is_refused("hollow_row", [0])
    assert not any(is_refused(refused, shape) for refused in ("", "hollow") for shape in (None, []))
