"""Rates over all and per group: numerators, denominators, conversations, draws."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purpcode.evals.rates import fold, pass_at_k_rows, rate_rows, rates_json
from purpcode.evals.results import ScoredSample
from purpcode.types import Completion, Message

OUTCOMES = st.sampled_from([True, False, None])


def scored(name: str, passed: bool | None, **more: object) -> ScoredSample:
    return ScoredSample.model_validate(
        {
            "sample_id": name,
            "objective": "secure_code",
            "part": "",
            "messages": (Message(role="user", content="x"),),
            "completion": Completion(text="y"),
            "verdicts": (),
            "passed": passed,
            "score": None if passed is None else float(passed),
            **more,
        }
    )


@given(st.lists(st.tuples(OUTCOMES, st.sampled_from(["c", "python", ""])), min_size=1))
def test_groups_partition_what_is_counted(rows: list[tuple[bool | None, str]]) -> None:
    samples = [
        scored(f"s{n}", passed, groups={"language": group} if group else {})
        for n, (passed, group) in enumerate(rows)
    ]
    table = rate_rows(samples)
    whole = next(row.rate for row in table if not row.group)
    assert (whole.total, whole.passed) == (len(rows), [p for p, _ in rows].count(True))
    parts = [row.rate for row in table if row.group == "language"]
    stated = any(group for _, group in rows)  # else there is nothing to break down by
    assert sum(part.total for part in parts) == (len(rows) if stated else 0)
    json.dumps(rates_json(samples, 1))


def test_a_conversation_counts_once_and_its_turns_apart() -> None:
    turns = [("a", "0", True), ("a", "1", False), ("b", "0", True), ("b", "1", None)]
    samples = [
        scored(f"{name}:{turn}", passed, conversation=name, groups={"turn": turn})
        for name, turn, passed in turns
    ]
    table = {(row.group, row.value): row.rate for row in rate_rows(samples)}
    assert (table["", ""].passed, table["", ""].measured, table["", ""].unmeasured) == (0, 1, 1)
    assert (table["turn", "0"].passed, table["turn", "0"].measured) == (2, 2)
    assert (table["turn", "1"].passed, table["turn", "1"].unmeasured) == (0, 1)


@given(st.lists(OUTCOMES))
def test_folding_never_turns_an_unmeasured_or_failed_answer_into_a_passed_one(
    outcomes: list[bool | None],
) -> None:
    folded = fold(outcomes)
    assert (folded is True) == all(outcome is True for outcome in outcomes)
    assert (folded is False) == (False in outcomes)


@settings(deadline=None)  # the first call imports numpy
@given(st.lists(st.lists(OUTCOMES, min_size=3, max_size=3), min_size=1, max_size=6))
def test_pass_at_k_lies_within_its_bounds_and_grows_with_k(
    prompts: list[list[bool | None]],
) -> None:
    samples = [
        scored(f"p{p}", passed, index=draw)
        for p, draws in enumerate(prompts)
        for draw, passed in enumerate(draws)
    ]
    rows = pass_at_k_rows(samples, 3)
    assert [row.k for row in rows] == [1, 2, 3]
    for row in rows:
        assert row.prompts + row.unmeasured == len(prompts)
        low, high = row.bounds
        assert low <= high + 1e-12
        if row.unmeasured == 0 and all(None not in draws for draws in prompts):
            assert row.mean == pytest.approx(low)
    whole = [row.mean for row in rows if row.mean is not None and not row.unmeasured]
    assert whole == sorted(whole)
    json.dumps(rates_json(samples, 3))


def test_pass_at_k_of_conversations_takes_a_course_of_one_as_a_draw() -> None:
    passed = {("0", 0): True, ("1", 0): False, ("0", 1): True, ("1", 1): True}
    samples = [
        scored(f"a:{turn}", was, index=draw, conversation="a", groups={"turn": turn})
        for (turn, draw), was in passed.items()
    ]
    table = {(row.group, row.value, row.k): row for row in pass_at_k_rows(samples, 2)}
    whole = table["", "", 1]
    assert (whole.prompts, whole.mean) == (1, 0.5)  # one of its two courses was passed in full
    assert table["turn", "0", 1].mean == 1.0
    assert table["turn", "1", 1].mean == 0.5


def test_unmeasured_draws_are_said_where_enough_others_are_measured() -> None:
    samples = [scored("p", passed, index=i) for i, passed in enumerate([True, None, None])]
    (first, *_) = pass_at_k_rows(samples, 3)
    assert (first.prompts, first.unmeasured, first.unmeasured_draws, first.mean) == (1, 0, 2, 1.0)
    assert str(first).endswith("(95% CI 100.0–100.0; 1 prompts, 2 answers unmeasured: 33.3–100.0,"
                               " 3 draws)")  # fmt: skip
    assert rates_json(samples, 3)["pass_at_k"][0]["unmeasured_draws"] == 2


def test_samples_that_state_no_group_stand_in_a_row_of_their_own() -> None:
    samples = [scored("a", True, groups={"cwe": "CWE-22"}), scored("b", False)]
    table = {(row.group, row.value): row.rate for row in rate_rows(samples)}
    assert (table["cwe", "not stated"].passed, table["cwe", "not stated"].measured) == (0, 1)
