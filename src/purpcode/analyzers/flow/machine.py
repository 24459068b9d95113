"""The state of one analysis: what was seen, which functions and classes the program defines, and
how much work is left."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from purpcode.analyzers.flow.code import Call, Code, FunctionNode, Scope
from purpcode.analyzers.flow.environment import Environment
from purpcode.analyzers.flow.library import Library
from purpcode.analyzers.flow.values import Value, joined

MAX_DEPTH = 4
"""Local calls followed into each other."""
STEPS_AT_LEAST = 60_000
STEPS_PER_CHARACTER = 30


class TooComplex(Exception):
    """The analysis of a program took more steps than it may; nothing found so far counts."""


@dataclass
class LocalFunction:
    """A function of the program, and the scope it was defined in."""

    node: FunctionNode
    environment: Environment
    scope: Scope
    bound: bool = False
    """Whether its first parameter is the instance or class."""


@dataclass
class LocalClass:
    """A class of the program: its methods by name, and the dotted names of its bases."""

    name: str
    node: ast.ClassDef
    bases: tuple[str, ...]
    methods: dict[str, LocalFunction] = field(default_factory=dict)


class Machine(ABC):
    """Shared by all parts of the interpreter, which reach each other through it."""

    def __init__(self, code: Code, library: Library) -> None:
        self.code = code
        self.library = library
        self.functions: dict[str, LocalFunction] = {}
        self.classes: dict[str, LocalClass] = {}
        self.attributes: dict[str, Value] = {}
        """What instances of local classes hold, by `@Class().attribute`."""
        self.memory: dict[tuple[Any, ...], Value] = {}
        self.active: list[str] = []
        self.returned: list[list[Value]] = []
        self.breaks: list[list[Environment]] = []
        self.scope = Scope("", code.tree)
        self.current_class: str | None = None
        """The class whose body is being executed."""
        self.managed: set[int] = set()
        """ids of the call nodes that open a `with` block."""
        self._steps = STEPS_AT_LEAST + STEPS_PER_CHARACTER * len(code.text)

    @abstractmethod
    def evaluate(self, env: Environment, node: ast.expr) -> Value:
        """The abstract value of an expression."""

    @abstractmethod
    def callee_names(self, env: Environment, node: ast.Call) -> frozenset[str]:
        """The names a call's callee may be."""

    @abstractmethod
    def run(self, function: LocalFunction, receiver: Value | None, call: Call) -> Value:
        """The result of a local function for the arguments of a call."""

    def step(self) -> None:
        """Count one step; raises TooComplex when none is left."""
        self._steps -= 1
        if self._steps < 0:
            raise TooComplex

    def remember_attribute(self, names: frozenset[str], value: Value) -> None:
        """Keep what is stored in an attribute of a local class's instances."""
        for name in names:
            if name.startswith("@"):
                known = self.attributes.get(name)
                self.attributes[name] = value if known is None else joined(known, value)

    def method(self, name: str) -> LocalFunction | None:
        """The local function of a dotted name such as `@Class().method`, through its bases."""
        if name in self.functions:
            return self.functions[name]
        owner, dot, method = name.rpartition(".")
        if not dot or not owner.startswith("@"):
            return None
        seen: set[str] = set()
        queue = [owner[1:].removesuffix("()")]
        while queue:
            wanted = queue.pop(0)
            found = self.classes.get(wanted)
            if found is None or wanted in seen:
                continue
            seen.add(wanted)
            if method in found.methods:
                return found.methods[method]
            queue += [base[1:].removesuffix("()") for base in found.bases if base.startswith("@")]
        return None
