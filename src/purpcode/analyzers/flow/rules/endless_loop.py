"""Loops that never end, or end where outside data says."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import CHECKS
from purpcode.analyzers.flow.form import called_name, dotted
from purpcode.analyzers.flow.naming import matches_any
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_LEAVES = ast.Break | ast.Return | ast.Raise | ast.Yield | ast.YieldFrom | ast.Await
_ENDS = frozenset(("exit", "_exit", "abort", "execv", "execvp", "next", "fail", "stop"))
_WAITS = frozenset(
    (
        *("sleep", "accept", "recv", "recvfrom", "get", "wait", "select", "poll", "input"),
        *("read", "readline", "handle_request", "run", "receive", "listen", "join", "tick"),
        *("update", "process", "run_pending", "serve_forever", "acquire", "send", "consume"),
        *("get_message", "step"),
    )
)
_BOUNDED = ("min", "+less", "-less", "+in", "+equals", *CHECKS)


def _never_left(code: Code) -> Iterator[Match]:
    """`while True` without a way out and without waiting for anything."""
    for loop in code.nodes_of(ast.While):
        if not isinstance(loop.test, ast.Constant):
            continue
        if not loop.test.value:
            continue
        inside = [node for part in loop.body for node in walk(part)]
        names = {called_name(node) for node in inside}
        if any(isinstance(node, _LEAVES) for node in inside) or names & (_ENDS | _WAITS):
            continue
        yield Match(loop, "nothing ends this loop", cwes=(835,))


def _unchanged(code: Code) -> Iterator[Match]:
    """A loop whose condition looks only at local names that the body never changes."""
    for loop in code.nodes_of(ast.While):
        if not isinstance(loop.test, ast.Compare):
            continue
        tested = list(walk(loop.test))
        if any(
            isinstance(node, ast.Call | ast.Attribute | ast.Subscript | ast.Await | ast.NamedExpr)
            for node in tested
        ):
            continue
        names = {node.id for node in tested if isinstance(node, ast.Name)}
        inside = [node for part in loop.body for node in walk(part)]
        if not names or any(
            isinstance(node, _LEAVES | ast.Global | ast.Nonlocal) for node in inside
        ):
            continue
        if not _touched(names, inside):
            yield Match(
                loop, "nothing in the loop changes what its condition looks at", cwes=(835,)
            )


def _touched(names: set[str], inside: list[ast.AST]) -> bool:
    """Whether the body stores one of the names, calls something of it or with it, or may end the
    program."""
    for node in inside:
        if isinstance(node, ast.Name) and node.id in names and not isinstance(node.ctx, ast.Load):
            return True
        if isinstance(node, ast.Call):
            parts = [node.func, *node.args]
            if called_name(node) in _ENDS or any(
                dotted(part).partition(".")[0] in names for part in parts
            ):
                return True
        stored = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del)
        if stored and dotted(getattr(node, "value", node)) in names:
            return True
    return False


def _bound_from_outside(code: Code) -> Iterator[Match]:
    """`while i < n` where a request says n and nobody limits it."""
    tests = {id(loop.test) for loop in code.nodes if isinstance(loop, ast.While)}
    for comparison in code.comparisons:
        if id(comparison.node) not in tests:
            continue
        for side in (comparison.left, comparison.right):
            for taint in side.taints:
                numeric = {"int", "float"} & taint.passed
                if taint.kind == "request" and numeric and not _limited(taint.passed):
                    yield Match(
                        comparison.node, "a request says how often this loop runs", cwes=(606,)
                    )


def _limited(passed: frozenset[str]) -> bool:
    return matches_any(passed, _BOUNDED)


RULE = FlowRule(
    id="endless-loop",
    title="Loop without a sure end",
    cwes=(835, 606),
    severity="low",
    severity_reason="A loop that does not end holds a processor and whoever waits for it.",
    fix="Give the loop a condition that changes, or a limit on its rounds.",
    reference="https://cwe.mitre.org/data/definitions/835.html",
    detectors=(_never_left, _unchanged, _bound_from_outside),
    insecure=(
        """
def count(values):
    total = 0
    while True:
        total += len(values)
""",
        """
def search(values, wanted):
    index = 0
    found = 0
    while index < 10:
        if values[0] == wanted:
            found += 1
    return found
""",
        """
from flask import Flask, request
from shop import beat

app = Flask(__name__)

@app.get("/beats")
def beats():
    wanted = int(request.args["count"])
    done = 0
    while done < wanted:
        beat()
        done += 1
    return {"done": done}
""",
    ),
    secure=(
        """
import time

def watch(check):
    while True:
        check()
        time.sleep(5)
""",
        """
def search(values, wanted):
    index = 0
    found = 0
    while index < len(values):
        if values[index] == wanted:
            found += 1
        index += 1
    return found
""",
        """
from flask import Flask, request
from shop import beat

app = Flask(__name__)

@app.get("/beats")
def beats():
    wanted = min(int(request.args["count"]), 100)
    done = 0
    while done < wanted:
        beat()
        done += 1
    return {"done": done}
""",
        """
def ask(read):
    while True:
        answer = read()
        if answer in ("yes", "no"):
            return answer
""",
    ),
)
