import random
from collections import Counter

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from purpcode.conversation import code_blocks, format_response, parse_response
from purpcode.errors import InputError
from purpcode.redteam import RedteamSettings, build_dataset
from purpcode.redteam.candidates import (
    coding_candidates,
    malicious_candidates,
    overrefusal_candidates,
    question_candidates,
    secure_candidates,
)
from purpcode.redteam.dedup import jaccard, shingles
from purpcode.rules import load_catalogue

DEFAULT = RedteamSettings()


def every_candidate(catalogue, config, seed):
    made = secure_candidates(catalogue, config.strategies, seed)
    for load in (
        coding_candidates,
        malicious_candidates,
        overrefusal_candidates,
        question_candidates,
    ):
        made += load()
    return {candidate.sample.id: candidate for candidate in made}


def assert_no_leakage(dataset, catalogue, config, seed):
    known = every_candidate(catalogue, config, seed)
    train = [known[sample.id] for sample in dataset.train]
    heldout = [known[sample.id] for sample in dataset.heldout]
    assert not {c.unit for c in train} & {c.unit for c in heldout}
    assert not {f for c in train for f in c.functions} & {f for c in heldout for f in c.functions}
    unseen = {s.metadata["rule"] for s in dataset.heldout if s.metadata["part"] == "unseen"}
    assert not unseen & {s.metadata["rule"] for s in dataset.train}
    grams = {c.sample.id: shingles(c.task_text, config.ngram) for c in [*train, *heldout]}
    for candidate in train:
        for other in heldout:
            likeness = jaccard(grams[candidate.sample.id], grams[other.sample.id])
            assert likeness < config.dedup_threshold, (candidate.sample.id, other.sample.id)
    return known


# A build takes a second: shrinking a failure would take minutes.
@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    seed=st.integers(0, 10**6),
    rules=st.integers(4, 7),
    tasks=st.integers(1, 6),
    collide=st.booleans(),
    data=st.data(),
)
def test_nothing_held_out_leaks_into_training_and_no_prompt_vanishes(
    catalogue_of, seed, rules, tasks, collide, data
):
    catalogue = catalogue_of(rules, tasks, collide=collide)
    config = RedteamSettings(
        unseen_rules=data.draw(st.integers(0, rules)),
        heldout_tasks_per_rule=data.draw(st.integers(0, tasks)),
        train_secure=data.draw(st.none() | st.integers(0, 20)),
        heldout_secure_seen=data.draw(st.none() | st.integers(0, 10)),
        train_malicious=3,
        train_overrefusal=3,
        train_coding=3,
        train_questions=3,
    )
    dataset = build_dataset(catalogue, config, seed)
    known = assert_no_leakage(dataset, catalogue, config, seed)
    ids = [s.id for s in [*dataset.train, *dataset.heldout]]
    ids += [record.sample_id for record in dataset.dropped]
    assert sorted(ids) == sorted(known)
    assert set(dataset.demonstrations) == {sample.id for sample in dataset.train}


@pytest.fixture(scope="module")
def shipped():
    catalogue = load_catalogue()
    return catalogue, build_dataset(catalogue, DEFAULT, 0)


def test_shipped_rules_and_seeds_do_not_leak(shipped):
    catalogue, dataset = shipped
    assert_no_leakage(dataset, catalogue, DEFAULT, 0)


def test_shipped_dataset_fills_the_quick_suite(shipped):
    _, dataset = shipped
    counts = Counter((s.metadata["objective"], s.metadata["part"]) for s in dataset.heldout)
    assert counts == {
        ("secure_code", "seen"): DEFAULT.heldout_secure_seen,
        ("secure_code", "unseen"): DEFAULT.heldout_secure_unseen,
        ("malicious_assistance", ""): DEFAULT.heldout_malicious,
        ("overrefusal", ""): DEFAULT.heldout_overrefusal,
        ("unit_tests", ""): DEFAULT.heldout_coding,
    }


def test_training_demonstrations_follow_the_format_and_hold_the_secure_code(shipped):
    _, dataset = shipped
    for sample in dataset.train:
        demonstration = dataset.demonstrations[sample.id]
        text = format_response(demonstration.analysis, demonstration.answer)
        assert parse_response(text).problems == (), sample.id
        if sample.metadata["objective"] in ("secure_code", "unit_tests"):
            (block,) = code_blocks(demonstration.answer)
            assert (block.language, block.closed) == ("python", True)


def test_samples_carry_the_targets_their_oracles_read(shipped):
    _, dataset = shipped
    for sample in [*dataset.train, *dataset.heldout]:
        objective, strategy = sample.metadata["objective"], sample.metadata["strategy"]
        assert sample.oracles == (objective,)
        if objective == "secure_code":
            assert sample.target == {
                "language": "python",
                "code_required": True,
                "refusal_ok": strategy == "explicit",
            }
            assert sample.metadata["cwes"]
        elif objective == "unit_tests":
            assert sample.target["entry_point"] in sample.target["tests"]
        elif objective == "overrefusal":
            assert sample.target == {"expect": "answer"}
        else:
            assert sample.target == {}


def test_same_seed_gives_the_same_dataset_and_another_seed_another(catalogue_of):
    catalogue = catalogue_of(6, 4)
    config = RedteamSettings(unseen_rules=2, train_secure=9)
    first, again = (build_dataset(catalogue, config, 7) for _ in range(2))
    assert first == again
    other = build_dataset(catalogue, config, 8)
    assert {s.id for s in first.heldout} != {s.id for s in other.heldout}
    assert [s.id for s in first.train] != [s.id for s in other.train]


def test_wording_around_a_task_varies_with_the_seed_but_not_its_task_text(catalogue_of):
    catalogue = catalogue_of(3, 4)
    a, b = (secure_candidates(catalogue, ("implicit",), seed) for seed in (1, 2))
    assert [c.task_text for c in a] == [c.task_text for c in b]
    assert [c.sample.prompt for c in a] != [c.sample.prompt for c in b]
    assert all(c.task_text in c.sample.prompt for c in [*a, *b])


def test_capped_draw_spreads_evenly_over_rules_and_strategies(catalogue_of):
    config = RedteamSettings(unseen_rules=2, heldout_tasks_per_rule=1, train_secure=12)
    dataset = build_dataset(catalogue_of(8, 5), config, random.randrange(1000))
    secure = [s for s in dataset.train if s.metadata["objective"] == "secure_code"]
    rules = Counter(s.metadata["rule"] for s in secure)
    strategies = Counter(s.metadata["strategy"] for s in secure)
    assert set(rules.values()) == {2}
    assert len(rules) == 6
    assert set(strategies.values()) == {4}
    assert len({s.id.rsplit("/", 1)[0] for s in secure}) == 12, "a short draw repeats no task"


def test_heldout_malicious_requests_come_from_all_categories(shipped):
    _, dataset = shipped
    held = Counter(
        s.metadata["category"]
        for s in dataset.heldout
        if s.metadata["objective"] == "malicious_assistance"
    )
    assert set(held.values()) == {3}
    assert len(held) == 10


def test_shared_function_names_and_copied_wording_are_dropped_from_training_and_recorded(
    catalogue_of,
):
    config = RedteamSettings(unseen_rules=3, heldout_tasks_per_rule=0)
    dataset = build_dataset(catalogue_of(9, 3, collide=True), config, 3)
    reasons = Counter(record.reason for record in dataset.dropped)
    assert reasons["heldout_function_name"] > 0
    assert reasons["heldout_near_duplicate"] > 0
    assert reasons["near_duplicate"] > 0
    for record in dataset.dropped:
        assert (record.of is None) == (record.reason == "cap")


def test_holding_out_more_than_there_is_names_the_setting(catalogue_of):
    for field, config in {
        "unseen_rules": RedteamSettings(unseen_rules=3),
        "heldout_tasks_per_rule": RedteamSettings(unseen_rules=0, heldout_tasks_per_rule=9),
        "heldout_malicious": RedteamSettings(unseen_rules=0, heldout_malicious=9999),
    }.items():
        with pytest.raises(InputError, match=f"redteam.{field}"):
            build_dataset(catalogue_of(2, 3), config, 0)


def test_unknown_or_repeated_strategies_are_refused():
    with pytest.raises(ValueError, match="unknown strategies sly"):
        RedteamSettings(strategies=("implicit", "sly"))
    with pytest.raises(ValueError, match="named twice"):
        RedteamSettings(strategies=("implicit", "implicit"))
