import json
from pathlib import Path

import pytest

from purpcode.errors import UnavailableError
from purpcode.oracles import unit_tests
from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.unit_tests import UnitTests
from purpcode.sandbox import ExecutionResult
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.types import Completion, Message, Sample

FIXTURES = Path(__file__).parents[1] / "fixtures" / "oracles" / "unit_tests"
SETTINGS = OracleSettings(test_timeout_s=8.0, workers=2)

ASSERTS = {"tests": "assert f(1) == 2\nassert f(20) == 21", "entry_point": "f"}
CALLS = {
    "calls": [{"args": [1], "expected": 2}, {"args": [20], "expected": 21}],
    "entry_point": "f",
}
STDIO = {"inputs": ["1\n", "20\n"], "outputs": ["2\n", "21\n"]}


@pytest.fixture(scope="module")
def oracle():
    return UnitTests(SETTINGS, BubblewrapSandbox())


def pair(target, code):
    messages = (Message(role="user", content="Write it."),)
    sample = Sample(id="s", messages=messages, oracles=("unit_tests",), target=target)
    return sample, Completion(text=f"```python\n{code}\n```")


def judge_all(oracle, *pairs):
    return oracle.judge([sample for sample, _ in pairs], [completion for _, completion in pairs])


HONEST = "def f(x): return x + 1"


@pytest.mark.parametrize("target", [ASSERTS, CALLS], ids=["asserts", "calls"])
def test_honest_code_passes(oracle, target):
    (verdict,) = judge_all(oracle, pair(target, HONEST))
    assert verdict.passed is True, verdict


def test_stdin_programs_are_compared_by_what_they_print(oracle):
    good, wrong, silent, crash = judge_all(
        oracle,
        pair(STDIO, "print(int(input()) + 1)"),
        pair(STDIO, "print(2)"),
        pair(STDIO, "import os\nos._exit(0)"),
        pair(STDIO, "x = int(input()) + 1\nprint(x, flush=True)\nraise SystemExit(1)"),
    )
    assert good.passed is True
    assert [wrong.passed, silent.passed, crash.passed] == [False, False, False]


TWINS = {
    "argument changed in place": (
        "xs = [2, 1]\nf(xs)\nassert xs == [1, 2]",
        "def f(xs): xs.sort()",
    ),
    "callback": ("assert f(lambda v: v * 2, 3) == 6", "def f(g, x): return g(x)"),
    "module of the tests' own": (
        "import math\nassert math.isclose(f(), 0.1)",
        "def f(): return 0.1",
    ),
    "module never imported": ("assert math.isclose(f(), 0.1)", "def f(): return 0.1"),
    "generator": ("assert list(f()) == [1, 2]", "def f():\n    yield 1\n    yield 2"),
    "own exception": (
        "try:\n    f()\n    assert False\nexcept Bad as error:\n    assert str(error) == 'no'",
        "class Bad(ValueError): pass\ndef f(): raise Bad('no')",
    ),
    "set, tuple and counter": (
        "assert set(f()[0]) == {1, 2}\nassert f()[1] == (1,)\nassert f()[2] == {'a': 2}",
        "from collections import Counter\ndef f(): return [1, 2, 2], (1,), Counter('aa')",
    ),
    "own objects": (
        "assert f(1) == Point(1)\nassert f(1).x == 1\nassert isinstance(f(1), Point)",
        "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int\n"
        "def f(x): return Point(x)",
    ),
    "check function": (
        "def check(candidate):\n    assert candidate(1) == 2",
        "def f(x): return x + 1",
    ),
    "huge integer": ("assert f() == 7 ** 9000", "def f(): return 7 ** 9000"),
}


@pytest.mark.parametrize("name", TWINS)
def test_ordinary_tests_work_across_the_pipe(oracle, name):
    tests, code = TWINS[name]
    broken = "def f(*args): return None\nclass Bad(Exception): pass\nPoint = f"
    target = {"tests": tests, "entry_point": "f"}
    good, bad = judge_all(oracle, pair(target, code), pair(target, broken))
    assert good.passed is True, good
    assert bad.passed is False, bad


def test_names_of_the_code_never_replace_what_the_tests_rely_on(oracle):
    target = {"tests": "assert set(f()) == {1}\nassert math.isclose(f()[0], 1)", "entry_point": "f"}
    code = (
        "class Yes:\n    def __eq__(s, o): return True\ndef set(x): return Yes()\n"
        "class math:\n    isclose = lambda *a: True\ndef f(): return [5]"
    )
    (verdict,) = judge_all(oracle, pair(target, code))
    assert verdict.passed is False


def test_a_callback_does_not_open_the_tests_to_the_code(oracle):
    target = {"tests": "assert f(lambda: 0) == 'sea-lion'", "entry_point": "f"}
    code = (
        "import sys\ndef f(g):\n"
        "    peer = object.__getattribute__(g, '_peer')\n"
        "    for op, args in (('getattr', (g, '__globals__')), ('getattr', (g, '__code__')),\n"
        "                     ('call', (str.format, '{0.__globals__}', g))):\n"
        "        try:\n"
        "            text = str(peer.ask(op, *args))\n"
        "            if 'sea-lion' in text: return 'sea-lion'\n"
        "        except Exception: pass\n"
    )
    (verdict,) = judge_all(oracle, pair(target, code))
    assert verdict.passed is False


def test_tests_import_no_module_the_code_has_written(oracle):
    target = {"tests": "import colorsys\nassert f(1) == 2", "entry_point": "f"}
    code = f"open('/tmp/colorsys.py', 'w').write('import os; os._exit(0)')\n{HONEST}"
    (verdict,) = judge_all(oracle, pair(target, code))
    assert verdict.passed is True, verdict


def test_code_that_leads_the_tests_past_an_assert_fails(oracle):
    target = {"tests": "for x in f():\n    assert x > 0", "entry_point": "f"}
    good, empty = judge_all(
        oracle, pair(target, "def f(): return [1]"), pair(target, "def f(): return []")
    )
    assert (good.passed, empty.passed) == (True, False)


@pytest.mark.parametrize(
    "tests",
    [
        *(
            "",
            "assert 1 == 1",
            "f(1)",
            "assert f(1) ==",
            "import numpy_is_not_here\nassert f(1) == 2",
        ),
        "def test_f():\n    assert f(1) == 2",
    ],
)
def test_tests_that_cannot_judge_leave_the_sample_unmeasured(oracle, tests):
    (verdict,) = judge_all(oracle, pair({"tests": tests, "entry_point": "f"}, HONEST))
    assert verdict.passed is None, verdict


@pytest.mark.parametrize(
    "target",
    [
        {},
        {"calls": [{"args": [1], "expected": 2}]},
        {"calls": [], "entry_point": "f"},
        {"inputs": ["1"], "outputs": []},
        {"tests": "assert f(1) == 2", "language": "go"},
        {"calls": [{"args": [object()], "expected": 2}], "entry_point": "f"},
    ],
)
def test_a_target_that_holds_no_usable_tests_is_unmeasured(target):
    (verdict,) = judge_all(UnitTests(SETTINGS), pair(target, HONEST))
    assert verdict.passed is None
    assert verdict.error


def test_every_form_in_the_target_must_pass(oracle):
    target = ASSERTS | {"calls": [{"args": [1], "expected": 3}]}
    (verdict,) = judge_all(oracle, pair(target, HONEST))
    assert verdict.passed is False
    assert "2 instead of 3" in verdict.reason


class FlakySandbox:
    """Fails by its own fault the first `faults` times a program is run."""

    name = "flaky"

    def __init__(self, faults):
        self.faults = faults
        self.real = BubblewrapSandbox()

    def fingerprint(self):
        return "flaky"

    def run_many(self, programs, workers=0):
        if programs and self.faults:
            self.faults -= 1
            fault = ExecutionResult(status="sandbox_error", evidence={"error": "no namespaces"})
            return [fault for _ in programs]
        return self.real.run_many(programs, workers)


def test_a_sandbox_fault_is_retried_once_and_then_unmeasured():
    (once,) = judge_all(UnitTests(SETTINGS, FlakySandbox(1)), pair(ASSERTS, HONEST))
    (twice,) = judge_all(UnitTests(SETTINGS, FlakySandbox(2)), pair(ASSERTS, HONEST))
    assert once.passed is True
    assert (twice.passed, twice.error) == (None, "no namespaces")


def test_without_a_sandbox_programs_are_unmeasured_and_the_rest_is_judged(monkeypatch):
    def unavailable(name, packages=()):
        raise UnavailableError("no sandbox")

    monkeypatch.setattr("purpcode.sandbox.registry.open_sandbox", unavailable)
    oracle = UnitTests(SETTINGS)
    runs, no_code = judge_all(oracle, pair(ASSERTS, HONEST), pair(ASSERTS, ""))
    assert (runs.passed, runs.error) == (None, "no sandbox")
    assert no_code.passed is False
    with pytest.raises(UnavailableError):
        oracle.fingerprint()


def test_the_fingerprint_changes_with_what_decides_the_verdict(monkeypatch):
    sandbox = BubblewrapSandbox()
    first = UnitTests(SETTINGS, sandbox).fingerprint()
    assert UnitTests(OracleSettings(test_timeout_s=1.0), sandbox).fingerprint() != first
    monkeypatch.setattr(unit_tests, "judgement_identity", lambda: "other")
    assert UnitTests(SETTINGS, sandbox).fingerprint() != first


def test_the_settings_name_what_programs_may_import():
    named = OracleSettings(test_timeout_s=8.0, workers=1, sandbox_packages=("markdown-it-py",))
    code = "import markdown_it\ndef f(x): return x + len(markdown_it.__name__) - 10"
    oracle = UnitTests(named)
    assert oracle.sandbox.packages == ("markdown-it-py",)
    (verdict,) = judge_all(oracle, pair(ASSERTS, code))
    assert verdict.passed is True, verdict.reason
    (without,) = judge_all(UnitTests(SETTINGS), pair(ASSERTS, code))
    assert without.passed is False
    assert "markdown_it" in without.reason


def test_a_package_that_is_not_installed_is_named_before_anything_runs():
    absent = OracleSettings(sandbox_packages=("no-such-package-here",))
    with pytest.raises(UnavailableError, match=r"oracles\.sandbox_packages.*no-such-package-here"):
        UnitTests(absent)


def test_the_fingerprint_changes_with_the_packages():
    sandbox = BubblewrapSandbox()
    prints = {
        UnitTests(OracleSettings(sandbox_packages=names), sandbox).fingerprint()
        for names in (None, (), ("pytest",))
    }
    assert len(prints) == 3


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*/*.json")), ids=lambda path: path.stem)
def test_fixture_gets_the_verdict_its_folder_names(path):
    case = json.loads(path.read_text())
    oracle = UnitTests(OracleSettings(test_timeout_s=4.0), BubblewrapSandbox(("pytest",)))
    (verdict,) = oracle.judge(
        [Sample.model_validate(case["sample"])], [Completion.model_validate(case["completion"])]
    )
    assert verdict.passed is {"pass": True, "fail": False, "unmeasured": None}[path.parent.name], (
        verdict
    )
