import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purpcode.redteam.coverage import distinct_n
from purpcode.redteam.dedup import NearDuplicateIndex, fingerprint, jaccard, shingles
from purpcode.redteam.stratify import round_robin

WORDS = ["red", "green", "blue", "one", "two", "three"]
texts = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)


def test_shingles_ignore_case_and_punctuation_and_short_texts_are_one_shingle():
    assert shingles("Kill the PROCESS, now!", 3) == {"kill the process", "the process now"}
    assert shingles("Stop it", 3) == {"stop it"}
    assert shingles("?!", 3) == frozenset()


@given(texts, texts)
def test_jaccard_is_symmetric_and_one_only_for_equal_sets(a, b):
    left, right = shingles(a, 2), shingles(b, 2)
    assert jaccard(left, right) == jaccard(right, left)
    assert (jaccard(left, right) == 1.0) == (left == right)


@settings(max_examples=60, deadline=None)
@given(st.lists(texts, min_size=1, max_size=8), texts)
def test_index_agrees_with_exhaustive_exact_search(stored, query):
    index = NearDuplicateIndex(0.7, 250)
    for row, text in enumerate(stored):
        index.add(f"{row:03d}", fingerprint(text, ngram=2, num_perm=250))
    wanted = shingles(query, 2)
    similar = {f"{row:03d}": jaccard(wanted, shingles(t, 2)) for row, t in enumerate(stored)}
    best = max(similar, key=lambda key: similar[key])
    expected = best if similar[best] >= 0.7 else None
    assert index.match(fingerprint(query, ngram=2, num_perm=250)) == expected


def test_pairs_just_below_the_threshold_are_not_near_duplicates():
    a = " ".join(f"w{i}" for i in range(20))
    b = " ".join(f"w{i}" for i in range(4, 24))
    likeness = jaccard(shingles(a, 1), shingles(b, 1))
    index = NearDuplicateIndex(likeness + 0.01, 250)
    index.add("a", fingerprint(a, ngram=1, num_perm=250))
    assert index.match(fingerprint(b, ngram=1, num_perm=250)) is None


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 4))),
    st.integers(),
)
def test_round_robin_keeps_all_items_and_balances_every_prefix_over_full_groups(items, seed):
    items = sorted(set(items))
    drawn = round_robin(
        items,
        group=lambda item: item[0],
        variant=lambda item: item[1],
        unit=lambda item: str(item[2]),
        rng=random.Random(seed),
    )
    assert sorted(drawn) == items
    sizes = {name: sum(item[0] == name for item in items) for name, _, _ in items}
    smallest = min(sizes.values(), default=0)
    prefix = [item[0] for item in drawn[: smallest * len(sizes)]]
    assert all(prefix.count(name) == smallest for name in sizes)


def test_distinct_n_counts_repeated_wording():
    assert distinct_n(["a b", "a b"], 1) == pytest.approx(0.5)
    assert distinct_n(["a b c", "d e f"], 2) == 1.0
    assert distinct_n(["one"], 2) is None
