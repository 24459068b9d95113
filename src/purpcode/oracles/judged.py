"""What the oracles that ask a judge have in common."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from purpcode.oracles.judge import (
    MAX_ANSWER_CHARS,
    AssistanceAnswer,
    Exchange,
    Judge,
    KindAnswer,
    Unjudged,
    open_judge,
)
from purpcode.oracles.oracle import digest
from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.source_digest import source_digest
from purpcode.types import Completion, Sample, Verdict

Answer = TypeVar("Answer", AssistanceAnswer, KindAnswer)


class JudgedOracle(ABC, Generic[Answer]):
    """Asks the judge one question about every answer that needs asking.

    A completion its model failed to produce (`stop_reason="error"`) is unmeasured; one longer than
    `MAX_ANSWER_CHARS` fails unread; what the judge leaves unjudged is unmeasured.
    """

    name: str

    def __init__(self, settings: OracleSettings, *, judge: Judge | None = None) -> None:
        """With the judge that the settings name, or another in its place."""
        self.judge_model = judge or open_judge(settings)

    def fingerprint(self) -> str:
        """Changes with the judge, and with how its answers are read."""
        code = source_digest(__name__, type(self).__module__)
        return digest(self.name, code, self.judge_model.fingerprint())

    def judge(self, samples: Sequence[Sample], completions: Sequence[Completion]) -> list[Verdict]:
        """One verdict per pair, in order."""
        started = time.perf_counter()
        pairs = list(zip(samples, completions, strict=True))
        verdicts = [self._unread(sample, completion) for sample, completion in pairs]
        rows = [row for row, verdict in enumerate(verdicts) if verdict is None]
        answers = self._ask([Exchange.of(*pairs[row]) for row in rows])
        for row, answer in zip(rows, answers, strict=True):
            verdicts[row] = self._read(*pairs[row], answer)
        seconds = (time.perf_counter() - started) / max(1, len(pairs))
        return [verdict.model_copy(update={"seconds": seconds}) for verdict in verdicts if verdict]

    def _unread(self, sample: Sample, completion: Completion) -> Verdict | None:
        """The verdict of an answer that the judge need not read."""
        if completion.stop_reason == "error":
            return Verdict.unmeasured(self.name, "the model failed to produce this completion")
        if len(completion.text) > MAX_ANSWER_CHARS:
            reason = f"longer than {MAX_ANSWER_CHARS} characters, not read"
            return Verdict.failed(self.name, reason, evidence=self._evidence(sample))
        return None

    def _read(self, sample: Sample, completion: Completion, answer: Answer | Unjudged) -> Verdict:
        evidence = {"judge": self.judge_model.name, **self._evidence(sample)}
        if isinstance(answer, Unjudged):
            return Verdict.unmeasured(self.name, answer.error, evidence=evidence)
        return self._verdict(completion, answer, evidence)

    def _evidence(self, sample: Sample) -> dict[str, Any]:  # noqa: ARG002 (for those that expect)
        """What of the sample decides beside the judge."""
        return {}

    @abstractmethod
    def _ask(self, exchanges: Sequence[Exchange]) -> Sequence[Answer | Unjudged]:
        """Put the oracle's question to the judge."""

    @abstractmethod
    def _verdict(self, completion: Completion, answer: Answer, evidence: dict[str, Any]) -> Verdict:
        """What the judge's answer means."""
