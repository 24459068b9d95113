"""The answer_format oracle beyond its fixtures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from purpcode.conversation import format_response
from purpcode.oracles.answer_format import AnswerFormat
from purpcode.types import Completion, Message, Sample, StopReason, Verdict

SAMPLE = Sample(id="s", messages=(Message(role="user", content="Hi"),), oracles=("answer_format",))
GOOD = format_response("The user wants ordinary code.", "Here is the answer in full.")


def judge(text: str, stop_reason: StopReason = "stop") -> Verdict:
    [verdict] = AnswerFormat().judge([SAMPLE], [Completion(text=text, stop_reason=stop_reason)])
    return verdict


def test_cut_off_text_fails_only_with_a_broken_format_and_says_so() -> None:
    assert judge(GOOD, "length").passed is True
    broken = judge("## Analysis\nThe user wants", "length")
    assert broken.passed is False
    assert "cut off" in broken.reason
    assert "cut off" not in judge("## Analysis\nThe user wants").reason


def test_repetition_fails_with_the_string_in_the_reason() -> None:
    verdict = judge(GOOD + " and so on, and so forth, as was said" * 8)
    assert verdict.passed is False
    assert "repeats" in verdict.reason


def test_every_problem_is_evidence() -> None:
    assert judge("Sure.\n## Analysis\nHm.\n## Answer\nNo.").evidence["problems"] == [
        "there is text before '## Analysis'",
        "the analysis is shorter than 16 characters",
        "the answer is shorter than 8 characters",
    ]


@given(st.text())
def test_any_text_is_measured(text: str) -> None:
    verdict = judge(text)
    assert verdict.passed is (not verdict.evidence["problems"])


def test_fingerprint_is_stable() -> None:
    assert AnswerFormat().fingerprint() == AnswerFormat().fingerprint()
