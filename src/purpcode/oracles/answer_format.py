"""The answer_format oracle: the reasoning format is followed without running in circles."""

from __future__ import annotations

import time
from collections.abc import Sequence

from purpcode.conversation import REPEAT_CHARS, parse_response, repeated_string
from purpcode.oracles.source_digest import source_digest
from purpcode.types import Completion, Sample, Verdict


class AnswerFormat:
    """Passes completions that follow the reasoning format without degenerate repetition
    (PurpCode, arXiv 2507.19060, section 2.1). It reads nothing from `Sample.target`."""

    name = "answer_format"

    def fingerprint(self) -> str:
        """Changes with the format and how it is read."""
        return f"{self.name} {source_digest(__name__)}"

    def judge(self, samples: Sequence[Sample], completions: Sequence[Completion]) -> list[Verdict]:
        """One verdict per pair, passed or failed. Being cut off fails only a broken format."""
        return [self._judge(one) for _, one in zip(samples, completions, strict=True)]

    def _judge(self, completion: Completion) -> Verdict:
        started = time.perf_counter()
        problems = list(parse_response(completion.text).problems)
        repeated = repeated_string(completion.text)
        if problems and completion.stop_reason == "length":
            problems.append("the completion was cut off at its length limit")
        if repeated is not None:
            problems.append(f"a string of {REPEAT_CHARS} characters repeats: {repeated!r}")
        evidence = {"problems": problems, "stop_reason": completion.stop_reason}
        seconds = time.perf_counter() - started
        if problems:
            reason = "; ".join(problems)
            return Verdict.failed(self.name, reason, evidence=evidence, seconds=seconds)
        reason = "follows the reasoning format"
        return Verdict.ok(self.name, reason, evidence=evidence, seconds=seconds)
