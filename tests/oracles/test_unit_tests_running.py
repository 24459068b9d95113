"""What runs how often, what is tried again, and what identifies the judgement."""

import pytest

from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.unit_testing.grading import Grade, Trial
from purpcode.oracles.unit_testing.running import Runner
from purpcode.oracles.unit_tests import UnitTests
from purpcode.sandbox import ExecutionResult
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.sandbox.execution import Program
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


# --- running ---


class CountingSandbox:
    """Counts programs; `late` gives the status of the first try of each."""

    name = "counting"

    def __init__(self, late=()):
        self.late = list(late)
        self.ran = []

    def fingerprint(self):
        return "counting"

    def run(self, program):
        return ExecutionResult(status="passed", seconds=0.1)

    def run_many(self, programs, workers=0):
        self.ran += [(program.code, program.timeout_s, workers) for program in programs]
        return [
            ExecutionResult(status=self.late.pop(0) if self.late else "passed") for _ in programs
        ]


def trial(key, *codes, reference_s=None):
    programs = tuple(Program(code=code) for code in codes)

    def grade(results):
        return Grade(all(one.status == "passed" for one in results), str(len(results)))

    return Trial(key, programs, grade, reference_s)


def test_the_same_code_and_tests_run_once():
    sandbox = CountingSandbox()
    found = Runner(sandbox, 4).run([trial("a", "1"), trial("a", "1"), trial("b", "1", "2")])
    assert sorted(code for code, *_ in sandbox.ran) == ["1", "2"]
    assert {key: one.grade.passed for key, one in found.items()} == {"a": True, "b": True}


def test_an_oracle_remembers_what_it_judged(oracle, monkeypatch):
    target = {"tests": "assert f(30) == 31", "entry_point": "f"}
    first = judge(oracle, target, RIGHT, WRONG)
    monkeypatch.setattr(oracle.sandbox, "run_many", lambda *_: pytest.fail("ran again"))
    again = judge(oracle, target, WRONG, RIGHT)
    assert [one.passed for one in again] == [one.passed for one in reversed(first)]


def test_a_failed_first_input_spares_the_rest():
    sandbox = CountingSandbox(["failed", "passed"])
    found = Runner(sandbox, 2).run([trial("a", *"12345")])
    assert len(sandbox.ran) == 2
    assert found["a"].grade.passed is False


def test_a_timeout_beside_others_is_tried_again_with_less_beside_it():
    sandbox = CountingSandbox(["timeout"])
    found = Runner(sandbox, 8).run([trial("a", "1"), trial("b", "2")])
    assert [(code, workers) for code, _, workers in sandbox.ran] == [("1", 8), ("2", 8), ("1", 2)]
    assert found["a"].grade.passed is True
    assert found["a"].retried == 1


def test_a_program_far_slower_than_the_reference_is_not_tried_again():
    sandbox = CountingSandbox(["timeout"])
    found = Runner(sandbox, 8).run([trial("a", "1", reference_s=0.1), trial("b", "2")])
    assert len(sandbox.ran) == 2
    assert found["a"].grade.passed is False


def test_a_missing_tool_is_not_tried_again():
    class Toolless(CountingSandbox):
        def run_many(self, programs, workers=0):
            self.ran += programs
            evidence = {"error": "g++ is missing", "missing_tool": "g++"}
            return [ExecutionResult(status="sandbox_error", evidence=evidence) for _ in programs]

    sandbox = Toolless()
    oracle = UnitTests(SETTINGS, sandbox)
    target = {"inputs": ["1"], "outputs": ["2"], "language": "cpp"}
    (verdict,) = judge(oracle, target, "int main() {}", language="cpp")
    assert verdict.passed is None
    assert "g++ is missing" in verdict.error
    assert len(sandbox.ran) == 1
