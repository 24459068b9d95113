"""Whether a regular expression can take exponential time: exact for what it can model.

A backtracking matcher takes exponential time where a position of the pattern can be left and
reached again by two different ways over the same text (Weber and Seidl's criterion of exponential
ambiguity), and something after the loop can fail. The pattern becomes its position automaton, in
which an edge counts how many ways there are to take it: `(a+)+` goes from `a` to `a` in two.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_ALPHABET = [chr(code) for code in range(128)] + ["\xa0", "\xe9", "\u0660", "\u2028", "\u4e2d"]
_MOST_COPIES = 6
_MANY = 25
"""A bounded repeat of that many counts as unbounded: 25 doublings are enough."""
_MOST_POSITIONS = 160
_MOST_PAIRS = 60_000


class _GiveUp(Exception):
    """The pattern holds what the automaton does not model."""


@dataclass
class _Part:
    """A part of the pattern: in how many ways it may be empty (at most 2 count), begin and end."""

    empty: int = 1
    first: Counter[int] = field(default_factory=Counter)
    last: Counter[int] = field(default_factory=Counter)


class _Automaton:
    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.masks: list[int] = []
        self.edges: Counter[tuple[int, int]] = Counter()
        self.loops: list[tuple[int, int]] = []
        """Ranges of positions of loops after which matching may fail."""

    def sequence(self, items: Sequence[tuple[Any, Any]], can_fail: bool, looped: bool) -> _Part:
        whole = _Part()
        if not items:
            return whole
        fails = [can_fail]
        for code, argument in reversed(items[1:]):
            fails.append(fails[-1] or _may_fail(code, argument))
        for (code, argument), after in zip(items, reversed(fails), strict=True):
            self._follow(whole, self._one(code, argument, after, looped))
        return whole

    def _follow(self, whole: _Part, part: _Part) -> None:
        self._connect(whole.last, part.first)
        whole.first += _times(part.first, whole.empty)
        whole.last = part.last + _times(whole.last, part.empty)
        whole.empty = min(whole.empty * part.empty, 2)

    def _connect(self, sources: Counter[int], targets: Counter[int]) -> None:
        for source, ways in sources.items():
            for target, more in targets.items():
                self.edges[source, target] += min(ways * more, 2)

    def _one(self, code: Any, argument: Any, can_fail: bool, looped: bool) -> _Part:
        if code in (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN):
            return self._position(code, argument)
        if code is op.SUBPATTERN:
            return self.sequence(list(argument[3]), can_fail, looped)
        if code is op.BRANCH:
            whole = _Part(empty=0)
            for branch in argument[1]:
                part = self.sequence(list(branch), can_fail, looped)
                whole.first += part.first
                whole.last += part.last
                whole.empty = min(whole.empty + part.empty, 2)
            return whole
        if code in (op.MAX_REPEAT, op.MIN_REPEAT):
            least, most, body = argument
            return self._repeat(least, most, list(body), can_fail, looped)
        if code in (op.AT, op.ASSERT, op.ASSERT_NOT) and not looped:
            return _Part()  # inside a loop they may be what makes it unambiguous
        raise _GiveUp

    def _position(self, code: Any, argument: Any) -> _Part:
        if len(self.masks) >= _MOST_POSITIONS:
            raise _GiveUp
        self.masks.append(_mask(code, argument, self.flags))
        here = Counter({len(self.masks) - 1: 1})
        return _Part(0, here, here.copy())

    def _repeat(
        self, least: int, most: Any, items: list[Any], can_fail: bool, looped: bool
    ) -> _Part:
        start = len(self.masks)
        unbounded = most is op.MAXREPEAT or most >= _MANY
        whole = _Part()
        if not unbounded:
            for copy in range(min(most, _MOST_COPIES)):
                part = self.sequence(items, can_fail, looped)
                part.empty = max(part.empty, int(copy >= least))
                self._follow(whole, part)
            return whole
        for _ in range(min(least, _MOST_COPIES) - 1):
            self._follow(whole, self.sequence(items, True, looped))
        loop = self.sequence(items, can_fail, True)
        self._connect(loop.last, loop.first)
        loop.empty = max(loop.empty, int(least == 0))
        self._follow(whole, loop)
        if can_fail:
            self.loops.append((start, len(self.masks)))
        return whole

    def is_ambiguous(self) -> bool:
        """Whether a loop after which matching may fail has two ways round over one text."""
        after: dict[int, list[int]] = defaultdict(list)
        for source, target in self.edges:
            after[source].append(target)
        for start, end in self.loops:
            inside = range(start, end)
            for component in _components(
                inside, {p: [q for q in after[p] if q in inside] for p in inside}
            ):
                if self._has_two_ways(component, after):
                    return True
        return False

    def _has_two_ways(self, component: set[int], after: dict[int, list[int]]) -> bool:
        inner = {p: [q for q in after[p] if q in component] for p in component}
        if any(self.edges[p, q] > 1 for p, targets in inner.items() for q in targets):
            return True
        if sum(map(len, inner.values())) ** 2 > _MOST_PAIRS:
            raise _GiveUp
        pairs = {
            (p, q): [(a, b) for a in inner[p] for b in inner[q] if self.masks[a] & self.masks[b]]
            for p in component
            for q in component
        }
        for group in _components(pairs, pairs):
            if any(p == q for p, q in group) and any(p != q for p, q in group):
                return True
        return False


def _times(ways: Counter[int], factor: int) -> Counter[int]:
    return Counter(
        {place: min(count * factor, 2) for place, count in ways.items()} if factor else {}
    )


def _may_fail(code: Any, argument: Any) -> bool:
    """Whether a part of a pattern can refuse a text (what may be empty cannot)."""
    if code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        return argument[0] > 0 and any(_may_fail(*one) for one in argument[2])
    if code is op.SUBPATTERN:
        return any(_may_fail(*one) for one in argument[3])
    if code is op.BRANCH:
        return all(any(_may_fail(*one) for one in branch) for branch in argument[1])
    return True


@lru_cache(maxsize=2_000)
def _mask_of_text(text: str) -> int:
    return sum(1 << index for index, char in enumerate(_ALPHABET) if char in text)


def _mask(code: Any, argument: Any, flags: int) -> int:
    """The characters of the sample alphabet that a set accepts, as bits."""
    every = (1 << len(_ALPHABET)) - 1
    if code is op.ANY:
        return every if flags & re.DOTALL else every & ~_mask_of_text("\n")
    if code in (op.LITERAL, op.NOT_LITERAL):
        char = chr(argument)
        mask = _mask_of_text(char + char.lower() + char.upper() if flags & re.IGNORECASE else char)
        return every & ~mask if code is op.NOT_LITERAL else mask
    mask, negated = 0, False
    for kind, value in argument:
        if kind is op.NEGATE:
            negated = True
        elif kind is op.LITERAL:
            mask |= _mask(kind, value, flags)
        elif kind is op.RANGE:
            chars = "".join(c for c in _ALPHABET if value[0] <= ord(c) <= value[1])
            mask |= _mask_of_text(chars + chars.swapcase() if flags & re.IGNORECASE else chars)
        elif kind is op.CATEGORY:
            mask |= _category(value)
        else:
            raise _GiveUp
    return every & ~mask if negated else mask


def _category(category: Any) -> int:
    name = str(category)
    form = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}.get(name.rpartition("_")[2])
    if form is None:
        raise _GiveUp
    accepted = "".join(char for char in _ALPHABET if re.match(form, char))
    every = (1 << len(_ALPHABET)) - 1
    return every & ~_mask_of_text(accepted) if "NOT" in name else _mask_of_text(accepted)


def _components(nodes: Iterable[Any], after: Any) -> list[set[Any]]:
    """Strongly connected components with a cycle (Tarjan's, without recursion)."""
    found: list[set[Any]] = []
    index: dict[Any, int] = {}
    low: dict[Any, int] = {}
    stack: list[Any] = []
    waiting: set[Any] = set()
    for root in nodes:
        if root in index:
            continue
        work = [(root, iter(after[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        waiting.add(root)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    waiting.add(target)
                    work.append((target, iter(after[target])))
                    break
                if target in waiting:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component: set[Any] = set()
                    while node not in component:
                        component.add(stack.pop())
                    waiting -= component
                    if len(component) > 1 or node in after[node]:
                        found.append(component)
    return found


@lru_cache(maxsize=5_000)
def is_exponential(pattern: str, flags: int = 0, *, whole: bool = False) -> bool:
    """Whether matching can take time exponential in the text's length. `whole` says that the whole
    text must match (`fullmatch`), so that the end can fail too. What is not understood is not."""
    if len(pattern) > 2_000:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parser.parse(pattern, flags)
        automaton = _Automaton(tree.state.flags)
        automaton.sequence(list(tree), whole, False)
        return automaton.is_ambiguous()
    except (re.error, _GiveUp, RecursionError, OverflowError, ValueError):
        return False
