"""What the analysis knows of libraries: which names are one, where outside data enters, which
functions carry nothing on, which never return. One file per family of libraries."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from purpcode.analyzers.flow.naming import NameTable
from purpcode.analyzers.flow.values import SourceKind


@dataclass(frozen=True)
class LibraryModel:
    """Facts about a family of libraries. Keys and entries are name patterns (`*` matches anything);
    `f()` stands for what calling `f` gives, `?x` for an unresolved name `x`.

    `aliases` maps a name to the one rules know it by, `sources` a value or result to the kind of
    outside data it is, `silent` lists functions whose result carries no data of their arguments,
    `exits` those that never return, `handlers` decorators that make a function's parameters request
    data, `request_parameters` the names of parameters that are the request itself.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, SourceKind] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    exits: tuple[str, ...] = ()
    handlers: tuple[str, ...] = ()
    request_parameters: tuple[str, ...] = ()


class Library:
    """All models as one, with fast look-ups."""

    def __init__(self, models: list[LibraryModel]) -> None:
        self._aliases = NameTable({k: v for one in models for k, v in one.aliases.items()})
        self._sources = NameTable({k: v for one in models for k, v in one.sources.items()})
        self._silent = NameTable({name: True for one in models for name in one.silent})
        self._exits = NameTable({name: True for one in models for name in one.exits})
        self._handlers = NameTable({name: True for one in models for name in one.handlers})
        self.request_parameters = frozenset(n for one in models for n in one.request_parameters)

    def canonical(self, name: str) -> str:
        """The name that rules know a dotted name by."""
        for _ in range(4):
            alias = self._aliases.find(name)
            if alias is None or alias == name:
                return name
            name = alias
        return name

    def source_kind(self, name: str) -> SourceKind | None:
        """The kind of outside data that a name stands for, if any."""
        return self._sources.find(name)

    def is_silent(self, name: str) -> bool:
        """Whether a function's result carries nothing of its arguments (a request's own query is no
        query of a database)."""
        return not name.startswith("web.request.query") and self._silent.find(name) is not None

    def never_returns(self, name: str) -> bool:
        """Whether a function ends the program or the request."""
        return self._exits.find(name) is not None

    def is_handler_decorator(self, name: str) -> bool:
        """Whether a decorator makes a function a request handler."""
        return self._handlers.find(name) is not None


@cache
def load_library() -> Library:
    """The models of every module in this package."""
    return Library(
        [
            importlib.import_module(f"{__name__}.{module.name}").MODEL
            for module in pkgutil.iter_modules(__path__)
        ]
    )
