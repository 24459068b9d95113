"""Near-duplicates by Jaccard similarity of word n-grams, found with MinHash-LSH.

MinHash signatures propose candidates (Broder 1997; locality-sensitive hashing in bands, by
datasketch); the exact Jaccard similarity decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

CANDIDATE_FACTOR = 0.5
"""The LSH bands are laid out for this share of the threshold, so that a pair at the threshold is
a candidate nearly surely (0.9999999 at 0.70 with 250 permutations); the exact check removes the
extra candidates."""

_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """The text's words in lower case, in order, without punctuation."""
    return _WORD.findall(text.lower())


def shingles(text: str, ngram: int) -> frozenset[str]:
    """The text's n-grams of lower-case words; a shorter text is one shingle of all its words."""
    tokens = words(text)
    if not tokens:
        return frozenset()
    starts = range(max(1, len(tokens) - ngram + 1))
    return frozenset(" ".join(tokens[start : start + ngram]) for start in starts)


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Size of the intersection over size of the union; 1 for two empty sets."""
    union = len(a | b)
    return len(a & b) / union if union else 1.0


@dataclass(frozen=True)
class Fingerprint:
    """A text's shingles and their MinHash signature."""

    shingles: frozenset[str]
    signature: Any


def fingerprint(text: str, *, ngram: int, num_perm: int) -> Fingerprint:
    """A text's fingerprint, to be computed once and matched against several indexes."""
    from datasketch import MinHash

    grams = shingles(text, ngram)
    signature = MinHash(num_perm=num_perm, seed=1)
    signature.update_batch([gram.encode() for gram in sorted(grams)])
    return Fingerprint(grams, signature)


class NearDuplicateIndex:
    """Texts by key, and the search for one that is at least `threshold` similar to a new text."""

    def __init__(self, threshold: float, num_perm: int) -> None:
        from datasketch import MinHashLSH

        self._threshold = threshold
        self._lsh = MinHashLSH(threshold=threshold * CANDIDATE_FACTOR, num_perm=num_perm)
        self._shingles: dict[str, frozenset[str]] = {}

    def add(self, key: str, text: Fingerprint) -> None:
        """Put a text into the index; its key must be new."""
        self._lsh.insert(key, text.signature)
        self._shingles[key] = text.shingles

    def match(self, text: Fingerprint) -> str | None:
        """Key of the most similar text at or above the threshold (ties: the lowest key)."""
        similar = [
            (-jaccard(text.shingles, self._shingles[key]), key)
            for key in self._lsh.query(text.signature)
        ]
        best = min(similar, default=None)
        return best[1] if best is not None and -best[0] >= self._threshold else None
