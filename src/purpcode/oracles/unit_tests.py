"""`unit_tests`: passes when the answer's code passes the sample's tests in the sandbox."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from purpcode.errors import UnavailableError
from purpcode.oracles.oracle import digest
from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.unit_testing.answer_code import NoCodeError, python_code
from purpcode.oracles.unit_testing.forms import (
    BadTargetError,
    Grade,
    Plan,
    plans_for,
    read_target,
)
from purpcode.sandbox.execution import ExecutionResult, Program, Sandbox
from purpcode.types import Completion, Sample, Verdict

JUDGEMENT_VERSION = 2
"""Raised whenever the same code and tests could get another verdict than before."""

_EVIDENCE_CHARS = 2000


@dataclass(frozen=True)
class _Case:
    plans: tuple[Plan, ...]
    first: int
    """Index of its first program in the batch."""


class UnitTests:
    """Runs an answer's Python code against `Sample.target`, in the sandbox.

    The target holds `tests` (assert statements, with an optional `entry_point`), `calls`
    (`[{"args", "kwargs", "expected"}]` with an `entry_point`) or `inputs` and `outputs` (texts for
    standard input and output). An answer without code, or whose code does not parse, fails; a
    target without tests, tests at fault, and a sandbox that fails twice are unmeasured.
    """

    name = "unit_tests"

    def __init__(self, settings: OracleSettings, sandbox: Sandbox | None = None) -> None:
        self.settings = settings
        self._sandbox = sandbox

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox, opened on first use.

        Raises:
            UnavailableError: when no sandbox holds against its probes.
        """
        if self._sandbox is None:
            from purpcode.sandbox.registry import open_sandbox

            self._sandbox = open_sandbox(self.settings.sandbox)
        return self._sandbox

    def fingerprint(self) -> str:
        """Judgement version, limits and sandbox. Raises `UnavailableError` without a sandbox."""
        limits = (self.settings.test_timeout_s, self.settings.test_memory_mb)
        return digest(self.name, JUDGEMENT_VERSION, *limits, self.sandbox.fingerprint())

    def judge(self, samples: Sequence[Sample], completions: Sequence[Completion]) -> list[Verdict]:
        """One verdict per pair; all programs of the batch run side by side."""
        programs: list[Program] = []
        cases = [
            self._prepare(sample, completion, programs)
            for sample, completion in zip(samples, completions, strict=True)
        ]
        try:
            results = self._run(programs)
        except UnavailableError as error:
            return [
                Verdict.unmeasured(self.name, error.message) if isinstance(case, _Case) else case
                for case in cases
            ]
        return [self._grade(case, results) if isinstance(case, _Case) else case for case in cases]

    def _prepare(
        self, sample: Sample, completion: Completion, programs: list[Program]
    ) -> _Case | Verdict:
        try:
            target = read_target(sample.target)
            read_code = functools.partial(python_code, completion.text, target.entry_point)
            plans = tuple(plans_for(target, read_code, self.settings))
        except BadTargetError as error:
            return Verdict.unmeasured(self.name, str(error))
        except NoCodeError as error:
            return Verdict.failed(self.name, str(error))
        case = _Case(plans, first=len(programs))
        for plan in plans:
            programs += plan.programs
        return case

    def _run(self, programs: Sequence[Program]) -> list[ExecutionResult]:
        """Run everything; what failed by the sandbox's own fault gets one more try."""
        if not programs:
            return []
        results = self.sandbox.run_many(programs, self.settings.workers)
        again = [row for row, result in enumerate(results) if result.status == "sandbox_error"]
        retried = self.sandbox.run_many([programs[row] for row in again], self.settings.workers)
        for row, result in zip(again, retried, strict=True):
            results[row] = result
        return results

    def _grade(self, case: _Case, results: Sequence[ExecutionResult]) -> Verdict:
        grades: list[Grade] = []
        ran: list[ExecutionResult] = []
        for plan in case.plans:
            start = case.first + len(ran)
            own = results[start : start + len(plan.programs)]
            grades.append(plan.grade(own))
            ran += own
        verdict = next((grade for grade in grades if grade.passed is False), None)
        verdict = verdict or next((grade for grade in grades if grade.passed is None), grades[0])
        seconds = sum(result.seconds for result in ran)
        if verdict.passed is None:
            return Verdict.unmeasured(self.name, verdict.reason, seconds=seconds)
        make = Verdict.ok if verdict.passed else Verdict.failed
        evidence = {"programs": len(ran), "backend": self.sandbox.name}
        return make(self.name, verdict.reason[:_EVIDENCE_CHARS], seconds=seconds, evidence=evidence)
