"""Verification and selection: what is judged, what is kept, which prompts are easy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purpcode.conversation import format_response, parse_response
from purpcode.oracles.answer_format import AnswerFormat
from purpcode.oracles.oracle import Panel
from purpcode.redteam import Demonstration
from purpcode.rule_learning import (
    SelectSettings,
    TrainingRow,
    VerifiedRollout,
    demonstration_rows,
    select,
    verified_rows,
    verify,
    with_format,
)
from purpcode.types import Completion, Message, Rollout, Sample, Verdict


class ByWord:
    """Judges by the answer's words: "good" 1.0, "fair" 0.6, "poor" 0.3 (all passed), "bad"
    failed, "lost" unmeasured."""

    name = "by_word"

    def __init__(self) -> None:
        self.judged: list[str] = []

    def fingerprint(self) -> str:
        return self.name

    def judge(self, samples: Sequence[Sample], completions: Sequence[Completion]) -> list[Verdict]:
        self.judged += [completion.text for completion in completions]
        return [self._verdict(completion.text) for completion in completions]

    def _verdict(self, text: str) -> Verdict:
        for word, score in (("good", 1.0), ("fair", 0.6), ("poor", 0.3)):
            if word in text:
                return Verdict.ok(self.name, word, score=score)
        if "lost" in text:
            return Verdict.unmeasured(self.name, "the analyzer crashed")
        return Verdict.failed(self.name, "bad")


def sample(name: str, objective: str = "secure_code") -> Sample:
    return Sample(
        id=name,
        messages=(Message(role="user", content=f"Prompt {name}"),),
        oracles=("by_word",),
        metadata={"objective": objective},
    )


def rollouts_of(one: Sample, *texts: str) -> list[Rollout]:
    return [
        Rollout(
            sample_id=one.id,
            index=index,
            messages=one.messages,
            completion=Completion(text=text, stop_reason="stop"),
            model="m",
        )
        for index, text in enumerate(texts)
    ]


def judged(rollouts: Sequence[Rollout]) -> list[VerifiedRollout]:
    oracle = ByWord()
    verdicts = [oracle._verdict(rollout.completion.text) for rollout in rollouts]
    return [
        VerifiedRollout(
            sample_id=rollout.sample_id,
            index=rollout.index,
            passed=verdict.passed,
            score=verdict.score,
            verdicts=(verdict,),
        )
        for rollout, verdict in zip(rollouts, verdicts, strict=True)
    ]


def chosen(*texts: str, **more: object) -> tuple[list[str], tuple[str, ...], dict[str, int]]:
    """Selection over one prompt's rollouts: texts learned from, easy prompts, counts."""
    one = sample("a")
    drawn = rollouts_of(one, *texts)
    wanted = SelectSettings.model_validate(more)
    picked = select([one], drawn, judged(drawn), wanted, draws=len(texts))
    return [row.completion[-1].content for row in picked.rows], picked.easy, picked.counts


# --- verification ------------------------------------------------------------------------------


def test_verification_resumes_after_the_judged_and_judges_none_twice(tmp_path: Path) -> None:
    one, path = sample("a"), tmp_path / "records.jsonl"
    drawn = rollouts_of(one, "good", "bad", "lost")
    first, second = ByWord(), ByWord()
    verify(drawn[:2], {"a": one}, Panel({"by_word": first}), require_format=False, path=path)
    told: list[int] = []
    records = verify(
        drawn, {"a": one}, Panel({"by_word": second}), require_format=False, path=path,
        on_progress=told.append,
    )  # fmt: skip
    assert (first.judged, second.judged) == (["good", "bad"], ["lost"])
    assert [record.passed for record in records] == [True, False, None]
    assert told == [2, 1]


def test_what_could_not_be_measured_is_tried_again(tmp_path: Path) -> None:
    one, path = sample("a"), tmp_path / "records.jsonl"
    drawn = rollouts_of(one, "good", "bad")
    asked = {"a": one}
    verify(drawn, asked, Panel({}), require_format=False, path=path)
    again = verify(drawn, asked, Panel({"by_word": ByWord()}), require_format=False, path=path)
    assert [record.passed for record in again] == [True, False]


def test_torn_verification_record_is_judged_again(tmp_path: Path) -> None:
    one, path = sample("a"), tmp_path / "records.jsonl"
    drawn = rollouts_of(one, "good", "bad")
    panel = Panel({"by_word": ByWord()})
    straight = verify(drawn, {"a": one}, panel, require_format=False, path=path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    again = verify(drawn, {"a": one}, panel, require_format=False, path=path)
    assert again == straight
    assert path.read_bytes() == whole


def test_format_is_demanded_beside_the_samples_own_oracles_and_not_twice(tmp_path: Path) -> None:
    one = sample("a")
    assert with_format(with_format(one)).oracles == ("answer_format", "by_word")
    panel = Panel({"by_word": ByWord(), "answer_format": AnswerFormat()})
    well = format_response("This is a plain benign task.", "Here is a good answer.")
    drawn = rollouts_of(one, "a good answer without a format", well)
    strict = verify(drawn, {"a": one}, panel, require_format=True, path=tmp_path / "a.jsonl")
    loose = verify(drawn, {"a": one}, panel, require_format=False, path=tmp_path / "b.jsonl")
    assert [record.passed for record in strict] == [False, True]
    assert [record.passed for record in loose] == [True, True]


# --- selection ---------------------------------------------------------------------------------


def test_best_score_comes_before_brevity_and_brevity_before_order() -> None:
    assert chosen("fair", "good but long, good", "good and x")[0] == ["good and x"]
    assert chosen("good b", "good a")[0] == ["good b"]
    assert chosen("fair", "poor")[0] == ["fair"]


def test_failed_unmeasured_and_poor_rollouts_teach_nothing() -> None:
    texts, easy, counts = chosen("bad", "lost", "poor")
    assert (texts, easy) == ([], ())
    assert counts["unmeasured"] == 1
    assert counts["distilled_rows"] == 0
    assert chosen("bad", min_score=0.0)[0] == []
    assert chosen("poor", min_score=0.3)[0] == ["poor"]


def test_rollout_that_was_never_judged_counts_as_unmeasured() -> None:
    one = sample("a")
    drawn = rollouts_of(one, "good", "good")
    picked = select([one], drawn, judged(drawn)[:1], SelectSettings(), draws=len(drawn))
    assert picked.counts["unmeasured"] == 1
    assert picked.easy == ()


@pytest.mark.parametrize(
    ("verified", "drawn", "easy"),
    [(7, 10, False), (8, 10, True), (5, 8, False), (6, 8, True), (1, 1, True), (2, 3, False)],
)
def test_easy_means_more_than_the_share_of_all_n_rollouts(
    verified: int, drawn: int, easy: bool
) -> None:
    texts = ["good"] * verified + ["bad"] * (drawn - verified)
    assert chosen(*texts)[1] == (("a",) if easy else ())


def test_unanswered_rollouts_count_against_easiness() -> None:
    one = sample("a")
    drawn = rollouts_of(one, "good", "good")
    assert select([one], drawn, judged(drawn), SelectSettings(), draws=2).easy == ("a",)
    assert select([one], drawn, judged(drawn), SelectSettings(), draws=8).easy == ()


def test_unmeasured_rollouts_count_against_easiness() -> None:
    assert chosen("good", "good", "lost")[1] == ()


def test_malicious_prompts_can_be_easy_like_any_other() -> None:
    both = [sample("code"), sample("event", "malicious_assistance")]
    drawn = [rollout for one in both for rollout in rollouts_of(one, *["good"] * 4)]
    picked = select(both, drawn, judged(drawn), SelectSettings(), draws=4)
    assert picked.easy == ("code", "event")
    assert picked.counts["easy"] == 2


def test_lineage_of_a_distilled_row_is_its_prompt_without_context() -> None:
    one = sample("a")
    drawn = rollouts_of(one, " good \n")
    (row,) = select([one], drawn, judged(drawn), SelectSettings(), draws=1).rows
    assert row.prompt == one.messages
    assert row.completion == (Message(role="assistant", content="good"),)
    assert (row.sample_id, row.source, row.score) == ("a", "distilled", 1.0)


@given(
    st.lists(st.lists(st.sampled_from(["good", "fair!", "poor", "bad", "lost"]), max_size=9)),
    st.sampled_from([0.0, 0.5, 0.6, 1.0]),
)
@settings(max_examples=80, deadline=None)
def test_selection_keeps_one_best_row_per_prompt_that_has_any(
    texts: list[list[str]], min_score: float
) -> None:
    scores = {"good": 1.0, "fair!": 0.6, "poor": 0.3}
    prompts = [sample(f"s{number}") for number in range(len(texts))]
    drawn = [r for one, its in zip(prompts, texts, strict=True) for r in rollouts_of(one, *its)]
    picked = select(prompts, drawn, judged(drawn), SelectSettings(min_score=min_score), draws=9)
    rows = {row.sample_id: row for row in picked.rows}
    for one, its in zip(prompts, texts, strict=True):
        usable = [scores[text] for text in its if scores.get(text, -1.0) >= min_score]
        assert (one.id in rows) == bool(usable)
        if usable:
            assert rows[one.id].score == max(usable)
        assert (one.id in picked.easy) == (len(usable) * 10 > 7 * 9)
    assert picked.counts["rollouts"] == sum(map(len, texts))


# --- demonstrations ----------------------------------------------------------------------------

SHOWN = {
    name: Demonstration(analysis=f"Thoughts on {name}.", answer=f"good {name}") for name in "ab"
}


def demonstrated(mode: str) -> list[str]:
    prompts = [sample(name) for name in "abc"]
    drawn = rollouts_of(prompts[0], "good")
    distilled = select(prompts, drawn, judged(drawn), SelectSettings(), draws=1).rows
    wanted = SelectSettings.model_validate({"demonstrations": mode})
    return [row.sample_id for row in demonstration_rows(prompts, SHOWN, distilled, wanted)]


def test_demonstrations_none_missing_and_all() -> None:
    assert demonstrated("none") == []
    assert demonstrated("missing") == ["b"]
    assert demonstrated("all") == ["a", "b"]


def test_demonstration_is_written_in_the_reasoning_format_and_marked_as_such() -> None:
    (row, _) = demonstration_rows(
        [sample("a"), sample("b")], SHOWN, [], SelectSettings(demonstrations="all")
    )
    assert row.source == "demonstration"
    response = parse_response(row.completion[-1].content)
    assert (response.analysis, response.answer) == ("Thoughts on a.", "good a")


def training_row(name: str, text: str) -> TrainingRow:
    return TrainingRow(
        sample_id=name,
        prompt=sample(name).messages,
        completion=(Message(role="assistant", content=text),),
        source="demonstration",
        score=0.0,
    )


@pytest.mark.parametrize("min_score", [0.0, 0.5])
def test_rows_that_fail_or_cannot_be_measured_are_dropped(min_score: float) -> None:
    rows = [training_row(str(n), text) for n, text in enumerate(["good", "bad", "lost", "fair"])]
    samples = {str(number): sample(str(number)) for number in range(4)}
    wanted = SelectSettings(require_format=False, min_score=min_score)
    kept, unmeasured = verified_rows(rows, samples, Panel({"by_word": ByWord()}), wanted)
    assert unmeasured == 1
    assert [(row.sample_id, row.score) for row in kept] == [("0", 1.0), ("3", 0.6)]


def test_demonstration_out_of_format_is_dropped_when_the_format_is_demanded() -> None:
    well = format_response("A long enough analysis.", "a good answer")
    rows = [training_row("a", "good"), training_row("b", well)]
    panel = Panel({"by_word": ByWord(), "answer_format": AnswerFormat()})
    samples = {name: sample(name) for name in "ab"}
    kept, _ = verified_rows(rows, samples, panel, SelectSettings())
    assert [row.sample_id for row in kept] == ["b"]


def test_oracle_that_crashes_drops_the_row() -> None:
    class Crashing(ByWord):
        def judge(
            self, samples: Sequence[Sample], completions: Sequence[Completion]
        ) -> list[Verdict]:
            raise RuntimeError("down")

    wanted = SelectSettings(require_format=False, min_score=0.0)
    panel = Panel({"by_word": Crashing()})
    assert verified_rows([training_row("a", "good")], {"a": sample("a")}, panel, wanted) == ([], 1)
