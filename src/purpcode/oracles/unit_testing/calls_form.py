"""The data oracle: the sandbox gets code and arguments alone, values are compared out here."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from purpcode.oracles.oracle import digest
from purpcode.oracles.unit_testing.comparison import COMPARISONS
from purpcode.oracles.unit_testing.grading import (
    SHOWN_CHARS,
    Grade,
    Limits,
    Trial,
    driver,
    new_nonce,
    reports,
    shown,
    stopped,
)
from purpcode.oracles.unit_testing.target import BadTargetError, TestTarget
from purpcode.oracles.unit_testing.wire import WireError, decode, encode
from purpcode.sandbox.execution import ExecutionResult, Program

if TYPE_CHECKING:
    from purpcode.oracles.unit_testing.forms import Footing


@dataclass(frozen=True)
class ExpectedCall:
    """The JSON form of one call's arguments, and the values that are right."""

    arguments: Any
    values: tuple[Any, ...]


@dataclass(frozen=True)
class CallsForm:
    """Calls and the values they must give."""

    entry_point: str
    calls: tuple[ExpectedCall, ...]
    comparison: str
    atol: float
    whole_program = False

    @classmethod
    def of(cls, target: TestTarget) -> CallsForm:
        """Raises `BadTargetError` for values that cannot travel, or that doing nothing gives."""
        try:
            calls = tuple(
                ExpectedCall(encode((tuple(call.args), call.kwargs)), _right_values(call))
                for call in target.calls or ()
            )
            for call in calls:
                encode(list(call.values))
        except WireError as error:
            raise BadTargetError(f"target.calls: {error}") from None
        if all(call.values == (None,) for call in calls):
            raise BadTargetError("target.calls: code that does nothing would pass")
        return cls(target.entry_point or "", calls, target.comparison, target.atol)

    @property
    def key(self) -> str:
        """Identity of the calls."""
        values = [encode(list(call.values)) for call in self.calls]
        arguments = [call.arguments for call in self.calls]
        return digest("calls", self.entry_point, arguments, values, self.comparison, self.atol)

    def control(self, limits: Limits) -> None:
        """No program is needed: expected values other than None are what the control looks for."""

    def measure(self, reference: str, limits: Limits, footing: Footing) -> Trial:
        """The reference is tried as an answer is."""
        return self.trial(reference, limits, footing)

    def trial(self, code: str, limits: Limits, footing: Footing) -> Trial:
        """All calls in one program."""
        nonce = new_nonce()
        grade = functools.partial(self._grade, nonce)
        program = self.program(nonce, code, limits)
        return Trial(digest(self.key, code), (program,), grade, footing.reference_s)

    def program(self, nonce: str, code: str, limits: Limits) -> Program:
        """A program that calls the entry point with each of the arguments."""
        request = {
            "nonce": nonce,
            "code": code,
            "entry_point": self.entry_point,
            "calls": [call.arguments for call in self.calls],
            "only_whether": self.comparison == "not_none",
        }
        return driver("run_calls", request, limits)

    def _grade(self, nonce: str, results: Sequence[ExecutionResult]) -> Grade:
        ended = stopped(results[0])
        if ended is not None:
            return ended
        said = reports(results[0].stdout, nonce)
        for index, call in enumerate(self.calls):
            name = f"call {index + 1} of {len(self.calls)} to {self.entry_point}"
            if index >= len(said):
                return Grade(False, f"the program ended before {name}")
            problem = self._problem(call, index, said[index])
            if problem:
                return Grade(False, f"{name}: {problem}")
        if len(said) > len(self.calls):
            return Grade(False, "the program reported more values than it was asked for")
        return Grade(True, f"{len(self.calls)} calls gave the expected values")

    def _problem(self, call: ExpectedCall, index: int, report: dict[str, Any]) -> str | None:
        """What is wrong with one reported value; None for a right one."""
        if report.get("index") != index or "value" not in report:
            return str(report.get("error"))[:SHOWN_CHARS]
        try:
            value = decode(report["value"])
        except WireError as error:
            return str(error)
        args = decode(call.arguments)[0]
        compare = COMPARISONS[self.comparison]
        if any(compare(right, value, args, self.atol) for right in call.values):
            return None
        return f"{shown(value)} instead of {shown(call.values[0])}"


@dataclass(frozen=True)
class ReferenceForm:
    """Arguments whose right values are what the reference gives for them."""

    calls: CallsForm

    whole_program = False

    @classmethod
    def of(cls, target: TestTarget) -> ReferenceForm:
        """Raises `BadTargetError` for arguments that cannot travel."""
        try:
            calls = tuple(ExpectedCall(encode((tuple(args), {})), ()) for args in target.arguments)
        except WireError as error:
            raise BadTargetError(f"target.base_input: {error}") from None
        return cls(CallsForm(target.entry_point or "", calls, target.comparison, target.atol))

    @property
    def key(self) -> str:
        """Identity of the arguments; the reference is part of what they are prepared with."""
        return digest("reference", self.calls.key)

    def control(self, limits: Limits) -> None:
        """The reference's own values show whether doing nothing would pass."""

    def measure(
        self,
        reference: str,
        limits: Limits,
        footing: Footing,  # noqa: ARG002 (it is what this run will tell)
    ) -> Trial:
        """The reference on all arguments; `found` holds the values it gives."""
        nonce = new_nonce()
        program = self.calls.program(nonce, reference, limits)
        grade = functools.partial(self._grade_reference, nonce)
        return Trial(digest(self.key, reference, "values"), (program,), grade)

    def trial(self, code: str, limits: Limits, footing: Footing) -> Trial:
        """An answer's code on the same arguments, compared with what the reference gave."""
        values = footing.values or ()
        calls = tuple(
            replace(call, values=(decode(value),))
            for call, value in zip(self.calls.calls, values, strict=True)
        )
        return replace(self.calls, calls=calls).trial(code, limits, footing)

    def _grade_reference(self, nonce: str, results: Sequence[ExecutionResult]) -> Grade:
        ended = stopped(results[0])
        if ended is not None:
            return ended
        return _reference_values(reports(results[0].stdout, nonce), len(self.calls.calls))


def _reference_values(said: Sequence[dict[str, Any]], count: int) -> Grade:
    for index in range(count):
        report = said[index] if index < len(said) else {}
        if "value" not in report:
            why = str(report.get("error") or "it ended")[:SHOWN_CHARS]
            return Grade(False, f"call {index + 1} of {count}: {why}")
    values = tuple(report["value"] for report in said[:count])
    if all(value is None for value in values):
        return Grade(False, "it gives None for every call, as code that does nothing would")
    return Grade(True, "", {"values": values})


def _right_values(call: Any) -> tuple[Any, ...]:
    unwrapped = isinstance(call.expected, list) and len(call.expected) == 1
    return (call.expected, call.expected[0]) if call.wrapped and unwrapped else (call.expected,)
