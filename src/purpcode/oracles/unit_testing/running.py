"""Runs trials: each distinct one once, in waves, with another try for what the machine spoiled."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from purpcode.oracles.unit_testing.grading import Grade, Trial
from purpcode.sandbox.execution import ExecutionResult, Program, Sandbox

FIRST_WAVE = 2
"""Programs of a trial that run before the rest of them: most wrong answers fail at once."""

CLEARLY_SLOW = 20.0
"""A program this many times slower than the reference is not slow for want of a processor."""

_NOMINAL_S = 0.35
_MOST_SLOWDOWN = 10.0
_WORK = "total = 0\nfor number in range(3_000_000):\n    total += number * number % 7\n"
"""Fixed work that takes `_NOMINAL_S` on the machine on which the default deadlines were chosen."""


@dataclass(frozen=True)
class Outcome:
    """A trial's grade, the seconds its programs ran and what had to be run again."""

    grade: Grade
    seconds: float
    programs: int
    retried: int


class Runner:
    """Runs trials in one sandbox."""

    def __init__(self, sandbox: Sandbox, workers: int) -> None:
        self.sandbox = sandbox
        self.workers = workers or len(os.sched_getaffinity(0))
        self._slowdown: float | None = None

    def run(self, trials: Sequence[Trial]) -> dict[str, Outcome]:
        """Outcome of every trial by its key; trials of one key run once."""
        distinct = {trial.key: trial for trial in trials}
        seen = {key: _Seen(trial) for key, trial in distinct.items()}
        self._wave([(one, 0, FIRST_WAVE) for one in seen.values()])
        longer = [one for one in seen.values() if len(one.trial.programs) > FIRST_WAVE]
        rest = [one for one in longer if one.trial.grade(one.results).passed is not False]
        self._wave([(one, FIRST_WAVE, None) for one in rest])
        return {key: one.outcome() for key, one in seen.items()}

    def _wave(self, parts: Sequence[tuple[_Seen, int, int | None]]) -> None:
        wanted = [
            (one, program)
            for one, start, stop in parts
            for program in one.trial.programs[start:stop]
        ]
        if not wanted:
            return
        results = self._run_distinct([program for _, program in wanted], self.workers)
        spoiled = [row for row, result in enumerate(results) if _is_fault(result)]
        self._again(wanted, results, spoiled, self.workers, 1.0)
        late = [
            row
            for row, result in enumerate(results)
            if result.status == "timeout" and not wanted[row][0].clearly_slow(wanted[row][1])
        ]
        if late:
            slowdown = self._measured_slowdown()
            if slowdown > 1.2 or len(wanted) > 1:
                self._again(wanted, results, late, max(1, self.workers // 4), slowdown)
        for (one, _), result in zip(wanted, results, strict=True):
            one.results.append(result)

    def _again(
        self,
        wanted: Sequence[tuple[_Seen, Program]],
        results: list[ExecutionResult],
        rows: Sequence[int],
        workers: int,
        slowdown: float,
    ) -> None:
        """Run some programs once more, beside fewer others and with a longer deadline."""
        programs = [
            wanted[row][1].model_copy(update={"timeout_s": wanted[row][1].timeout_s * slowdown})
            for row in rows
        ]
        for row, result in zip(rows, self._run_distinct(programs, workers), strict=True):
            results[row] = result
            wanted[row][0].retried += 1

    def _run_distinct(self, programs: Sequence[Program], workers: int) -> list[ExecutionResult]:
        keys = [program.model_dump_json() for program in programs]
        first = {key: row for row, key in reversed(list(enumerate(keys)))}
        rows = sorted(first.values())
        results = self.sandbox.run_many([programs[row] for row in rows], workers) if rows else []
        by_key = {keys[row]: result for row, result in zip(rows, results, strict=True)}
        return [by_key[key] for key in keys]

    def _measured_slowdown(self) -> float:
        """How many times slower than the reference machine this one is, at least 1; measured once,
        when a deadline first passes."""
        if self._slowdown is None:
            tried = [self.sandbox.run(Program(code=_WORK, timeout_s=60.0)) for _ in range(2)]
            seconds = [result.seconds for result in tried if result.status == "passed"]
            measured = min(seconds, default=_NOMINAL_S) / _NOMINAL_S
            self._slowdown = min(max(1.0, measured), _MOST_SLOWDOWN)
        return self._slowdown


class _Seen:
    """What was seen of one trial so far."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.results: list[ExecutionResult] = []
        self.retried = 0

    def clearly_slow(self, program: Program) -> bool:
        reference_s = self.trial.reference_s
        return reference_s is not None and program.timeout_s >= CLEARLY_SLOW * reference_s

    def outcome(self) -> Outcome:
        seconds = sum(result.seconds for result in self.results)
        grade = self.trial.grade(self.results)
        return Outcome(grade, seconds, len(self.results), self.retried)


def _is_fault(result: ExecutionResult) -> bool:
    """A fault of the sandbox; a tool this machine lacks will be lacking the next time too."""
    return result.status == "sandbox_error" and "missing_tool" not in result.evidence


def evidence_of(outcomes: Sequence[Outcome], backend: str) -> dict[str, Any]:
    """What a verdict shows of how it was reached."""
    retried = sum(outcome.retried for outcome in outcomes)
    shown = {"programs": sum(outcome.programs for outcome in outcomes), "backend": backend}
    return {**shown, "retried": retried} if retried else shown
