"""Which asserts of a test were reached: code must not lead its tests past them. Runs in the
sandbox."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

MARK = "__assert_reached__"
"""Name under which the tests find the function that notes a mark."""

_TEXT_CHARS = 200
_CATCHING = frozenset(
    ("raises", "suppress", "assertRaises", "assertRaisesRegex", "deprecated_call")
)


@dataclass(frozen=True)
class MarkedAssert:
    """Where an assert stands: the mark of the function around it (None at top level), and whether
    a branch may leave it out."""

    function: int | None
    conditional: bool


@dataclass
class Marks(ast.NodeTransformer):
    """Notes every assert and every function entered, and makes an assert's text its message.

    `assert False` is left out: it says that a line must not be reached.
    """

    asserts: dict[int, MarkedAssert] = field(default_factory=dict)
    reached: set[int] = field(default_factory=set)
    _functions: dict[int, str] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)
    _around: list[int] = field(default_factory=list)
    _branches: int = 0
    _next: int = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Mark the entry of a function."""
        self._enter(node)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        """Mark the entry of an async function."""
        self._enter(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """Note what the tests name."""
        self._names.add(node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        """Note what the tests name."""
        self._names.add(node.attr)
        self.generic_visit(node)
        return node

    def visit_If(self, node: ast.If) -> ast.If:
        """Note that a branch may leave out what stands in it."""
        self._branch(node)
        return node

    def visit_Match(self, node: ast.Match) -> ast.Match:
        """Note that a branch may leave out what stands in it."""
        self._branch(node)
        return node

    def visit_Try(self, node: ast.Try) -> ast.Try:
        """Note that an expected exception may leave out what stands in it."""
        if node.handlers:
            self._branch(node)
        else:
            self.generic_visit(node)
        return node

    def visit_With(self, node: ast.With) -> ast.With:
        """Note that an expected exception may leave out what stands in it."""
        if any(_catches(item.context_expr) for item in node.items):
            self._branch(node)
        else:
            self.generic_visit(node)
        return node

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        """Mark an assert, and have it say its own text."""
        text = ast.unparse(node)[:_TEXT_CHARS]
        named = ast.Assert(test=node.test, msg=ast.Constant(f"failed: {text}"))
        ast.copy_location(named, node)
        if isinstance(node.test, ast.Constant):
            return [named]
        mark, call = self._mark()
        around = self._around[-1] if self._around else None
        self.asserts[mark] = MarkedAssert(around, self._branches > 0)
        return [call, named]

    def missed(self) -> str | None:
        """Why the asserts reached are too few; None when they are enough."""
        for mark, marked in self.asserts.items():
            if mark not in self.reached and self._entered(marked) and not marked.conditional:
                return "the code led the tests past an assert"
        for around in {marked.function for marked in self.asserts.values()}:
            own = {mark for mark, marked in self.asserts.items() if marked.function == around}
            if not own & self.reached and (around is None or around in self.reached):
                return "the code led the tests past every assert of a function"
        return None

    def uncalled(self, *, named: bool = False) -> bool:
        """Whether a function that holds asserts was never called: one that the tests name
        nowhere else, or with `named` one that they do."""
        missed = {marked.function for marked in self.asserts.values() if not self._entered(marked)}
        return any((self._functions[mark] in self._names) is named for mark in missed if mark)

    def _entered(self, marked: MarkedAssert) -> bool:
        return marked.function is None or marked.function in self.reached

    def _enter(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        mark, call = self._mark()
        self._functions[mark] = node.name
        branches, self._branches = self._branches, 0
        self._around.append(mark)
        self.generic_visit(node)
        self._around.pop()
        self._branches = branches
        node.body.insert(0, call)

    def _branch(self, node: ast.AST) -> None:
        self._branches += 1
        self.generic_visit(node)
        self._branches -= 1

    def _mark(self) -> tuple[int, ast.stmt]:
        self._next += 1
        call = ast.Call(ast.Name(MARK, ast.Load()), [ast.Constant(self._next)], [])
        return self._next, ast.Expr(call)


def _catches(manager: ast.expr) -> bool:
    called = manager.func if isinstance(manager, ast.Call) else manager
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
    return name in _CATCHING
