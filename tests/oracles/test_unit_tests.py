import contextlib
import json
import math
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.errors import UnavailableError
from purpcode.oracles import unit_tests
from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.unit_testing.answer_code import NoCodeError, python_code
from purpcode.oracles.unit_testing.comparison import outputs_match, values_match
from purpcode.oracles.unit_testing.wire import WireError, decode, encode
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


CHEATS = {
    "os._exit at import": "import os\nos._exit(0)",
    "sys.exit at import": "import sys\nsys.exit(0)",
    "os._exit in the function": "import os\ndef f(x): os._exit(0)",
    "sys.exit in the function": "import sys\ndef f(x): sys.exit(0)",
    "os._exit at exit": "import atexit, os\natexit.register(os._exit, 0)\ndef f(x): return 0",
    "equal to everything": (
        "class Any:\n    def __eq__(self, other): return True\n"
        "    def __ne__(self, other): return False\n    def __sub__(self, other): return 0\n"
        "def f(x): return Any()"
    ),
    "int subclass equal to everything": (
        "class Any(int):\n    def __eq__(self, other): return True\n"
        "    def __ne__(self, other): return False\n    def __hash__(self): return 0\n"
        "def f(x): return Any(7)"
    ),
    "class as function": (
        "class f:\n    def __init__(self, x): pass\n    def __eq__(self, other): return True"
    ),
    "printed success": (
        "import os\nprint('passed', flush=True)\n"
        'os.write(1, b\'{"outcome": "passed", "index": 0, "value": ["i", "2"]}\\n\')\nos._exit(0)'
    ),
    "patched builtins": (
        "import builtins, operator\n"
        "class Yes:\n    def __call__(self, *a): return True\n"
        "operator.eq = builtins.all = builtins.isinstance = Yes()\ndef f(x): return 0"
    ),
    "AssertionError made harmless": (
        "import builtins\nbuiltins.AssertionError = StopIteration\ndef f(x): return 0"
    ),
    "ends in another thread": (
        "import os, threading\nthreading.Timer(0.2, os._exit, [0]).start()\n"
        "import time\ndef f(x): time.sleep(5)"
    ),
    "kills the other processes": (
        "import os, signal\nfor p in os.listdir('/proc'):\n"
        "    if p.isdigit() and int(p) not in (1, os.getpid()):\n"
        "        try: os.kill(int(p), signal.SIGKILL)\n        except OSError: pass\n"
        "def f(x): return 0"
    ),
    "plants modules for the tests to import": (
        "for m in ('math', 'ast', 'json', 'decimal', 'random'):\n"
        "    open(f'/tmp/{m}.py', 'w').write('import os; os._exit(0)')\n"
        "def f(x): return 0"
    ),
    "looks the value up in its frames": (
        "import sys\ndef f(x):\n    frame = sys._getframe()\n    seen = []\n    while frame:\n"
        "        seen += [v for s in (frame.f_locals, frame.f_globals) for v in list(s.values())]\n"
        "        frame = frame.f_back\n"
        "    for v in seen:\n"
        "        if isinstance(v, str) and 'assert f(' in v:\n"
        "            return int(v.split(f'f({x}) == ')[1].split()[0])\n"
        "        if isinstance(v, dict) and 'expected' in v: return v['expected']\n"
        "    return None"
    ),
    "looks the tests up in memory and files": (
        "import gc, glob, re\ndef f(x):\n"
        "    texts = [o for o in gc.get_objects() if isinstance(o, str)]\n"
        "    for path in glob.glob('/tmp/**', recursive=True) + glob.glob('/proc/[0-9]*/fd/0'):\n"
        "        try: texts.append(open(path).read())\n        except Exception: pass\n"
        "    for path in glob.glob('/proc/[0-9]*/mem'):\n"
        "        if path.split('/')[2] == str(__import__('os').getpid()): continue\n"
        "        try:\n            m = open(path, 'rb', 0)\n"
        "            for line in open(path.replace('mem', 'maps')):\n"
        "                a, b = (int(v, 16) for v in line.split()[0].split('-'))\n"
        "                m.seek(a); texts.append(m.read(b - a).decode('latin1'))\n"
        "        except Exception: pass\n"
        "    for t in texts:\n"
        "        for v in re.findall(rf'assert f\\({x}\\) == (\\d+)', t): return int(v)\n"
        "    return None"
    ),
}
HONEST = "def f(x): return x + 1"


@pytest.mark.parametrize("target", [ASSERTS, CALLS], ids=["asserts", "calls"])
def test_honest_code_passes(oracle, target):
    (verdict,) = judge_all(oracle, pair(target, HONEST))
    assert verdict.passed is True, verdict


@pytest.mark.parametrize("target", [ASSERTS, CALLS], ids=["asserts", "calls"])
@pytest.mark.parametrize("cheat", CHEATS)
def test_cheat_fails(oracle, target, cheat):
    (verdict,) = judge_all(oracle, pair(target, CHEATS[cheat]))
    assert verdict.passed is False, verdict


@pytest.mark.parametrize(
    "name",
    ["os._exit at exit", "AssertionError made harmless", "plants modules for the tests to import"],
)
def test_honest_twin_of_a_suspicious_program_passes(oracle, name):
    honest = CHEATS[name].replace("def f(x): return 0", HONEST)
    (verdict,) = judge_all(oracle, pair(ASSERTS, honest))
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
    def unavailable(name):
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
    monkeypatch.setattr(unit_tests, "JUDGEMENT_VERSION", 99)
    assert UnitTests(SETTINGS, sandbox).fingerprint() != first


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*/*.json")), ids=lambda path: path.stem)
def test_fixture_gets_the_verdict_its_folder_names(path):
    case = json.loads(path.read_text())
    oracle = UnitTests(OracleSettings(test_timeout_s=3.0), BubblewrapSandbox())
    (verdict,) = oracle.judge(
        [Sample.model_validate(case["sample"])], [Completion.model_validate(case["completion"])]
    )
    assert verdict.passed is {"pass": True, "fail": False, "unmeasured": None}[path.parent.name], (
        verdict
    )


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
        ("3", "3.0", False),
        ("1 2", "1\n2", False),
        ("", "\n", True),
        ("a", "", False),
    ],
)
def test_printed_text_is_compared_by_line_and_number(expected, actual, same):
    assert outputs_match(expected, actual) is same
