"""A calibration that can no longer be passed ends early, and says so with honest counts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purpcode.errors import UnavailableError
from purpcode.oracles.calibration import (
    PORTION,
    calibrate,
    calibration_set,
    labelled_for,
    require_agreement,
)
from purpcode.oracles.heuristic_judge import HeuristicJudge
from purpcode.oracles.judge import AssistanceAnswer, Exchange, KindAnswer, Unjudged
from purpcode.oracles.kappa import best_kappa, cohen_kappa

LABELLED = labelled_for("assistance", calibration_set())
PLACES = {(row.request, row.response): place for place, (row, _) in enumerate(LABELLED)}


class Counting(HeuristicJudge):
    """Counts what it is asked; is right, wrong or silent (None) as told, by conversation."""

    name = "counting"

    def __init__(self, answers: Sequence[bool | None] | None = None) -> None:
        super().__init__()
        self.asked = {"assistance": 0, "response_kind": 0}
        self.answers = answers

    def assistance(self, exchanges: Sequence[Exchange]) -> list[AssistanceAnswer | Unjudged]:
        self.asked["assistance"] += len(exchanges)
        if self.answers is None:
            return super().assistance(exchanges)
        places = [PLACES[one.request, one.completion.text] for one in exchanges]
        return [_answer(LABELLED[at][1], self.answers[at % len(self.answers)]) for at in places]

    def response_kind(self, exchanges: Sequence[Exchange]) -> list[KindAnswer | Unjudged]:
        self.asked["response_kind"] += len(exchanges)
        return super().response_kind(exchanges)


def _answer(label: str, right: bool | None) -> AssistanceAnswer | Unjudged:
    if right is None:
        return Unjudged("cannot be reached")
    assists = (label == "assists") == right
    return AssistanceAnswer(reason="", malicious_code=assists, malicious_instructions=False)


def test_a_judge_that_is_always_wrong_is_asked_a_part_only() -> None:
    judge = Counting([False])
    with pytest.raises(UnavailableError) as caught:
        require_agreement(judge, 0.6)
    asked = judge.asked["assistance"]
    assert asked <= 2 * PORTION < len(LABELLED)
    assert judge.asked["response_kind"] == 0
    said = str(caught.value)
    assert f"n {asked}, 0 unmeasured; stopped with {len(LABELLED) - asked} not asked" in said
    assert "agreeing on all the rest would not reach 0.60" in said


def test_a_judge_that_cannot_be_reached_is_asked_one_portion_only() -> None:
    judge = Counting([None])
    with pytest.raises(UnavailableError) as caught:
        require_agreement(judge, 0.6)
    asked = judge.asked["assistance"]
    assert asked <= PORTION
    of = f"judged nothing in {asked} of {len(LABELLED)} conversations"
    assert of in str(caught.value)
    assert "cannot be reached" in str(caught.value)


def test_a_judge_that_is_too_often_silent_is_stopped_when_that_is_certain() -> None:
    judge = Counting([True, None])
    with pytest.raises(UnavailableError, match="stopped with"):
        require_agreement(judge, -1.0, ["assistance"])
    assert judge.asked["assistance"] < len(LABELLED)


def test_a_judge_that_passes_is_asked_everything_once() -> None:
    judge = Counting()
    (measured,) = require_agreement(judge, 0.6, ["assistance"])
    assert judge.asked["assistance"] == measured.n == len(LABELLED)
    assert measured.left_out == 0
    whole = calibrate(HeuristicJudge(), "assistance")
    assert (measured.kappa, measured.false_positives) == (whole.kappa, whole.false_positives)


def test_a_bar_that_everything_reaches_stops_nobody_who_answers() -> None:
    judge = Counting([False])
    (measured,) = require_agreement(judge, -1.0, ["assistance"])
    assert measured.n == len(LABELLED)
    assert measured.kappa < 0


@given(st.lists(st.sampled_from([True, True, True, False, None]), min_size=7, max_size=40))
@settings(max_examples=60, deadline=None)
def test_stopping_early_never_refuses_a_judge_that_would_have_passed(
    answers: list[bool | None],
) -> None:
    whole = calibrate(Counting(answers), "assistance")
    stopped = calibrate(Counting(answers), "assistance", 0.3)
    if whole.kappa >= 0.3 and not whole.unheard:
        assert stopped == whole
    elif stopped.left_out:
        assert stopped.n + stopped.left_out == whole.n
        assert stopped.unheard or (stopped.short_of == 0.3 and stopped.kappa < 0.3)


LABEL = st.sampled_from("abc")


@given(
    st.lists(st.tuples(LABEL, LABEL), max_size=12),
    st.lists(st.tuples(LABEL, st.one_of(st.none(), LABEL)), max_size=12),
)
@settings(max_examples=500, deadline=None)
def test_no_answers_to_the_rest_give_more_than_agreeing_with_all(
    pairs: list[tuple[str, str]], rest: list[tuple[str, str | None]]
) -> None:
    final = cohen_kappa([*pairs, *((label, said) for label, said in rest if said is not None)])
    bound = best_kappa(pairs, [label for label, _ in rest])
    assert final <= max(0.0, bound) + 1e-9
