"""Takes out of a syntax tree what can never run, so that only the rest counts as work.

Dead are: branches of a test whose value the code itself fixes (`if False`, `while 0`, `1 > 2`,
`TYPE_CHECKING`, a name that is bound once, to a constant), loops over nothing, handlers of a `try`
that cannot fail, cases that a fixed subject does not match, what follows `return`, `raise`,
`break`, `continue`, `sys.exit()` or an endless loop in its block, and functions within functions
that nothing names. What depends on anything outside of the code stays.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from purpcode.analyzers.fixed_values import UnknownValueError, value_of

_EXITS = {"sys.exit", "os._exit", "os.abort", "exit", "quit"}
_Loop = ast.For | ast.AsyncFor | ast.While
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def without_dead_code(tree: ast.Module) -> ast.Module:
    """The tree with what can never run taken out; it is changed in place."""
    bound = Counter(_bindings(tree))
    pruned = _Pruner(_constants(tree, bound), bound).visit(tree)
    assert isinstance(pruned, ast.Module)
    return pruned


def is_exit(call: ast.Call) -> bool:
    """Whether a call is of a function that ends the program, if the code does not define it."""
    return isinstance(call.func, ast.Name | ast.Attribute) and ast.unparse(call.func) in _EXITS


def _bindings(tree: ast.AST) -> Iterator[str]:
    """Every binding of a name anywhere in the code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
        elif isinstance(node, _Definition | ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            yield node.name or ""
        elif isinstance(node, ast.MatchMapping):
            yield node.rest or ""


def _constants(tree: ast.AST, bound: Mapping[str, int]) -> dict[str, object]:
    """The names that are bound once, to a constant: no use of them can see another value."""
    found: dict[str, object] = {}
    if bound["*"]:  # `from x import *` binds anything
        return found
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        if not isinstance(node.value, ast.Constant):
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name) and bound[target.id] == 1:
                found[target.id] = node.value.value
    return found


class _Pruner(ast.NodeTransformer):
    """Prunes from the inside out, so that what a branch leaves tells whether code goes on."""

    def __init__(self, constants: Mapping[str, object], bound: Mapping[str, int]) -> None:
        self._constants = constants
        self._bound = bound

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                setattr(node, field, self._until_the_end(block))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = _without_unused(node)
        return node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        truth = self._truth(node.test)
        if truth is None:
            return node
        return list(node.body if truth else node.orelse)

    def visit_While(self, node: ast.While) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        if self._truth(node.test) is False:
            return list(node.orelse)
        return node

    def visit_For(self, node: ast.For) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        return list(node.orelse) if self._is_empty(node.iter) else node

    def visit_Try(self, node: ast.Try) -> ast.AST:
        self.generic_visit(node)
        if all(_cannot_fail(one) for one in node.body):
            node.handlers = []
        if any(self._ends(one) for one in node.body):
            node.orelse = []
        return node

    def visit_Match(self, node: ast.Match) -> ast.AST:
        self.generic_visit(node)
        try:
            subject = value_of(node.subject, self._constants)
        except UnknownValueError:
            return node
        node.cases = [one for one in node.cases if not _mismatches(one.pattern, subject)]
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        decides = isinstance(node.op, ast.Or)
        for index, operand in enumerate(node.values):
            if self._truth(operand) is decides:
                node.values = node.values[: index + 1]
                break
        return node if len(node.values) > 1 else node.values[0]

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        truth = self._truth(node.test)
        if truth is None:
            return node
        return node.body if truth else node.orelse

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        self.generic_visit(node)
        return self._comprehended(node, ast.List([], ast.Load()))

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        self.generic_visit(node)
        return self._comprehended(node, ast.List([], ast.Load()))

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        self.generic_visit(node)
        return self._comprehended(node, ast.Tuple([], ast.Load()))

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        self.generic_visit(node)
        return self._comprehended(node, ast.Dict([], []))

    def _comprehended(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, empty: ast.expr
    ) -> ast.AST:
        """The empty value in place of a comprehension over nothing, or of which nothing is let
        through."""
        first = node.generators[0]
        if self._is_empty(first.iter) or any(self._truth(one) is False for one in first.ifs):
            return empty
        return node

    def _truth(self, node: ast.expr) -> bool | None:
        try:
            return bool(value_of(node, self._constants))
        except UnknownValueError:
            return None

    def _is_empty(self, node: ast.expr) -> bool:
        if self._truth(node) is False:
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return node.func.id == "range" and len(node.args) == 1 and self._is_zero(node.args[0])
        return False

    def _is_zero(self, node: ast.expr) -> bool:
        try:
            value = value_of(node, self._constants)
        except UnknownValueError:
            return False
        return isinstance(value, int) and value <= 0

    def _until_the_end(self, block: Sequence[ast.stmt]) -> list[ast.stmt]:
        """A block up to the first statement after which nothing of it runs."""
        for index, node in enumerate(block):
            if self._ends(node):
                return list(block[: index + 1])
        return list(block)

    def _ends(self, node: ast.stmt) -> bool:
        """Whether nothing runs in its block after a statement, whose own blocks are pruned."""
        if isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue):
            return True
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            return is_exit(node.value) and ast.unparse(node.value.func) not in self._bound
        if isinstance(node, ast.Assert):
            return self._truth(node.test) is False
        if isinstance(node, ast.While):
            return self._truth(node.test) is True and not _breaks(node.body)
        if isinstance(node, ast.If):
            return self._all_end(node.body, node.orelse)
        if isinstance(node, ast.Try):
            handled = [handler.body for handler in node.handlers]
            return self._all_end(node.finalbody) or self._all_end(
                [*node.body, *node.orelse], *handled
            )
        return False

    def _all_end(self, *blocks: Sequence[ast.stmt]) -> bool:
        return all(block and self._ends(block[-1]) for block in blocks)


def _cannot_fail(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr | ast.Assign):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Pass)


def _mismatches(pattern: ast.pattern, subject: object) -> bool:
    if isinstance(pattern, ast.MatchSingleton):
        return pattern.value is not subject
    try:
        return isinstance(pattern, ast.MatchValue) and value_of(pattern.value, {}) != subject
    except UnknownValueError:
        return False


def _breaks(body: Sequence[ast.stmt]) -> bool:
    """Whether a loop of that body can be broken out of."""
    for node in body:
        if isinstance(node, ast.Break):
            return True
        if isinstance(node, _Definition):
            continue
        fields = ("orelse",) if isinstance(node, _Loop) else ("body", "orelse", "finalbody")
        inner = [block for name in fields if (block := getattr(node, name, None))]
        inner += [one.body for one in getattr(node, "handlers", [])]
        inner += [one.body for one in getattr(node, "cases", [])]
        if any(_breaks(block) for block in inner):
            return True
    return False


def _without_unused(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    """A function's body without the undecorated functions and classes that it only defines."""
    named = Counter(_uses(function))
    return [
        node
        for node in function.body
        if not isinstance(node, _Definition)
        or node.decorator_list
        or named[node.name] > Counter(_uses(node))[node.name]
    ]


def _uses(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
