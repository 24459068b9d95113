"""Rates over all and per group: numerators, denominators, conversations, draws."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
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
