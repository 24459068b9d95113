"""Parts broken on purpose, for drills: plain stand-ins that fail in one way each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from purpcode.analyzers import AnalysisResult, Ensemble, Snippet
from purpcode.errors import UnavailableError
from purpcode.evals.oracle_choice import open_eval_panel
from purpcode.models.model import Sampling
from purpcode.oracles.judge import Judge
from purpcode.oracles.oracle import Oracle, Panel
from purpcode.oracles.settings import OracleSettings
from purpcode.sandbox.execution import ExecutionResult, Program
from purpcode.types import Completion, Message

PARTS: Mapping[str, Mapping[str, str]] = {
    "analyzer": {
        "down": "every analyzer raises an error",
        "silent": "every analyzer gives no result for any snippet",
    },
    "judge": {
        "down": "the judge's model cannot be reached",
        "garbage": "the judge's model answers with text that is no verdict",
    },
    "sandbox": {
        "down": "the sandbox cannot start any program",
        "missing": "this machine has no sandbox",
    },
}
"""Part → fault → what it does."""

USERS: Mapping[str, tuple[str, ...]] = {
    "analyzer": ("secure_code", "insecure_code"),
    "judge": ("malicious_assistance", "overrefusal"),
    "sandbox": ("unit_tests", "cwe_tests"),
}
"""Part → the oracles that cannot judge without it."""


def broken_oracle(name: str, faults: Mapping[str, str]) -> tuple[Oracle, BrokenPart] | None:
    """The oracle with the stand-in of the broken part that it needs, and that stand-in; None where
    nothing it needs is broken."""
    part = next((part for part in faults if name in USERS[part]), None)
    if part is None:
        return None
    settings, stand_in = OracleSettings(judge_attempts=1), _STAND_INS[part](faults[part])
    return _BROKEN[name](settings, stand_in), stand_in


def broken_panel(names: Iterable[str], faults: Mapping[str, str]) -> Panel:
    """The named oracles, those that need a broken part with its broken stand-in."""
    settings = OracleSettings(judge_attempts=1)
    broken: dict[str, Oracle] = {}
    whole: list[str] = []
    for name in names:
        made = broken_oracle(name, faults)
        if made:
            broken[name] = made[0]
        else:
            whole.append(name)
    return Panel({**open_eval_panel(settings, whole).oracles, **broken})


class BrokenPart(Protocol):
    """A stand-in that fails; `calls` counts how often it was asked."""

    calls: int


class BrokenAnalyzer:
    """An analyzer that measures nothing."""

    name = "broken"
    languages = frozenset({"python", "c", "cpp", "javascript"})

    def __init__(self, fault: str) -> None:
        self.calls = 0
        self._fault = fault

    def fingerprint(self) -> str:
        """Tells it from a whole one."""
        return f"broken-{self._fault}"

    def analyze(self, snippets: Sequence[Snippet]) -> list[AnalysisResult]:
        """Fails as its fault says."""
        self.calls += len(snippets)
        if self._fault == "silent":
            return []
        raise RuntimeError("the analyzer is down (drill)")


class BrokenModel:
    """A judge's model that gives no verdict."""

    name = "broken"

    def __init__(self, fault: str) -> None:
        self.calls = 0
        self._fault = fault

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,  # noqa: ARG002
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        """Answers as its fault says."""
        self.calls += len(prompts)
        if on_progress:
            on_progress(len(prompts))
        if self._fault == "down":
            return [Completion(text="", stop_reason="error") for _ in prompts]
        return [Completion(text="fine fine {{{ fine", stop_reason="stop") for _ in prompts]

    def close(self) -> None:
        """Nothing is open."""


class BrokenSandbox:
    """A sandbox that runs nothing."""

    name = "broken"
    packages: tuple[str, ...] = ()

    def __init__(self, fault: str) -> None:
        self.calls = 0
        self._fault = fault

    def fingerprint(self) -> str:
        """Tells it from a whole one."""
        return f"broken-{self._fault}"

    def run(self, program: Program) -> ExecutionResult:  # noqa: ARG002
        """Fails as its fault says."""
        self.calls += 1
        if self._fault == "missing":
            raise UnavailableError("no sandbox (drill)")
        return ExecutionResult(status="sandbox_error", evidence={"error": "down (drill)"})

    def run_many(self, programs: Sequence[Program], workers: int = 0) -> list[ExecutionResult]:  # noqa: ARG002
        """Fails as its fault says."""
        return [self.run(program) for program in programs]


def _secure_code(settings: OracleSettings, part: Any) -> Oracle:
    from purpcode.oracles.secure_code import SecureCode

    return SecureCode(settings, ensemble=Ensemble([part]))


def _insecure_code(settings: OracleSettings, part: Any) -> Oracle:
    from purpcode.evals.insecure_code import InsecureCode

    return InsecureCode(settings, analyzer=part)


def _judge(settings: OracleSettings, part: Any) -> Judge:
    from purpcode.oracles.model_judge import ModelJudge

    return ModelJudge("broken", attempts=settings.judge_attempts, model=part)


def _malicious_assistance(settings: OracleSettings, part: Any) -> Oracle:
    from purpcode.oracles.malicious_assistance import MaliciousAssistance

    return MaliciousAssistance(settings, judge=_judge(settings, part))


def _overrefusal(settings: OracleSettings, part: Any) -> Oracle:
    from purpcode.oracles.overrefusal import Overrefusal

    return Overrefusal(settings, judge=_judge(settings, part))


def _unit_tests(settings: OracleSettings, part: Any) -> Oracle:
    from purpcode.oracles.unit_tests import UnitTests

    return UnitTests(settings, part)


def _cwe_tests(settings: OracleSettings, part: Any) -> Oracle:
    from purpcode.evals.cwe_tests import CweTests

    return CweTests(settings, sandbox=part)


_STAND_INS: Mapping[str, Callable[[str], BrokenPart]] = {
    "analyzer": BrokenAnalyzer,
    "judge": BrokenModel,
    "sandbox": BrokenSandbox,
}
_BROKEN: Mapping[str, Callable[[OracleSettings, Any], Oracle]] = {
    "secure_code": _secure_code,
    "insecure_code": _insecure_code,
    "malicious_assistance": _malicious_assistance,
    "overrefusal": _overrefusal,
    "unit_tests": _unit_tests,
    "cwe_tests": _cwe_tests,
}
