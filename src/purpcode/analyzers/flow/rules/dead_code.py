"""Code that never runs."""

import ast
from collections.abc import Iterator
from itertools import pairwise

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_ENDING = ast.Return | ast.Raise | ast.Break | ast.Continue


def _is_yield(node: ast.stmt) -> bool:
    """A `yield` after `return` makes a generator of a function, on purpose."""
    return any(isinstance(one, ast.Yield | ast.YieldFrom) for one in walk(node))


def _after_the_end(code: Code) -> Iterator[Match]:
    for node in code.nodes:
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if not isinstance(block, list):
                continue
            for one, following in pairwise(block):
                if isinstance(one, _ENDING) and not _is_yield(following):
                    yield Match(following, "nothing leads here")
                    break


def _constant_tests(code: Code) -> Iterator[Match]:
    for node in code.nodes_of(ast.If):
        if isinstance(node.test, ast.Constant) and not node.test.value:
            yield Match(node, "the condition is always false")


RULE = FlowRule(
    id="dead-code",
    title="Code that never runs",
    cwes=(561,),
    severity="low",
    severity_reason="What stands there looks done and is not: a check, a clean-up, a record.",
    fix="Move it before the jump, or remove it.",
    reference="https://cwe.mitre.org/data/definitions/561.html",
    detectors=(_after_the_end, _constant_tests),
    insecure=(
        """
def remove(user, record, log):
    return record.delete()
    log.info("deleted by %s", user)
""",
        """
def open_door(user):
    if False:
        check(user)
    return "open"
""",
        """
def first(items, valid):
    for item in items:
        break
        valid(item)
    return item
""",
    ),
    secure=(
        """
def remove(user, record, log):
    log.info("deleted by %s", user)
    return record.delete()
""",
        """
def nothing():
    return
    yield
""",
        """
def first(items, valid):
    for item in items:
        if valid(item):
            return item
    return None
""",
    ),
)
