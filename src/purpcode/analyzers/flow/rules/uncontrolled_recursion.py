"""Functions that call themselves without a sure end."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code, Scope
from purpcode.analyzers.flow.form import dotted, functions, own_nodes, parents
from purpcode.analyzers.flow.rule import FlowRule, Match

_DEPTH = (
    *("depth", "level", "limit", "remaining", "budget", "fuel", "seen", "visited"),
    *("memo", "nest"),
)
_PARSED = ("json.loads", "json.load", "yaml.safe_load", "web.request.get_json", "ast.parse",
           "xml.etree.ElementTree.fromstring", "web.request.json")  # fmt: skip


_MAYBE = (
    *(ast.IfExp, ast.BoolOp, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp),
    *(ast.GeneratorExp, ast.Compare),
)
"""Expressions that may not evaluate what they hold."""


def _own_calls(scope: Scope) -> list[ast.Call]:
    """Calls of a function to itself: `f()` in f, `self.f()` in a method."""
    wanted = {f"self.{scope.name}", f"cls.{scope.name}"} if scope.owner else {scope.name}
    calls = [
        node
        for node in own_nodes(scope.node)
        if isinstance(node, ast.Call) and dotted(node.func) in wanted
    ]
    return [] if calls and _bound_anew(scope) else calls


def _bound_anew(scope: Scope) -> bool:
    """Whether the function's name means something else inside it."""
    for node in own_nodes(scope.node):
        if isinstance(node, ast.Import | ast.ImportFrom):
            if any((one.asname or one.name) == scope.name for one in node.names):
                return True
        elif isinstance(node, ast.Global | ast.Nonlocal):
            if scope.name in node.names:
                return True
        elif isinstance(node, ast.Name | ast.arg | ast.FunctionDef):
            stored = not isinstance(node, ast.Name) or isinstance(node.ctx, ast.Store)
            name = node.id if isinstance(node, ast.Name) else getattr(node, "arg", "")
            if stored and (name or getattr(node, "name", "")) == scope.name:
                return True
    return False


def _endless(code: Code) -> Iterator[Match]:
    """Every way through the function calls it again."""
    for scope in functions(code):
        for call in _own_calls(scope):
            parent = parents(code)
            if isinstance(scope.node, ast.AsyncFunctionDef):
                continue
            statement: ast.AST = call
            while statement in parent and not isinstance(statement, ast.stmt):
                statement = parent[statement]
                if isinstance(statement, _MAYBE):
                    break
            if parent.get(statement) is not scope.node or not isinstance(statement, ast.stmt):
                continue
            if isinstance(statement, ast.If | ast.For | ast.While | ast.Try | ast.With | ast.Match):
                continue  # in its test or iterable
            before = [
                one
                for one in own_nodes(scope.node)
                if getattr(one, "lineno", 1 << 30) < call.lineno
            ]
            if not any(isinstance(one, ast.Return | ast.Raise | ast.Yield) for one in before):
                yield Match(call, f"{scope.name}() calls itself on every way", "medium")


def _outside_structure(code: Code) -> Iterator[Match]:
    """A walk down a structure parsed from outside data, as deep as that says."""
    if not any(True for _ in code.calls_to(_PARSED)):
        return
    for scope in functions(code):
        calls = _own_calls(scope)
        if not calls:
            continue
        text = ast.unparse(scope.node)
        if any(word in text for word in _DEPTH) or "RecursionError" in code.text:
            continue
        fed = any(
            taint.kind in ("request", "network")
            for call in code.calls_to((f"@{scope.path}", f"@*.{scope.name}"))
            for value in call.args
            for taint in value.taints
        )
        for call in calls if fed else ():
            yield Match(call, "goes as deep as outside data is nested")
            break


RULE = FlowRule(
    id="uncontrolled-recursion",
    title="Recursion without a sure end",
    cwes=(674,),
    severity="low",
    severity_reason="Recursion that goes too deep ends the request or the program.",
    fix="Pass a depth along and stop at a limit, or walk with a list instead of calls.",
    reference="https://cwe.mitre.org/data/definitions/674.html",
    detectors=(_endless, _outside_structure),
    insecure=(
        """
def total(values):
    head = values[0]
    return head + total(values[1:])
""",
        """
from flask import Flask, request

app = Flask(__name__)

def size(node):
    if not isinstance(node, list):
        return 1
    return sum(size(one) for one in node)

@app.post("/size")
def answer():
    return {"size": size(request.get_json())}
""",
        """
class Settings:
    def __init__(self, parts):
        self.parts = parts

    def load(self):
        self.parts.append("more")
        self.load()
""",
    ),
    secure=(
        """
def total(values):
    if not values:
        return 0
    return values[0] + total(values[1:])
""",
        """
from flask import Flask, abort, request

app = Flask(__name__)

def size(node, depth=0):
    if depth > 20:
        abort(400)
    if not isinstance(node, list):
        return 1
    return sum(size(one, depth + 1) for one in node)

@app.post("/size")
def answer():
    return {"size": size(request.get_json())}
""",
        """
class Settings:
    def __init__(self, parts):
        self.parts = parts

    def load(self):
        if self.parts:
            self.parts.pop()
            self.load()
""",
        """
class Wrapper:
    def __init__(self, inner):
        self.inner = inner

    def close(self):
        self.inner.close()
""",
    ),
)
