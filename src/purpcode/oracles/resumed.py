"""Judging that a killed process picks up where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from pydantic import BaseModel, ConfigDict

from purpcode.oracles.oracle import Panel
from purpcode.records import Journal
from purpcode.types import Completion, Sample, Verdict

CHUNK = 128
"""Answers judged between two writes: analyzers cost less over many, a kill loses at most these."""


class KeptVerdict(BaseModel):
    """A verdict, and what it is the verdict on: oracle, sample and answer as one digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: str
    verdict: Verdict


class ResumedPanel(Panel):
    """A panel that journals its measured verdicts while judging is under way.

    A judge that is a model is slow and costs money, so that what it has judged is not asked again
    after a kill. An answer is judged anew when the oracle's fingerprint, the sample or the answer
    has changed, and when it was unmeasured. `finish` takes the journal away: a finished evaluation
    that is repeated is judged anew.
    """

    def __init__(self, panel: Panel, path: Path) -> None:
        super().__init__(panel.oracles)
        self.path = path
        self._journal: Journal[KeptVerdict] | None = None
        self._known: dict[str, Verdict] = {}
        self._fingerprints: dict[str, str] = {}

    def __enter__(self) -> ResumedPanel:
        self._journal = Journal(self.path, KeptVerdict)
        self._known = {kept.on: kept.verdict for kept in self._journal.records}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def finish(self) -> None:
        """Forget the verdicts: they stand where they belong now."""
        self.path.unlink(missing_ok=True)

    def _judge_one(
        self, name: str, samples: Sequence[Sample], completions: Sequence[Completion]
    ) -> list[Verdict]:
        if self._journal is None or name not in self.oracles:
            return super()._judge_one(name, samples, completions)
        keys = [self._key(name, *pair) for pair in zip(samples, completions, strict=True)]
        found = {row: self._known[key] for row, key in enumerate(keys) if key in self._known}
        waiting = [row for row in range(len(keys)) if row not in found]
        for start in range(0, len(waiting), CHUNK):
            rows = waiting[start : start + CHUNK]
            judged = super()._judge_one(
                name, [samples[row] for row in rows], [completions[row] for row in rows]
            )
            found |= zip(rows, judged, strict=True)
            kept = [
                KeptVerdict(on=keys[row], verdict=found[row])
                for row in rows
                if found[row].passed is not None
            ]
            self._journal.extend(kept)
            self._known |= {one.on: one.verdict for one in kept}
        return [found[row] for row in range(len(keys))]

    def _key(self, name: str, sample: Sample, completion: Completion) -> str:
        if name not in self._fingerprints:
            self._fingerprints[name] = self.oracles[name].fingerprint()
        asked = sample.model_dump(mode="json", include={"messages", "target", "metadata"})
        answer = completion.text, completion.stop_reason
        parts = json.dumps([name, self._fingerprints[name], asked, answer], sort_keys=True)
        return hashlib.sha256(parts.encode()).hexdigest()  # whole: answers are hostile
