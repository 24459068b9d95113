"""cwe_report: what became of one run of a task's tests, read from what the driver printed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from purpcode.sandbox.execution import ExecutionResult


@dataclass(frozen=True)
class Report:
    """What became of one run: test → (marks, passed), or why there is nothing."""

    tests: Mapping[str, tuple[tuple[str, ...], bool]]
    fault: str = ""
    unmeasured: bool = False
    reasons: Mapping[str, str] | None = None
    """Test → what it said when it failed."""
    missing: str = ""
    """Which tool of the language is not on this machine."""

    def passed(self, mark: str, expected: Report) -> bool:
        """Whether every test of a mark that is expected was reported as passed."""
        wanted = [name for name, (marks, _) in expected.tests.items() if mark in marks]
        return all(self.tests.get(name, ((), False))[1] for name in wanted)

    def has(self, mark: str) -> bool:
        """Whether there is a test of that mark."""
        return any(mark in marks for marks, _ in self.tests.values())

    def failing(self) -> str:
        """The tests that did not pass, the first with what it said; "" when all passed."""
        names = [name for name, (_, passed) in self.tests.items() if not passed]
        said = next((why for name in names if (why := (self.reasons or {}).get(name))), "")
        return ", ".join(names)[:200] + (f" ({said})" if said else "")


def read_report(nonce: str, result: ExecutionResult) -> Report:
    """What the driver said of a run. Hostile text: anything unreadable is a failed run."""
    if result.status == "sandbox_error":
        fault = str(result.evidence.get("error") or "the sandbox failed")
        return Report({}, fault, unmeasured=True)
    if result.status in ("timeout", "oom", "output_limit"):
        return Report({}, f"the tests ended by {result.status}")
    line = next((line for line in result.stdout.split("\n") if line.startswith(f"{nonce} ")), None)
    try:
        said: dict[str, Any] = json.loads(line.removeprefix(nonce)) if line else {}
        tests = {
            str(name): (tuple(map(str, entry["marks"])), entry["outcome"] == "passed")
            for name, entry in said["tests"].items()
        }
        reasons = {str(name): str(one.get("reason", "")) for name, one in said["tests"].items()}
        problem = str(said.get("problem") or "")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        last = result.stderr.strip().rsplit("\n", 1)[-1][:200]
        return Report({}, f"the tests gave no report {last}".strip())
    if problem:
        return Report(tests, f"the tests do not load: {problem.strip()[-300:]}")
    return Report(tests, "" if tests else "the test file holds no test", reasons=reasons)
