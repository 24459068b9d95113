from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from purpcode.oracles import resumed
from purpcode.oracles.oracle import Judgement, Panel
from purpcode.oracles.resumed import ResumedPanel
from purpcode.types import Completion, Message, Sample, Verdict


class Counting:
    """Passes answers that say yes, fails the others; can be killed, and can lack its part."""

    name = "yes"

    def __init__(self, version: str = "1", killed_at: int | None = None) -> None:
        self.version = version
        self.killed_at = killed_at
        self.broken: set[str] = set()
        self.asked: list[str] = []

    def fingerprint(self) -> str:
        return f"yes-{self.version}"

    def judge(self, samples: Sequence[Sample], completions: Sequence[Completion]) -> list[Verdict]:
        if self.killed_at is not None and len(self.asked) >= self.killed_at:
            raise KeyboardInterrupt
        self.asked += [completion.text for completion in completions]
        return [self._verdict(completion.text) for completion in completions]

    def _verdict(self, text: str) -> Verdict:
        if text in self.broken:
            return Verdict.unmeasured(self.name, "the part is down")
        said = "yes" in text
        return Verdict.ok(self.name, "says yes") if said else Verdict.failed(self.name, "says no")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumed, "CHUNK", 4)


def questions(count: int) -> tuple[list[Sample], list[Completion]]:
    samples = [
        Sample(id=f"s{row}", messages=(Message(role="user", content=f"q{row}"),), oracles=("yes",))
        for row in range(count)
    ]
    return samples, [
        Completion(text=f"{'yes' if row % 3 else 'no'} {row}", stop_reason="stop")
        for row in range(count)
    ]


def judged(oracle: Counting, path: Path, count: int = 10) -> list[Judgement]:
    with ResumedPanel(Panel({"yes": oracle}), path) as panel:
        return panel.judge(*questions(count))


def test_after_a_kill_only_the_rest_is_judged_and_the_verdicts_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    killed = Counting(killed_at=8)
    with pytest.raises(KeyboardInterrupt):
        judged(killed, path)
    assert len(killed.asked) == 8
    second = Counting()
    assert judged(second, path) == Panel({"yes": Counting()}).judge(*questions(10))
    assert second.asked == ["yes 8", "no 9"]


def test_what_was_unmeasured_is_judged_again(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    first = Counting()
    first.broken = {"yes 4"}
    assert judged(first, path)[4].passed is None
    second = Counting()
    assert judged(second, path)[4].passed is True
    assert second.asked == ["yes 4"]


def test_verdicts_of_another_oracle_are_no_verdicts_of_this_one(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    judged(Counting(), path)
    changed = Counting(version="2")
    judged(changed, path)
    assert len(changed.asked) == 10


@pytest.mark.parametrize("field", ["messages", "target"])
def test_a_changed_question_is_judged_again(tmp_path: Path, field: str) -> None:
    path = tmp_path / "verdicts.jsonl"
    samples, completions = questions(3)
    changes = {"messages": (Message(role="user", content="other"),), "target": {"expect": "x"}}
    other = [samples[0].model_copy(update={field: changes[field]}), *samples[1:]]
    with ResumedPanel(Panel({"yes": Counting()}), path) as panel:
        panel.judge(samples, completions)
    again = Counting()
    with ResumedPanel(Panel({"yes": again}), path) as panel:
        panel.judge(other, completions)
    assert again.asked == ["no 0"]


def test_a_finished_evaluation_keeps_no_verdicts_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    with ResumedPanel(Panel({"yes": Counting()}), path) as panel:
        panel.judge(*questions(3))
    assert path.exists()
    panel.finish()
    assert not path.exists()
    panel.finish()
