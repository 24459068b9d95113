"""Seeded round-robin draws, so that a cap keeps every group and variant evenly represented."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from typing import TypeVar

T = TypeVar("T")
_GAP = object()


def round_robin(
    items: Sequence[T],
    *,
    group: Callable[[T], str],
    variant: Callable[[T], str],
    unit: Callable[[T], str],
    rng: random.Random,
) -> list[T]:
    """All items, ordered so that any prefix is spread evenly.

    Groups (rules, categories) take turns. Within a group the variants (strategies) take turns,
    each group starting one variant later than the one before, and each variant starting at
    another unit (task), so a short prefix also repeats few units.
    """
    groups = _shuffled({group(item) for item in items}, rng)
    variants = _shuffled({variant(item) for item in items}, rng)
    queues: list[list[T]] = []
    for turn, name in enumerate(groups):
        members = [item for item in items if group(item) == name]
        units = _shuffled({unit(item) for item in members}, rng)
        lanes: list[list[T]] = []
        for lane in range(len(variants)):
            wanted = variants[(turn + lane) % len(variants)]
            order = units[lane % len(units) :] + units[: lane % len(units)]
            chosen = [item for item in members if variant(item) == wanted]
            lanes.append([item for key in order for item in chosen if unit(item) == key])
        queues.append(_interleave(lanes))
    return _interleave(queues)


def _shuffled(names: set[str], rng: random.Random) -> list[str]:
    ordered = sorted(names)
    rng.shuffle(ordered)
    return ordered


def _interleave(queues: Sequence[Sequence[T]]) -> list[T]:
    turns = chain.from_iterable(zip_longest(*queues, fillvalue=_GAP))
    return [item for item in turns if item is not _GAP]  # type: ignore[misc]
