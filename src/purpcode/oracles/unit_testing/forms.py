"""The forms of tests a target can hold, as sandbox programs and a grader of their output."""

from __future__ import annotations

import functools
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.unit_testing.comparison import outputs_match, values_match
from purpcode.oracles.unit_testing.wire import WireError, decode, encode
from purpcode.sandbox.execution import ExecutionResult, Program

_SHOWN_CHARS = 200


class BadTargetError(Exception):
    """A target that cannot judge any code, and why."""


class Call(BaseModel):
    """One input of the data oracle and the value it must give."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    expected: Any


class TestTarget(BaseModel):
    """What `unit_tests` reads of `Sample.target`; every form present must pass."""

    __test__ = False  # not a test case, whatever its name says to pytest

    model_config = ConfigDict(frozen=True, extra="ignore")

    language: str = "python"
    entry_point: str | None = None
    tests: str | None = None
    calls: list[Call] | None = Field(None, min_length=1)
    inputs: list[str | list[str]] | None = Field(None, min_length=1)
    outputs: list[str | list[str]] | None = None

    @model_validator(mode="after")
    def _complete(self) -> TestTarget:
        if self.language != "python":
            raise ValueError(f"no sandboxed interpreter for {self.language}")
        if self.tests is None and self.calls is None and self.inputs is None:
            raise ValueError("the target has no 'tests', 'calls' or 'inputs'")
        if self.calls is not None and not self.entry_point:
            raise ValueError("'calls' need an 'entry_point'")
        if self.inputs is not None and len(self.inputs) != len(self.outputs or []):
            raise ValueError("'inputs' and 'outputs' differ in number")
        return self


@dataclass(frozen=True)
class Grade:
    """What the results say: passed, failed, or None for what could not be measured."""

    passed: bool | None
    reason: str


@dataclass(frozen=True)
class Plan:
    """Programs to run for one answer, and how to read their results (given in their order)."""

    programs: tuple[Program, ...]
    grade: Callable[[Sequence[ExecutionResult]], Grade]


def read_target(target: dict[str, Any]) -> TestTarget:
    """The target's tests; raises `BadTargetError` naming what is missing or wrong."""
    try:
        return TestTarget.model_validate(target)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise BadTargetError(f"target.{place}: {message}" if place else message) from None


def plans_for(
    target: TestTarget, code: Callable[[bool], str], settings: OracleSettings
) -> list[Plan]:
    """One plan per form in the target; `code(whole_program)` gives the answer's code.

    Raises `BadTargetError` for values that cannot be handed to a program.
    """
    plans = []
    if target.tests is not None:
        plans.append(_tests_plan(target.tests, target.entry_point, code(False), settings))
    if target.calls is not None and target.entry_point:
        plans.append(_calls_plan(target.calls, target.entry_point, code(False), settings))
    if target.inputs is not None and target.outputs is not None:
        plans.append(_stdio_plan(target.inputs, target.outputs, code(True), settings))
    return plans


def _tests_plan(tests: str, entry_point: str | None, code: str, settings: OracleSettings) -> Plan:
    nonce = secrets.token_hex(16)
    request = {"nonce": nonce, "code": code, "tests": tests, "entry_point": entry_point}
    program = _driver("run_tests", request, settings)
    return Plan((program,), functools.partial(_grade_tests, nonce))


def _grade_tests(nonce: str, results: Sequence[ExecutionResult]) -> Grade:
    stopped = _stopped(results[0])
    if stopped is not None:
        return stopped
    reports = _reports(results[0].stdout, nonce)
    if len(reports) != 1:
        return Grade(False, "the program ended before its tests did")
    outcome, reason = reports[0].get("outcome"), str(reports[0].get("reason"))
    return Grade({"passed": True, "failed": False}.get(str(outcome)), reason)


def _calls_plan(
    calls: Sequence[Call], entry_point: str, code: str, settings: OracleSettings
) -> Plan:
    nonce = secrets.token_hex(16)
    try:
        forms = [encode((tuple(call.args), call.kwargs)) for call in calls]
        for call in calls:
            encode(call.expected)
    except WireError as error:
        raise BadTargetError(f"target.calls: {error}") from None
    request = {"nonce": nonce, "code": code, "entry_point": entry_point, "calls": forms}
    program = _driver("run_calls", request, settings)
    return Plan((program,), functools.partial(_grade_calls, nonce, entry_point, calls))


def _grade_calls(
    nonce: str, entry_point: str, calls: Sequence[Call], results: Sequence[ExecutionResult]
) -> Grade:
    stopped = _stopped(results[0])
    if stopped is not None:
        return stopped
    reports = _reports(results[0].stdout, nonce)
    for index, call in enumerate(calls):
        name = f"call {index + 1} of {len(calls)} to {entry_point}"
        if index >= len(reports):
            return Grade(False, f"the program ended before {name}")
        report = reports[index]
        if report.get("index") != index or "value" not in report:
            return Grade(False, f"{name}: {str(report.get('error'))[:_SHOWN_CHARS]}")
        try:
            value = decode(report["value"])
        except WireError as error:
            return Grade(False, f"{name}: {error}")
        if not values_match(call.expected, value):
            return Grade(False, f"{name}: {_shown(value)} instead of {_shown(call.expected)}")
    if len(reports) > len(calls):
        return Grade(False, "the program reported more values than it was asked for")
    return Grade(True, f"{len(calls)} calls gave the expected values")


def _stdio_plan(
    inputs: Sequence[str | list[str]],
    outputs: Sequence[str | list[str]],
    code: str,
    settings: OracleSettings,
) -> Plan:
    programs = tuple(
        Program(
            code=code,
            stdin=_text(item),
            timeout_s=settings.test_timeout_s,
            memory_mb=settings.test_memory_mb,
        )
        for item in inputs
    )
    return Plan(programs, functools.partial(_grade_stdio, [_text(item) for item in outputs]))


def _grade_stdio(outputs: Sequence[str], results: Sequence[ExecutionResult]) -> Grade:
    unmeasured = None
    for index, (wanted, result) in enumerate(zip(outputs, results, strict=True), start=1):
        name = f"input {index} of {len(outputs)}"
        stopped = _stopped(result)
        if stopped is not None:
            if stopped.passed is False:
                return Grade(False, f"{name}: {stopped.reason}")
            unmeasured = unmeasured or Grade(None, f"{name}: {stopped.reason}")
        elif result.status == "failed":
            last = result.stderr.strip().rsplit("\n", 1)[-1][:_SHOWN_CHARS]
            return Grade(False, f"{name}: exit code {result.evidence.get('returncode')}: {last}")
        elif not outputs_match(wanted, result.stdout):
            return Grade(False, f"{name}: printed {_shown(result.stdout)}, not {_shown(wanted)}")
    return unmeasured or Grade(True, f"{len(outputs)} inputs gave the expected output")


def _stopped(result: ExecutionResult) -> Grade | None:
    """The grade of a program that was stopped from outside, None for one that ended by itself."""
    if result.status == "sandbox_error":
        return Grade(None, str(result.evidence.get("error") or "the sandbox failed"))
    reasons = {
        "timeout": "ran past its deadline",
        "oom": "needed more memory than it may",
        "output_limit": "printed more than it may",
    }
    return Grade(False, reasons[result.status]) if result.status in reasons else None


def _driver(name: str, request: dict[str, Any], settings: OracleSettings) -> Program:
    return Program(
        code=_source(name),
        files={
            f"purpcode/oracles/unit_testing/{part}.py": _source(part) for part in ("wire", "peer")
        },
        stdin=json.dumps(request),
        timeout_s=settings.test_timeout_s,
        memory_mb=settings.test_memory_mb,
    )


@functools.cache
def _source(name: str) -> str:
    return (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")


def _reports(stdout: str, nonce: str) -> list[dict[str, Any]]:
    """What a driver said under its nonce. Hostile text: anything unreadable counts as empty."""
    found: list[dict[str, Any]] = []
    for line in stdout.split("\n"):
        if line.startswith(nonce + " "):
            try:
                report = json.loads(line.removeprefix(nonce))
            except (ValueError, RecursionError):
                report = None
            found.append(report if isinstance(report, dict) else {})
    return found


def _text(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "\n".join(lines)


def _shown(value: Any) -> str:
    try:
        return repr(value)[:_SHOWN_CHARS]
    except (ValueError, RecursionError):  # an int too long to print
        return f"a {type(value).__name__}"
