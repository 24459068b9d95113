"""What an oracle is, and the panel that runs all oracles of a batch of samples."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from purpcode.types import Completion, Sample, UnitInterval, Verdict


class Oracle(Protocol):
    """Judges completions. The batch is the primary form: tools amortise their start-up over it."""

    name: str

    def fingerprint(self) -> str:
        """Identity of the judgement: tools, versions, rules, prompts. Verdicts of different
        fingerprints are not comparable."""
        ...

    def judge(self, samples: Sequence[Sample], completions: Sequence[Completion]) -> list[Verdict]:
        """One verdict per (sample, completion) pair, in order. Faults become unmeasured verdicts;
        nothing about a completion's content makes this raise."""
        ...


class Judgement(BaseModel):
    """The verdicts of all of a sample's oracles and what they amount to.

    failed (score 0) when any oracle failed; else unmeasured (None) when any is unmeasured;
    else passed with the lowest score.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdicts: tuple[Verdict, ...]
    passed: bool | None
    score: UnitInterval | None

    @classmethod
    def of(cls, verdicts: Sequence[Verdict]) -> Judgement:
        """Combine verdicts (at least one)."""
        if not verdicts:
            raise ValueError("a judgement needs at least one verdict")
        if any(verdict.passed is False for verdict in verdicts):
            return cls(verdicts=tuple(verdicts), passed=False, score=0.0)
        scores = [verdict.score for verdict in verdicts if verdict.score is not None]
        if len(scores) < len(verdicts):
            return cls(verdicts=tuple(verdicts), passed=None, score=None)
        return cls(verdicts=tuple(verdicts), passed=True, score=min(scores))


class Panel:
    """Runs each oracle once over all samples that name it."""

    def __init__(self, oracles: Mapping[str, Oracle]) -> None:
        self.oracles = dict(oracles)

    def fingerprints(self) -> dict[str, str]:
        """Oracle name → fingerprint."""
        return {name: oracle.fingerprint() for name, oracle in sorted(self.oracles.items())}

    def judge(
        self, samples: Sequence[Sample], completions: Sequence[Completion]
    ) -> list[Judgement]:
        """One judgement per pair, in order. An oracle that raises, answers short, or is not on
        the panel leaves its samples unmeasured; so does a failed call (`stop_reason="error"`),
        which says nothing about the model, so that no oracle sees its empty text."""
        verdicts: list[list[Verdict]] = [
            [Verdict.unmeasured(name, "the model gave no answer") for name in sample.oracles]
            if completion.stop_reason == "error"
            else []
            for sample, completion in zip(samples, completions, strict=True)
        ]
        answered = [row for row, known in enumerate(verdicts) if not known]
        names = list(dict.fromkeys(name for row in answered for name in samples[row].oracles))
        for name in names:
            rows = [row for row in answered if name in samples[row].oracles]
            judged = self._judge_one(
                name, [samples[row] for row in rows], [completions[row] for row in rows]
            )
            for row, verdict in zip(rows, judged, strict=True):
                verdicts[row].append(verdict)
        return [Judgement.of(row) for row in verdicts]

    def _judge_one(
        self, name: str, samples: Sequence[Sample], completions: Sequence[Completion]
    ) -> list[Verdict]:
        oracle = self.oracles.get(name)
        if oracle is None:
            return [Verdict.unmeasured(name, f"no oracle named '{name}'") for _ in samples]
        try:
            judged = oracle.judge(samples, completions)
        except Exception as error:  # an oracle's own fault must never become a verdict
            fault = f"{type(error).__name__}: {error}"
            return [Verdict.unmeasured(name, fault) for _ in samples]
        if len(judged) != len(samples):
            fault = f"{len(judged)} verdicts for {len(samples)} samples"
            return [Verdict.unmeasured(name, fault) for _ in samples]
        return judged


def digest(*parts: Any) -> str:
    """A short stable hash of JSON-like values, for fingerprints."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


Expectation = Literal["answer", "refusal"]
