"""What names hold at a point of a program."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from purpcode.analyzers.flow.values import Value, joined


class Environment:
    """Values by path (`x`, `self.path`, `row['name']`), with the enclosing scopes behind it.

    `tests` remembers the condition a variable was assigned, so that testing the variable later is
    testing the condition.
    """

    __slots__ = ("_parts", "outer", "tests", "values")

    def __init__(self, outer: Environment | None = None) -> None:
        self.values: dict[str, Value] = {}
        self.tests: dict[str, ast.expr] = {}
        self.outer = outer
        self._parts = False  # whether any key is more than a name

    def copy(self) -> Environment:
        """An independent copy of this scope (the enclosing ones are shared)."""
        twin = Environment(self.outer)
        twin.values = self.values.copy()
        twin.tests = self.tests.copy()
        twin._parts = self._parts
        return twin

    def become(self, other: Environment) -> None:
        """Take over another state of this scope."""
        self.values, self.tests, self._parts = other.values, other.tests, other._parts

    def find(self, path: str) -> Value | None:
        """The value at a path, here or in an enclosing scope."""
        scope: Environment | None = self
        while scope is not None:
            value = scope.values.get(path)
            if value is not None:
                return value
            scope = scope.outer
        return None

    def find_test(self, path: str) -> ast.expr | None:
        """The condition last assigned to a variable of this scope."""
        return self.tests.get(path)

    def assign(self, path: str, value: Value, test: ast.expr | None = None) -> None:
        """Bind a path; what was known of its parts and conditions is forgotten."""
        if self._parts:
            for key in [key for key in self.values if _is_part(key, path)]:
                del self.values[key]
        if "." in path or "[" in path:
            self._parts = True
        self.values[path] = value
        self.tests.pop(path, None)
        if test is not None:
            self.tests[path] = test

    def refine(self, path: str, tokens: Iterable[str]) -> None:
        """Note the outcome of a test of what a path holds."""
        value = self.find(path)
        if value is None or not value.taints:
            return
        self.values[path] = value.passing(tokens)
        if "." in path or "[" in path:
            self._parts = True

    def join(self, other: Environment) -> None:
        """What holds where either state of this scope may."""
        for path, value in other.values.items():
            mine = self.values.get(path)
            if mine is None:
                outer = self.outer.find(path) if self.outer else None
                self.values[path] = joined(outer, value) if outer is not None else value
            elif mine is not value:
                self.values[path] = joined(mine, value)
        self._parts = self._parts or other._parts
        self.tests = {k: v for k, v in self.tests.items() if other.tests.get(k) is v}


def path_of(node: ast.AST) -> str | None:
    """The path of a name, an attribute of a path, or a constant subscript of one."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = path_of(node.value)
        return None if base is None else f"{base}.{node.attr}"
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        base = path_of(node.value)
        key = node.slice.value
        if base is not None and isinstance(key, str | int) and len(str(key)) < 100:
            return f"{base}[{key!r}]"
    return None


def _is_part(key: str, path: str) -> bool:
    return key.startswith(path) and len(key) > len(path) and key[len(path)] in ".["
