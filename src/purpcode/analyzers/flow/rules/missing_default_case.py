"""Choices among roles, actions or states that forget all others."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import functions, within


def _catches_all(case: ast.match_case) -> bool:
    pattern = case.pattern
    return case.guard is None and isinstance(pattern, ast.MatchAs) and pattern.pattern is None


def _literal(case: ast.match_case) -> bool:
    parts = case.pattern.patterns if isinstance(case.pattern, ast.MatchOr) else [case.pattern]
    return all(isinstance(one, ast.MatchValue) for one in parts)


def _matches(code: Code) -> Iterator[Match]:
    for node in code.nodes:
        if (
            isinstance(node, ast.Match)
            and all(map(_literal, node.cases))
            and not any(map(_catches_all, node.cases))
        ):
            yield Match(node, "a value that no case names passes silently")


def _branches(node: ast.If) -> tuple[list[ast.If], bool]:
    """The branches of an if-elif chain, and whether it ends with an else."""
    chain = [node]
    while len(chain[-1].orelse) == 1 and isinstance(chain[-1].orelse[0], ast.If):
        chain.append(chain[-1].orelse[0])
    return chain, bool(chain[-1].orelse)


def _assigned(statements: list[ast.stmt]) -> set[str]:
    return {
        one.id
        for one in within(statements)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    }


def _unset(code: Code) -> Iterator[Match]:
    """A chain whose every branch sets a variable that is used afterwards and set nowhere else."""
    for function in functions(code):
        for place, node in enumerate(function.body):
            if not isinstance(node, ast.If):
                continue
            chain, complete = _branches(node)
            if complete or len(chain) < 2:
                continue
            common = set.intersection(*(_assigned(one.body) for one in chain))
            given = {one.arg for one in function.args.args}
            common -= _assigned(function.body[:place]) | given
            later = {
                one.id
                for one in within(function.body[place + 1 :])
                if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)
            }
            if common & later:
                yield Match(node, f"{min(common & later)} is unset when no branch is taken")


RULE = FlowRule(
    id="missing-default-case",
    title="Choice without an answer for other values",
    cwes=(478, 457),
    severity="low",
    severity_reason="A value nobody thought of goes on unchecked or with an unset variable.",
    fix="Add `case _:` or `else:` that refuses.",
    reference="https://cwe.mitre.org/data/definitions/478.html",
    detectors=(_matches, _unset),
    insecure=(
        """
def handle(order, action):
    match action:
        case "pay":
            order.pay()
        case "cancel":
            order.cancel()
    order.save()
""",
        """
def limit(role):
    if role == "guest":
        most = 10
    elif role == "member":
        most = 100
    return most
""",
        """
def color(level):
    match level:
        case 1 | 2:
            return "green"
        case 3:
            return "red"
""",
    ),
    secure=(
        """
def handle(order, action):
    match action:
        case "pay":
            order.pay()
        case "cancel":
            order.cancel()
        case _:
            raise ValueError(action)
    order.save()
""",
        """
def limit(role):
    most = 0
    if role == "guest":
        most = 10
    elif role == "member":
        most = 100
    return most
""",
        """
def color(level):
    if level in (1, 2):
        shade = "green"
    elif level == 3:
        shade = "red"
    else:
        raise ValueError(level)
    return shade
""",
    ),
)
