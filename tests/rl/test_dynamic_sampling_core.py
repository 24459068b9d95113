from __future__ import annotations

import json
from collections import Counter
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.rl.dynamic_sampling import DynamicSampler, is_learnable

STRATA = st.lists(st.sampled_from(["code", "event", "refuse"]), min_size=1, max_size=60)
LIVE, DEAD = [0.0, 1.0], [1.0, 1.0]


def sampler_of(strata: list[str], b: int = 3, r: int = 4, **more: Any) -> DynamicSampler:
    return DynamicSampler(strata, groups_per_update=b, max_roll_factor=r, seed=5, **more)


def outcomes(draw: list[int], dead: set[int]) -> list[list[float]]:
    return [DEAD if index in dead else LIVE for index in draw]


@given(STRATA, st.integers(1, 9), st.integers(1, 5), st.sets(st.integers(0, 59)), st.integers(1, 3))
def test_every_pass_visits_every_prompt_exactly_once(strata, b, r, dead, passes):
    sampler = sampler_of(strata, b, r, epochs=passes)
    seen: list[list[int]] = []
    while sampler.passes < passes and not sampler.exhausted:
        seen.append(sampler.draw())
        sampler.observe(outcomes(seen[-1], dead))
    flat = [index for draw in seen for index in draw]
    whole = len(flat) // len(strata)
    for start in range(whole):
        one = flat[start * len(strata) : (start + 1) * len(strata)]
        assert sorted(one) == list(range(len(strata)))
    assert sampler.exhausted or whole == passes


@given(STRATA, st.sets(st.integers(0, 59)))
def test_all_learnable_groups_are_kept_and_no_others(strata, dead):
    sampler = sampler_of(strata, epochs=1)
    while not sampler.finished:
        draw = sampler.draw()
        kept = sampler.observe(outcomes(draw, dead))
        assert kept == [index not in dead for index in draw]
        assert sampler.learnable_fraction == sum(kept) / len(draw)


@given(st.integers(1, 50), st.integers(1, 6), st.lists(st.integers(0, 400), max_size=12))
def test_draw_is_b_over_u_and_never_beyond_r_times_b(b, r, yields):
    sampler = sampler_of(["x"] * 2000, b, r)
    kept, drawn = 1, 1
    for wanted in yields:
        draw = sampler.draw()
        expected = r * b if kept == 0 else min(ceil(b * drawn / kept), r * b)
        assert b <= len(draw) == expected or sampler.passes
        kept, drawn = min(wanted, len(draw)), len(draw)
        if sampler.passes:
            break
        sampler.observe([LIVE] * kept + [DEAD] * (drawn - kept))


def test_no_learnable_group_at_all_draws_the_most_and_recovers():
    sampler = sampler_of(["x"] * 100, b=3, r=4)
    sampler.observe([DEAD] * len(sampler.draw()))
    assert sampler.learnable_fraction == 0.0
    draw = sampler.draw()
    assert len(draw) == 12
    sampler.observe([LIVE] * len(draw))
    assert len(sampler.draw()) == 3


def test_a_whole_pass_without_a_learnable_group_ends_sampling():
    sampler = sampler_of(["x"] * 10, b=2)
    draws = 0
    while not sampler.finished:
        sampler.observe([DEAD] * len(sampler.draw()))
        draws += 1
    assert sampler.exhausted
    assert draws == 2  # 2, then 8, which ends the pass


@given(STRATA, st.sets(st.integers(0, 59)), st.integers(0, 12))
def test_resuming_at_any_step_continues_exactly(strata, dead, steps):
    straight = sampler_of(strata)
    for _ in range(steps):
        straight.observe(outcomes(straight.draw(), dead))
    resumed = sampler_of(strata)
    resumed.load_state_dict(json.loads(json.dumps(straight.state_dict())))
    for _ in range(6):
        draw = straight.draw()
        assert draw == resumed.draw()
        straight.observe(outcomes(draw, dead))
        resumed.observe(outcomes(draw, dead))
    assert straight.state_dict() == resumed.state_dict()


def test_state_of_other_prompts_is_refused():
    with pytest.raises(ValueError, match="other prompts"):
        sampler_of(["x"] * 3).load_state_dict(sampler_of(["x"] * 4).state_dict())


def test_order_depends_on_the_seed_and_the_pass():
    def first_two_passes(seed: int) -> list[list[int]]:
        sampler = DynamicSampler(["x"] * 30, groups_per_update=30, seed=seed)
        passes = []
        for _ in range(2):
            passes.append(sampler.draw())
            sampler.observe([LIVE] * 30)
        return passes

    assert first_two_passes(1) == first_two_passes(1)
    assert first_two_passes(1) != first_two_passes(2)
    assert first_two_passes(1)[0] != first_two_passes(1)[1]


@given(STRATA, st.integers(0, 100))
def test_every_prefix_of_the_order_keeps_the_mix_of_objectives(strata, seed):
    sampler = DynamicSampler(strata, groups_per_update=len(strata), seed=seed)
    order = sampler.draw()
    totals, seen = Counter(strata), Counter()
    for length, index in enumerate(order, start=1):
        seen[strata[index]] += 1
        for name, total in totals.items():
            expected = length * total / len(strata)
            assert abs(seen[name] - expected) <= 0.5 + len(totals) / 2


def test_plain_grpo_draws_b_and_keeps_everything():
    sampler = sampler_of(["x"] * 20, b=4, enabled=False)
    assert sampler.observe([DEAD] * len(sampler.draw())) == [True] * 4
    assert len(sampler.draw()) == 4


@pytest.mark.parametrize(
    ("rewards", "learnable"),
    [
        ([0.0, 1.0], True),
        ([0.8, 1.0, None], True),
        ([0.8] * 8, False),
        ([1.0, 1.0, 1.0 - 1e-7], False),
        ([None, 1.0], False),
        ([None, None], False),
        ([], False),
    ],
)
def test_group_is_learnable_when_two_measured_rewards_differ(rewards, learnable):
    assert is_learnable(rewards) is learnable


def test_draw_and_observe_must_alternate():
    sampler = sampler_of(["x"] * 9)
    draw = sampler.draw()
    with pytest.raises(ValueError, match="not been observed"):
        sampler.draw()
    with pytest.raises(ValueError, match="not been observed"):
        sampler.state_dict()
    with pytest.raises(ValueError, match="groups of rewards"):
        sampler.observe([LIVE] * (len(draw) + 1))
