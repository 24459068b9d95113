"""The pytest form: files collected from memory, against code in another interpreter."""

import pytest

from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.unit_tests import UnitTests
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.types import Completion, Message, Sample

SETTINGS = OracleSettings(test_timeout_s=15.0, workers=2)
IMPORT = "import pytest\nfrom solution import f\n"


@pytest.fixture(scope="module")
def oracle():
    return UnitTests(SETTINGS, BubblewrapSandbox(("pytest", "numpy")))


def judge(oracle, tests, *codes, **target):
    messages = (Message(role="user", content="Write it."),)
    target = {"pytest": tests, **target}
    sample = Sample(id="s", messages=messages, oracles=("unit_tests",), target=target)
    answers = [Completion(text=f"```python\n{code}\n```") for code in codes]
    return oracle.judge([sample] * len(codes), answers)


FILES = {
    "parameters": (
        "@pytest.mark.parametrize('x', [1, 2])\ndef test_f(x):\n    assert f(x) == x + 1",
        "def f(x): return x + 1",
        "def f(x): return 2",
    ),
    "class, fixture and approx": (
        "@pytest.fixture\ndef one():\n    return 1\nclass TestF:\n    def test_f(self, one):\n"
        "        assert f(one) == pytest.approx(0.3)",
        "def f(x): return 0.1 + 0.2",
        "def f(x): return 0.4",
    ),
    "raises with a message": (
        "def test_f():\n    with pytest.raises(ValueError, match='^no'):\n        f(-1)\n"
        "    with pytest.raises(KeyError) as caught:\n        f(0)\n"
        "    assert caught.value.args == ('key',)",
        "def f(x):\n    if x: raise ValueError('no')\n    raise KeyError('key')",
        "def f(x): raise ValueError('yes')",
    ),
    "printed text": (
        "def test_f(capsys):\n    f(1)\n    assert capsys.readouterr().out == 'one\\n'",
        "def f(x): print('one')",
        "def f(x): print('two')",
    ),
    "typed input": (
        "def test_f(monkeypatch):\n    monkeypatch.setattr('builtins.input', lambda *_: '7')\n"
        "    assert f(1) == 8",
        "def f(x): return int(input('> ')) + x",
        "def f(x): return 7",
    ),
    "files": (
        "def test_f(tmp_path):\n    (tmp_path / 'a').write_text('text')\n"
        "    assert f(tmp_path / 'a') == 4",
        "def f(path): return len(path.read_text())",
        "def f(path): return 5",
    ),
    "patched name": (
        "import solution\ndef test_f(monkeypatch):\n"
        "    monkeypatch.setattr(solution, 'now', lambda: 5)\n    assert f(1) == 6",
        "def now(): return 1\ndef f(x): return now() + x",
        "def now(): return 1\ndef f(x): return now()",
    ),
    "async": (
        "async def test_f():\n    assert await f(1) == 2",
        "async def f(x): return x + 1",
        "async def f(x): return x",
    ),
    "unittest": (
        "import unittest\nclass F(unittest.TestCase):\n    def test_f(self):\n"
        "        self.assertEqual(f(1), 2)",
        "def f(x): return x + 1",
        "def f(x): return x",
    ),
    "exit": (
        "def test_f():\n    with pytest.raises(SystemExit) as caught:\n        f(3)\n"
        "    assert caught.value.code == 3",
        "import sys\ndef f(x): sys.exit(x)",
        "import sys\ndef f(x): sys.exit(0)",
    ),
    "arrays": (
        "import numpy as np\ndef test_f():\n    got = f(np.array([1.0, 2.0]))\n"
        "    assert got.shape == (2,)\n    assert np.allclose(got, [2.0, 3.0])",
        "def f(x): return x + 1",
        "def f(x): return x",
    ),
    "branches": (
        "def test_f():\n    got = f(1)\n    if isinstance(got, list):\n        assert got == [2]\n"
        "    else:\n        assert got == 2",
        "def f(x): return x + 1",
        "def f(x): return x",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_right_code_passes_a_test_file_and_wrong_code_fails_it(oracle, name):
    tests, right, wrong = FILES[name]
    good, bad = judge(oracle, IMPORT + tests, right, wrong)
    assert good.passed is True, good
    assert bad.passed is False, bad


UNUSABLE = {
    "nothing to collect": "x = f(1)",
    "does not parse": "def test_f(:",
    "module that is not there": "import not_here_at_all\ndef test_f():\n    assert f(1) == 2",
    "fixture that is not there": "def test_f(mocker):\n    assert f(1) == 2",
    "always skipped": "@pytest.mark.skip\ndef test_f():\n    assert f(1) == 2",
    "skips itself": (
        "def test_f():\n    f(1)\n    pytest.skip('no')\ndef test_g():\n    assert f(1) == 2"
    ),
    "never calls the code": "def test_f():\n    assert 1 == 1",
    "asserts what anything does": "def test_f():\n    assert f(1) or not f(1)",
    "derives a class": "class D(f):\n    pass\ndef test_f():\n    assert D(1).x == 1",
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_file_that_cannot_judge_leaves_the_sample_unmeasured(oracle, name):
    code = "class f:\n    x = 1" if name == "derives a class" else "def f(x): return x + 1"
    (verdict,) = judge(oracle, IMPORT + UNUSABLE[name], code)
    assert verdict.passed is None, verdict


def test_tests_may_name_functions_without_importing_them(oracle):
    tests = "def test_f():\n    assert f(1) == 2\n    with pytest.raises(TypeError):\n        f()"
    good, bad = judge(oracle, tests, "def f(x): return x + 1", "def f(x=1): return x + 1")
    assert (good.passed, bad.passed) == (True, False)


def test_a_test_file_given_as_asserts_runs_under_pytest(oracle):
    sample, completion = (
        Sample(
            id="s",
            messages=(Message(role="user", content="Write it."),),
            oracles=("unit_tests",),
            target={"functional": "def test_f():\n    assert f(1) == 2"},
        ),
        Completion(text="```python\ndef f(x): return x + 1\n```"),
    )
    (verdict,) = oracle.judge([sample], [completion])
    assert verdict.passed is True
    assert "1 tests passed" in verdict.reason


def test_code_that_leads_a_test_past_its_assert_fails(oracle):
    tests = IMPORT + "def test_f():\n    for x in f(2):\n        assert x > 0"
    good, empty = judge(oracle, tests, "def f(x): return [x]", "def f(x): return []")
    assert (good.passed, empty.passed) == (True, False)


def test_without_pytest_in_the_sandbox_the_sample_is_unmeasured():
    bare = UnitTests(SETTINGS, BubblewrapSandbox())
    (verdict,) = judge(bare, IMPORT + FILES["parameters"][0], FILES["parameters"][1])
    assert verdict.passed is None
    assert "pytest" in verdict.error
