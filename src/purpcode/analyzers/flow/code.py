"""What the analysis saw a program do: calls, stores, comparisons, returns, displays.

Rules look here; none of them walks the control flow itself.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, TypeVar, overload

from purpcode.analyzers.flow.naming import NameTable, last_part, matches
from purpcode.analyzers.flow.tree import children, walk
from purpcode.analyzers.flow.values import NOTHING, Value

N = TypeVar("N", bound=ast.AST)
M = TypeVar("M", bound=ast.AST)
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class Scope:
    """The function (or module) that code stands in. `handler` says that it answers requests;
    `owner` is the class of a method; `decorators` are dotted names; `path` is unique."""

    path: str
    node: FunctionNode | ast.Module
    handler: bool = False
    owner: str | None = None
    decorators: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The function's own name, "" for the module and lambdas."""
        return getattr(self.node, "name", "")


@dataclass(frozen=True, eq=False)
class Call:
    """One call with the values of its arguments. `names` are the dotted names the callee may be,
    `managed` says that it opens a `with` block."""

    node: ast.Call
    names: frozenset[str]
    receiver: Value
    args: tuple[Value, ...]
    keywords: dict[str, Value]
    scope: Scope
    result: Value
    spread: bool = False
    """Whether `*args` or `**kwargs` may hold further arguments."""
    managed: bool = False
    callee: Value = NOTHING
    """The value called, unless it is a plain attribute of the receiver."""
    unpacked: tuple[Value, ...] = ()
    """What was given as `**mapping`."""

    def argument(self, position: int | None, keyword: str | None = None) -> Value | None:
        """An argument by position or keyword; None where it is not given (or may be spread)."""
        if keyword is not None and keyword in self.keywords:
            return self.keywords[keyword]
        if position is not None and position < len(self.args):
            return self.args[position]
        return None

    def node_of(self, position: int | None, keyword: str | None = None) -> ast.expr | None:
        """The expression of an argument."""
        for one in self.node.keywords:
            if keyword is not None and one.arg == keyword:
                return one.value
        if position is not None and position < len(self.node.args):
            return self.node.args[position]
        return None

    def fits(self, pattern: str) -> bool:
        """Whether the callee may be a name of that pattern."""
        return any(matches(name, pattern) for name in self.names)


@dataclass(frozen=True, eq=False)
class Store:
    """A value bound to a name, an attribute or a subscript. `names` are the dotted names of the
    target (`flask.Flask().debug`), `path` its spelling, `key` a constant subscript."""

    node: ast.stmt | ast.expr
    names: frozenset[str]
    path: str | None
    key: object
    value: Value
    scope: Scope
    source: ast.expr | None
    """The expression whose value is stored, where there is one."""
    key_value: Value = NOTHING
    """The value of the subscript."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """A comparison of two values."""

    node: ast.Compare
    left: Value
    operator: ast.cmpop
    right: Value
    scope: Scope


@dataclass(frozen=True, eq=False)
class Returned:
    """A value that a function returns (or yields)."""

    node: ast.stmt | ast.expr
    value: Value
    scope: Scope


@dataclass(frozen=True, eq=False)
class Display:
    """A dict display and its value."""

    node: ast.Dict
    value: Value
    scope: Scope


class _Wanted:
    """Name patterns, prepared so that a program without such names is soon told."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self.parts = [(one, last_part(one)) for one in patterns]
        self.lasts = frozenset(last for _, last in self.parts if "*" not in last)
        some_open = [one for one, last in self.parts if "*" in last]
        self._open = NameTable(dict.fromkeys(some_open, True)) if some_open else None

    def occurs_in(self, lasts: Collection[str], names: Iterable[str]) -> bool:
        """Whether one of these names, whose last parts are `lasts`, may fit a pattern."""
        if not self.lasts.isdisjoint(lasts):
            return True
        return self._open is not None and any(map(self._open.find, names))


@lru_cache(maxsize=4096)
def _wanted(patterns: tuple[str, ...]) -> _Wanted:
    return _Wanted(patterns)


@dataclass
class Code:
    """A program and everything that was seen in it."""

    tree: ast.Module
    text: str
    calls: list[Call] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    returns: list[Returned] = field(default_factory=list)
    displays: list[Display] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    """Dotted names of every module or member imported anywhere."""
    _by_kind: dict[tuple[type[ast.AST], ...], list[Any]] = field(default_factory=dict)

    def calls_to(self, patterns: Sequence[str]) -> Iterator[Call]:
        """Calls whose callee may fit one of the patterns, each once, in order of the patterns."""
        wanted = _wanted(tuple(patterns))
        if wanted.occurs_in(self._calls_by_last, self._called):
            return self._calls_wanted(wanted)
        return iter(())

    def _calls_wanted(self, wanted: _Wanted) -> Iterator[Call]:
        index = self._calls_by_last
        seen: set[int] = set()
        for pattern, last in wanted.parts:
            found = self.calls if "*" in last else index.get(last, ())
            exact = "*" not in pattern
            for call in found:
                if id(call) in seen:
                    continue
                if pattern in call.names if exact else call.fits(pattern):
                    seen.add(id(call))
                    yield call

    def stores_to(self, patterns: Sequence[str]) -> Iterator[Store]:
        """Stores whose target may fit one of the patterns."""
        wanted = _wanted(tuple(patterns))
        if not wanted.occurs_in(self._stored_lasts, self._stored):
            return
        for store in self.stores:
            if any(matches(name, pattern) for name in store.names for pattern in patterns):
                yield store

    def uses_module(self, *prefixes: str) -> bool:
        """Whether anything of these packages is imported."""
        return not self._packages.isdisjoint(prefixes)

    def value_at(self, node: ast.expr) -> Value:
        """The value last seen for a call expression, else a value of which nothing is known."""
        call = self._call_by_node.get(id(node))
        return call.result if call else NOTHING

    @overload
    def nodes_of(self, one: type[N], /) -> list[N]: ...

    @overload
    def nodes_of(self, one: type[N], two: type[M], /) -> list[N | M]: ...

    @overload
    def nodes_of(self, *kinds: type[ast.AST]) -> list[Any]: ...

    def nodes_of(self, *kinds: type[ast.AST]) -> list[Any]:
        """Every node of exactly these kinds, in the order of `nodes`; found once."""
        known = self._by_kind.get(kinds)
        if known is None:
            found = [pair for kind in kinds for pair in self._by_type.get(kind, ())]
            if len(kinds) > 1:
                found.sort(key=lambda pair: pair[0])
            known = [node for _, node in found]
            self._by_kind[kinds] = known
        return known

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree, for rules about form."""
        return list(walk(self.tree))

    @cached_property
    def parents(self) -> dict[int, ast.AST]:
        """The node around each node, by `id`."""
        return {id(child): node for node in self.nodes for child in children(node)}

    @cached_property
    def parent_nodes(self) -> dict[ast.AST, ast.AST]:
        """The node around each node."""
        return {child: node for node in self.nodes for child in children(node)}

    def call_at(self, node: ast.AST | None) -> Call | None:
        """The call last seen at an expression."""
        return self._call_by_node.get(id(node))

    @cached_property
    def _by_type(self) -> dict[type[ast.AST], list[tuple[int, ast.AST]]]:
        index: dict[type[ast.AST], list[tuple[int, ast.AST]]] = defaultdict(list)
        for place, node in enumerate(self.nodes):
            index[type(node)].append((place, node))
        return index

    @cached_property
    def _calls_by_last(self) -> dict[str, list[Call]]:
        index: dict[str, list[Call]] = defaultdict(list)
        for call in self.calls:
            for last in {last_part(name) for name in call.names}:
                index[last].append(call)
        return dict(index)

    @cached_property
    def _packages(self) -> frozenset[str]:
        """Everything imported and the packages around it: of `a.b.c` also `a.b` and `a`."""
        found: set[str] = set()
        for name in self.imports:
            parts = name.split(".")
            found.update(".".join(parts[: count + 1]) for count in range(len(parts)))
        return frozenset(found)

    @cached_property
    def _stored(self) -> frozenset[str]:
        """The names of all targets."""
        return frozenset().union(*(store.names for store in self.stores))

    @cached_property
    def _stored_lasts(self) -> frozenset[str]:
        return frozenset(map(last_part, self._stored))

    @cached_property
    def _called(self) -> frozenset[str]:
        """The names of all callees."""
        return frozenset().union(*(call.names for call in self.calls))

    @cached_property
    def _call_by_node(self) -> dict[int, Call]:
        return {id(call.node): call for call in self.calls}
