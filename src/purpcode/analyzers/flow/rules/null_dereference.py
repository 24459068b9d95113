"""Results that may be None used as if they were not."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import (
    Function,
    caught_in,
    dotted,
    functions,
    tested_names,
    within,
)
from purpcode.analyzers.flow.tree import walk

_MATCHING = ("re.match", "re.search", "re.fullmatch")
_LOOKING_UP = ("first", "fetchone", "one_or_none", "scalar_one_or_none", "find_one")


def _may_be_none(node: ast.expr) -> str | None:
    """What a call gives that may be None: a match, a row, an entry."""
    if isinstance(node, ast.Await):
        node = node.value
    if not isinstance(node, ast.Call):
        return None
    name = dotted(node.func)
    if name in _MATCHING:
        return "the pattern may not match"
    if (
        name.rpartition(".")[2] in _LOOKING_UP
        and isinstance(node.func, ast.Attribute)
        and "." in name
    ):
        return "there may be no such row"
    texts = [one for one in node.args if isinstance(one, ast.Constant)]
    if (
        (
            name
            in (
                "request.json.get",
                "request.args.get",
                "request.form.get",
                "request.GET.get",
                "request.POST.get",
                "request.headers.get",
                "request.cookies.get",
            )
        )
        and len(node.args) == 1
        and texts
        and not node.keywords
    ):
        return "the request may not have the field"
    return None


def _counts(node: ast.expr) -> bool:
    """Whether a query always gives a row (`SELECT COUNT(*)`)."""
    return any(
        isinstance(one, ast.Constant)
        and isinstance(one.value, str)
        and any(
            word in one.value.lower()
            for word in ("count(", "max(", "sum(", "min(", "exists(", "returning")
        )
        for one in walk(node)
    )


def _held(function: Function) -> dict[str, str]:
    """Variables that may hold None, by what is wrong; each is assigned only once."""
    found: dict[str, str] = {}
    times: dict[str, int] = {}
    for node in within(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            times[node.id] = times.get(node.id, 0) + 1
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            problem = _may_be_none(node.value)
            if problem is not None:
                found[node.targets[0].id] = problem
    return {name: problem for name, problem in found.items() if times.get(name) == 1}


def _used(code: Code) -> Iterator[Match]:
    for function in functions(code):
        if any(isinstance(one, ast.Constant) and _counts(one) for one in within(function)):
            continue
        found = list(_uses_of_none(function))
        caught = caught_in(function, "AttributeError", "TypeError") if found else set()
        for node, problem in found:
            if id(node) not in caught:
                yield Match(node, problem)


def _uses_of_none(function: Function) -> Iterator[tuple[ast.expr, str]]:
    held = _held(function)
    tested = tested_names(function) if held else set()
    for node in within(function):
        if isinstance(node, ast.Attribute | ast.Subscript):
            base = node.value
            problem = _may_be_none(base)
            if problem is None and isinstance(base, ast.Name) and base.id not in tested:
                problem = held.get(base.id)
            if problem is not None:
                yield node, problem


RULE = FlowRule(
    id="null-dereference",
    title="Result used that may be None",
    cwes=(476,),
    severity="low",
    severity_reason="Data nobody expected ends the program with an AttributeError or TypeError.",
    fix="Test the result for None first.",
    reference="https://cwe.mitre.org/data/definitions/476.html",
    detectors=(_used,),
    insecure=(
        """
import re

def version(text):
    return re.match("v([0-9]+)", text).group(1)
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.get("/hello")
def hello():
    name = request.args.get("name")
    return {"hello": name.title()}
""",
        """
def email_of(cursor, number):
    cursor.execute("SELECT email FROM people WHERE id = ?", (number,))
    row = cursor.fetchone()
    return row[0]
""",
    ),
    secure=(
        """
import re

def version(text):
    found = re.match("v([0-9]+)", text)
    if found is None:
        raise ValueError(text)
    return found.group(1)
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.get("/hello")
def hello():
    name = request.args.get("name", "you")
    return {"hello": name.title()}
""",
        """
def email_of(cursor, number):
    cursor.execute("SELECT email FROM people WHERE id = ?", (number,))
    row = cursor.fetchone()
    return row[0] if row else None
""",
    ),
)
