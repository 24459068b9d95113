"""Values like another but for a part of them: what equals one of them too is not equal by merit.
Runs in the sandbox."""

from __future__ import annotations

from typing import Any


def decoys(value: Any) -> list[Any]:
    """Some values of the same kind that differ from `value`; none of them equals it."""
    return [made for made in _made(value) if made != value]


def _made(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float | complex):
        return [value + 1, value - 1, value + 0.5, 2 * value + 3, -value - 2, 10 * value + 7]
    if isinstance(value, str | bytes):
        more: Any = "a" if isinstance(value, str) else b"a"
        return [value + more, more + value, value[1:], value[:-1], value[::-1], value * 2]
    if isinstance(value, list | tuple):
        kind = list if isinstance(value, list) else tuple
        changed = [
            kind([*value[:place], other, *value[place + 1 :]])
            for place, item in list(enumerate(value))[:3]
            for other in _made(item)[:2]
        ]
        return [*changed, kind([*value, *value[:1], None]), kind(value[1:]), kind(value[::-1])]
    if isinstance(value, dict):
        less = dict(list(value.items())[1:])
        other = {key: (_made(held) or [None])[0] for key, held in value.items()}
        return [less, other, {**value, "another": 0}]
    if isinstance(value, set | frozenset):
        return [value | {"another"}, value - set(list(value)[:1]), value | {-1}]
    return [None, 0, ""]
