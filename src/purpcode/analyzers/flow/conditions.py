"""What a test tells of the values it looks at, on the way where it held and where it did not.

A taint keeps the tests it went through as tokens: `+name` where a call or comparison was true,
`-name` where it was false. Whether that makes the value harmless is for each rule to say.
"""

from __future__ import annotations

import ast
import re

from purpcode.analyzers.flow.environment import Environment, path_of
from purpcode.analyzers.flow.machine import Machine
from purpcode.analyzers.flow.tree import walk

_COMPARISONS: dict[type[ast.cmpop], tuple[str, bool]] = {
    ast.In: ("in", True),
    ast.NotIn: ("in", False),
    ast.Eq: ("equals", True),
    ast.NotEq: ("equals", False),
    ast.Lt: ("less", True),
    ast.LtE: ("less", True),
    ast.Gt: ("less", False),
    ast.GtE: ("less", False),
}
_NESTING = 4
_PARSERS = re.compile(r"(?i)parse|urlsplit|path|resolve|ip_address|ip_network")


def refine(machine: Machine, env: Environment, test: ast.expr, truth: bool, depth: int = 0) -> None:
    """Note in `env` that a test came out true or false."""
    if depth > _NESTING:
        return
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        refine(machine, env, test.operand, not truth, depth)
    elif isinstance(test, ast.BoolOp):
        if isinstance(test.op, ast.And) == truth:
            for one in test.values:
                refine(machine, env, one, truth, depth)
    elif isinstance(test, ast.Name):
        bound = env.find_test(test.id)
        if bound is not None:
            refine(machine, env, bound, truth, depth + 1)
    elif isinstance(test, ast.NamedExpr):
        refine(machine, env, test.value, truth, depth)
    elif isinstance(test, ast.Compare):
        _refine_comparison(machine, env, test, truth, depth)
    elif isinstance(test, ast.Call):
        _refine_call(machine, env, test, truth)
    elif isinstance(test, ast.Attribute):
        _mark(env, test, "+is" if truth else "-is")
        for call in _calls_in(test):  # `if urlparse(url).netloc:`
            _refine_call(machine, env, call, truth)


def _refine_comparison(
    machine: Machine, env: Environment, test: ast.Compare, truth: bool, depth: int
) -> None:
    sides = [test.left, *test.comparators]
    for left, operator, right in zip(sides, test.ops, test.comparators, strict=False):
        name, positive = _COMPARISONS.get(type(operator), ("", True))
        if isinstance(operator, ast.Is | ast.IsNot) or _is_none(right):
            found = isinstance(operator, ast.IsNot | ast.NotEq)
            if _is_none(right):
                refine(machine, env, left, truth == found, depth + 1)
            continue
        if not name:
            continue
        holds = truth == positive
        _mark(env, left, f"{'+' if holds else '-'}{name}{_detail(name, right, contains=False)}")
        _mark(env, right, f"{'+' if holds else '-'}{name}{_detail(name, left, contains=True)}")
        for side in (left, right):
            for call in _calls_in(side):
                _refine_call(machine, env, call, holds)


def _detail(name: str, other: ast.expr, *, contains: bool) -> str:
    """`in` has two sides: being among allowed values, or containing something."""
    if name != "in" or not contains:
        return ""
    text = other.value if isinstance(other, ast.Constant) and isinstance(other.value, str) else "?"
    return f":{text}"


def _refine_call(machine: Machine, env: Environment, call: ast.Call, truth: bool) -> None:
    """A call as a test: its receiver and arguments passed it, by the name of what was called.

    Calls inside it count too: `realpath(x).startswith(base)` tests x after `realpath`.
    """
    sign = "+" if truth else "-"
    tokens: set[str] = set()
    for one in _calls_in(call):
        names = machine.callee_names(env, one)
        if any(_decides_nothing(machine, name) for name in names):
            continue
        tokens.update(f"{sign}{name}" for name in names)
        if isinstance(one.func, ast.Attribute):
            tokens.add(f"{sign}.{one.func.attr}")
    if not tokens:
        return
    _mark(env, call, *tokens)


def _decides_nothing(machine: Machine, name: str) -> bool:
    """Whether a check is a function of the program that compares nothing and asks nothing."""
    function = machine.method(name) if name.startswith("@") else None
    return function is not None and not any(
        isinstance(one, ast.Compare | ast.Call | ast.Raise) for one in walk(function.node)
    )


def _mark(env: Environment, side: ast.expr, *tokens: str) -> None:
    """Refine what a test looks at, and what that was parsed from: `url = urlparse(x)` and a test of
    `url.netloc` is a test of x."""
    for path in _paths_in(side):
        env.refine(path, tokens)
        owner, dot, attribute = path.rpartition(".")
        if dot:
            env.refine(owner, (f"{tokens[0][0]}*.{attribute}",))
        parsed = env.find_test(path.partition(".")[0])
        if isinstance(parsed, ast.Call) and _PARSERS.search(ast.unparse(parsed.func)):
            member = path.rpartition(".")[2]
            for origin in _paths_in(parsed):
                env.refine(origin, (*tokens, f"{tokens[0][0]}*.{member}"))


def _calls_in(node: ast.expr) -> list[ast.Call]:
    return [one for one in walk(node) if isinstance(one, ast.Call)]


def _paths_in(node: ast.expr) -> set[str]:
    """Paths of everything a test looks at, except of functions called by plain name."""
    callees = {id(call.func) for call in _calls_in(node) if isinstance(call.func, ast.Name)}
    found: set[str] = set()
    for one in walk(node):
        if id(one) not in callees and isinstance(one, ast.Name | ast.Attribute | ast.Subscript):
            path = path_of(one)
            if path is not None:
                found.add(path)
    return found


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
