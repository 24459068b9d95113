"""Cohen's kappa, (p_o - p_e) / (1 - p_e): observed agreement p_o corrected for the agreement p_e
that the two label frequencies alone would give (Cohen, 1960); and how far it can still rise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Cohen's kappa of (label, judged) pairs; 0 without pairs, and when only one label occurs
    (chance alone then explains all agreement)."""
    total = len(pairs)
    if total == 0:
        return 0.0
    observed = sum(label == judged for label, judged in pairs) / total
    labels = Counter(label for label, _ in pairs)
    judged_as = Counter(judged for _, judged in pairs)
    expected = sum(labels[key] * judged_as[key] for key in labels) / total**2
    return (observed - expected) / (1.0 - expected) if expected < 1.0 else 0.0


def best_kappa(pairs: Sequence[tuple[str, str]], remaining: Iterable[str]) -> float:
    """The kappa of the pairs if every remaining label were agreed with.

    Where this is positive, no other answers to the remaining ones (other labels, or none) give
    more. With D disagreements among n pairs, label counts r and judged counts c, and S the sum of
    r_k c_k, 1 - kappa is D n / (n^2 - S). An agreement on k more makes it no larger, since
    n^2 - n r_k - n c_k + S >= (n - r_k)(n - c_k) >= 0. A disagreement (i judged j) made an
    agreement makes it no larger where n^2 - S >= D (r_i - r_j), which holds for kappa >= 0: there
    n^2 - S = D n / (1 - kappa) >= D n.
    """
    return cohen_kappa([*pairs, *((label, label) for label in remaining)])
