"""Leaving a `finally` block, which drops the exception under way."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.shapes import within
from purpcode.analyzers.flow.tree import walk


def _left(code: Code) -> Iterator[Match]:
    for node in code.nodes_of(ast.Try):
        if node.finalbody:
            loops = [one for one in within(node.finalbody) if isinstance(one, ast.For | ast.While)]
            inner = {id(one) for loop in loops for one in walk(loop)}
            for one in within(node.finalbody):
                jumps = isinstance(one, ast.Break | ast.Continue) and id(one) not in inner
                if isinstance(one, ast.Return) or jumps:
                    true = isinstance(one, ast.Return) and ast.unparse(one) == "return True"
                    level: Level | None = "medium" if true and not node.handlers else None
                    yield Match(one, "an exception under way is dropped here", level)


RULE = FlowRule(
    id="return-in-finally",
    title="Finally block left by return, break or continue",
    cwes=(584, 705),
    severity="low",
    severity_reason="The exception under way is lost, and the caller takes the result for good.",
    fix="Return after the try statement; clean up only in finally.",
    reference="https://cwe.mitre.org/data/definitions/584.html",
    detectors=(_left,),
    insecure=(
        """
def is_genuine(letter, seal):
    try:
        seal.check(letter)
    finally:
        return True
""",
        """
def verify(token, check):
    result = True
    try:
        check(token)
    finally:
        return result
""",
        """
def read_all(sources):
    for source in sources:
        try:
            source.read()
        finally:
            continue
""",
        """
def first(connections):
    while connections:
        one = connections.pop()
        try:
            one.open()
        finally:
            one.close()
            break
""",
    ),
    secure=(
        """
def verify(token, check):
    try:
        check(token)
    except ValueError:
        return False
    return True
""",
        """
def read_all(sources):
    for source in sources:
        try:
            source.read()
        finally:
            source.close()
""",
        """
def close_all(connections):
    try:
        connections[0].send(b"bye")
    finally:
        for one in connections:
            if one.closed:
                continue
            one.close()
""",
    ),
)
