"""Conditions that come out the same way whatever is tested."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.shapes import (
    Function,
    dotted,
    functions,
    names_a_check,
    speaks_of_access,
    tests_of,
    within,
)
from purpcode.analyzers.flow.tree import walk


def _level(node: ast.AST) -> Level:
    return "medium" if speaks_of_access(node) else "low"


def _decisions(code: Code) -> Iterator[ast.expr]:
    """Expressions that decide something, results of functions included."""
    for root in (code.tree, *functions(code)):
        yield from tests_of(root)
        for node in within(root):
            if isinstance(node, ast.Return) and isinstance(node.value, ast.BoolOp | ast.UnaryOp):
                yield node.value


def _equals(node: ast.expr, kind: type[ast.cmpop]) -> tuple[str, object] | None:
    """(what is compared, the literal) of `x == "a"`."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], kind):
        right = node.comparators[0]
        if isinstance(right, ast.Constant):
            return ast.dump(node.left), right.value
    return None


def _constant_parts(code: Code) -> Iterator[Match]:
    """`x == "a" or "b"`, `x != "a" or x != "b"`, `x == "a" and x == "b"`."""
    for test in _decisions(code) if code.nodes_of(ast.BoolOp) else ():
        for node in walk(test):
            if not isinstance(node, ast.BoolOp):
                continue
            is_or = isinstance(node.op, ast.Or)
            for before, one in zip(node.values, node.values[1:], strict=False):
                text = isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value
                if is_or and text and _equals(before, ast.Eq):
                    yield Match(
                        node, "a text that stands alone is always true", _level(before), (571,)
                    )
            wanted = ast.NotEq if is_or else ast.Eq
            seen: dict[str, object] = {}
            for one in node.values:
                pair = _equals(one, wanted)
                if pair and seen.setdefault(pair[0], pair[1]) != pair[1]:
                    always = "true" if is_or else "false"
                    yield Match(
                        node, f"this is always {always}", _level(node), (571,) if is_or else (570,)
                    )


def _asserted_tuple(code: Code) -> Iterator[Match]:
    for node in code.nodes_of(ast.Assert):
        if isinstance(node.test, ast.Tuple) and node.test.elts:
            yield Match(node, "a tuple is always true", _level(node.test), (571,))


def _operands(test: ast.expr) -> Iterator[ast.expr]:
    if isinstance(test, ast.BoolOp):
        for one in test.values:
            yield from _operands(one)
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from _operands(test.operand)
    else:
        yield test


def _uncalled(code: Code) -> Iterator[Match]:
    """`if is_admin:` of a function, `if is_admin(user):` where it must be awaited."""
    plain = {one.name for one in code.tree.body if isinstance(one, ast.FunctionDef)}
    waited = {one.name for one in code.tree.body if isinstance(one, ast.AsyncFunctionDef)}
    for root in functions(code):
        operands = [one for test in tests_of(root) for one in _operands(test)]
        checks = [one for one in operands if dotted(one) in plain | waited]
        bound = _bound_in(root) if checks else set()
        for one in checks:
            name = dotted(one)
            if name in bound or not names_a_check(name):
                continue
            if isinstance(one, ast.Name):
                yield Match(one, f"{name} is not called; a function is always true", cwes=(571,))
            elif isinstance(one, ast.Call) and name in waited:
                yield Match(one, f"{name} is not awaited; a coroutine is always true", cwes=(571,))


def _bound_in(root: Function) -> set[str]:
    """Parameters and variables of a function."""
    found = {one.arg for one in walk(root.args) if isinstance(one, ast.arg)}
    for one in walk(root):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            found.add(one.id)
    return found


RULE = FlowRule(
    id="always-true-check",
    title="Condition with one outcome only",
    cwes=(571, 570),
    severity="medium",
    severity_reason="A guard that always comes out the same way guards nothing.",
    fix='Compare with every value (`x in ("a", "b")`), call and await the check.',
    reference="https://cwe.mitre.org/data/definitions/571.html",
    detectors=(_constant_parts, _asserted_tuple, _uncalled),
    insecure=(
        """
def may_publish(user):
    if user.role == "admin" or "editor":
        return True
    return False
""",
        """
async def is_authorized(user, project):
    return await project.members.contains(user.id)

async def archive(user, project):
    if not is_authorized(user, project):
        raise PermissionError(user.id)
    await project.archive()
""",
        """
def close(user, ticket):
    assert (user.role == "agent", "agents only")
    ticket.close()
""",
        """
def refuse(user):
    if user.role == "guest" and user.role == "banned":
        raise PermissionError("not for you")
    return "welcome"
""",
        """
def is_admin(user):
    return "admin" in user.groups

def wipe(user, store):
    if is_admin:
        store.clear()
""",
    ),
    secure=(
        """
def may_publish(user):
    if user.role in ("admin", "editor"):
        return True
    return False
""",
        """
async def is_authorized(user, project):
    return await project.members.contains(user.id)

async def archive(user, project):
    if not await is_authorized(user, project):
        raise PermissionError(user.id)
    await project.archive()
""",
        """
def label(user, role=None):
    role = role == "admin" and "Administrator" or "User"
    return f"{user}: {role}"
""",
        """
def refuse(user):
    if user.role == "guest" or user.role == "banned":
        raise PermissionError("not for you")
    return "welcome"
""",
        """
def is_admin(user):
    return "admin" in user.groups

def wipe(user, store):
    is_admin = "admin" in user.groups
    if is_admin:
        store.clear()
""",
    ),
)
