"""The forms of tests a target can hold, each as trials of a piece of code."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from purpcode.oracles.oracle import digest
from purpcode.oracles.unit_testing.calls_form import CallsForm, ReferenceForm
from purpcode.oracles.unit_testing.grading import (
    Grade,
    Limits,
    Trial,
    driver,
    new_nonce,
    reports,
    shown,
    stopped,
)
from purpcode.oracles.unit_testing.printed import outputs_match
from purpcode.oracles.unit_testing.target import BadTargetError, TestTarget
from purpcode.sandbox.execution import ExecutionResult, Program


@dataclass(frozen=True)
class Footing:
    """What is known of a form before any answer is tried: from the negative control and from the
    reference. `fault` says why it can judge nobody."""

    fault: str | None = None
    keep_arguments: bool = False
    refused_arrays: str = ""
    """Which arrays without items these tests would take for any, see `hollow.is_refused`."""
    reference_s: float | None = None
    values: tuple[Any, ...] | None = None
    """JSON forms of the reference's values."""


class Form(Protocol):
    """One way of testing, with the tests of one target."""

    @property
    def key(self) -> str:
        """Identity of the tests."""
        ...

    @property
    def whole_program(self) -> bool:
        """Whether an answer's code runs as a program, instead of being called."""
        ...

    def control(self, limits: Limits) -> Trial | None:
        """The negative control: its grade's `found` may hold a `fault` and `keep_arguments`."""
        ...

    def measure(self, reference: str, limits: Limits, footing: Footing) -> Trial:
        """The reference's run; its grade must be passed, `found` may hold `values`."""
        ...

    def trial(self, code: str, limits: Limits, footing: Footing) -> Trial:
        """The trial of an answer's code."""
        ...


def forms_of(target: TestTarget) -> list[Form]:
    """The forms in a target, which must all pass; raises `BadTargetError` for unusable values."""
    forms: list[Form] = []
    for name, text in (("run_tests", target.tests), ("run_pytest", target.pytest)):
        if text is not None:
            forms.append(TestsForm(name, text, target.entry_point, target.module))
    if target.calls is not None and target.entry_point:
        forms.append(CallsForm.of(target))
    if target.arguments and target.entry_point:
        forms.append(ReferenceForm.of(target))
    if target.inputs is not None and target.outputs is not None:
        forms.append(PrintedForm.of(target))
    return forms


@dataclass(frozen=True)
class TestsForm:
    """Assert statements, or a pytest file: tests that call the code."""

    __test__ = False

    driver_name: str
    tests: str
    entry_point: str | None
    module: str
    whole_program = False

    @property
    def key(self) -> str:
        """Identity of the tests."""
        return digest(self.driver_name, self.tests, self.entry_point, self.module)

    def control(self, limits: Limits) -> Trial:
        """The tests against stubs: some tests they must fail."""
        nonce = new_nonce()
        request = self._request(nonce, "", control=True, stub_s=limits.timeout_s / 5)
        grade = functools.partial(_grade_control, nonce)
        return Trial(f"control/{self.key}", (driver(self.driver_name, request, limits),), grade)

    def measure(self, reference: str, limits: Limits, footing: Footing) -> Trial:
        """The reference is tried as an answer is."""
        return self.trial(reference, limits, footing)

    def trial(self, code: str, limits: Limits, footing: Footing) -> Trial:
        """The tests against an answer's code."""
        nonce = new_nonce()
        known = {
            "keep_arguments": footing.keep_arguments,
            "refused_arrays": footing.refused_arrays,
        }
        request = self._request(nonce, code, **known)
        program = driver(self.driver_name, request, limits)
        grade = functools.partial(_grade_tests, nonce)
        key = digest(self.key, code, *known.values())
        return Trial(key, (program,), grade, footing.reference_s)

    def _request(self, nonce: str, code: str, **more: Any) -> dict[str, Any]:
        named = {"entry_point": self.entry_point, "module": self.module}
        return {"nonce": nonce, "code": code, "tests": self.tests, **named, **more}


def _grade_tests(nonce: str, results: Sequence[ExecutionResult]) -> Grade:
    ended = stopped(results[0])
    if ended is not None:
        return ended
    said = reports(results[0].stdout, nonce)
    if len(said) != 1:
        return Grade(False, "the program ended before its tests did")
    outcome, reason = said[0].get("outcome"), str(said[0].get("reason"))
    return Grade({"passed": True, "failed": False}.get(str(outcome)), reason)


def _grade_control(nonce: str, results: Sequence[ExecutionResult]) -> Grade:
    """Passed when the tests can judge. Only tests that need their arguments kept say so."""
    ended = stopped(results[0])
    said = reports(results[0].stdout, nonce)
    if ended is not None and ended.passed is None:
        return Grade(None, ended.reason, {"sandbox_fault": True})
    if ended is not None or len(said) != 1:
        return Grade(True, "the tests do not end on code that does nothing")
    outcomes = {name: report.get("outcome") for name, report in said[0].items()}
    # Tests that lack a module or do not parse are at fault with every stub.
    faults = [str(report.get("reason")) for report in said[0].values()]
    if set(outcomes.values()) == {"invalid"}:
        return Grade(None, faults[0])
    idle = [name for name in ("none", "anything", "empty", "nan") if outcomes.get(name) == "passed"]
    if idle:
        return Grade(None, "the tests prove nothing: code that does nothing passes them")
    found = {
        "keep_arguments": outcomes.get("emptied") == "passed",
        "refused_arrays": next(
            (name for name in ("hollow_row", "hollow") if outcomes.get(name) == "passed"), ""
        ),
    }
    return Grade(True, "", found)


@dataclass(frozen=True)
class PrintedForm:
    """Texts for standard input, and what must be printed."""

    language: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    whole_program = True

    @classmethod
    def of(cls, target: TestTarget) -> PrintedForm:
        """Raises `BadTargetError` where printing nothing would do."""
        inputs, outputs = map(_text, target.inputs or ()), map(_text, target.outputs or ())
        form = cls(target.language, tuple(inputs), tuple(outputs))
        if not any(output.strip() for output in form.outputs):
            raise BadTargetError("target.outputs: printing nothing would pass")
        return form

    @property
    def key(self) -> str:
        """Identity of the tests."""
        return digest("printed", self.language, self.inputs, self.outputs)

    def control(self, limits: Limits) -> None:
        """No program is needed to know that some output is expected."""

    def measure(self, reference: str, limits: Limits, footing: Footing) -> Trial:
        """The reference is tried as an answer is."""
        return self.trial(reference, limits, footing)

    def trial(self, code: str, limits: Limits, footing: Footing) -> Trial:
        """One program for each input."""
        programs = tuple(
            Program(
                code=code,
                language=self.language,
                stdin=text,
                timeout_s=limits.timeout_s,
                memory_mb=limits.memory_mb,
            )
            for text in self.inputs
        )
        return Trial(digest(self.key, code), programs, self._grade, footing.reference_s)

    def _grade(self, results: Sequence[ExecutionResult]) -> Grade:
        unmeasured = None
        for index, result in enumerate(results):
            grade = self._grade_one(index, result)
            if grade is not None and grade.passed is False:
                return grade
            unmeasured = unmeasured or grade
        return unmeasured or Grade(True, f"{len(results)} inputs gave the expected output")

    def _grade_one(self, index: int, result: ExecutionResult) -> Grade | None:
        """What is wrong with one output; None for a right one."""
        name, wanted = f"input {index + 1} of {len(self.outputs)}", self.outputs[index]
        ended = stopped(result)
        if ended is not None:
            return Grade(ended.passed, f"{name}: {ended.reason}")
        if result.status == "failed":
            if result.evidence.get("step") == "compile":
                said = next((s for s in result.stderr.splitlines() if "error" in s), "")
                return Grade(False, f"the code does not compile: {said[:200]}")
            last = result.stderr.strip().rsplit("\n", 1)[-1][:200]
            return Grade(False, f"{name}: exit code {result.evidence.get('returncode')}: {last}")
        if not outputs_match(wanted, result.stdout):
            return Grade(False, f"{name}: printed {shown(result.stdout)}, not {shown(wanted)}")
        return None


def _text(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "\n".join(lines)
