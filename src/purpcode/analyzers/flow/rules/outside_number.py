"""Numbers from a request: parsed without a net, divided by, taken as an index."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.naming import matches_any
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.shapes import (
    Function,
    answers_requests,
    caught_in,
    functions,
    has_kind,
    identifiers,
    last_name,
    outside_numbers,
    tested_names,
    within,
)
from purpcode.analyzers.flow.values import NOTHING

_TESTED = (
    "+.isdigit",
    "+.isdecimal",
    "+.isnumeric",
    "+re.*",
    "+*.fullmatch",
    "+*.match",
    "int",
    "float",
    "+in",
    "+equals",
    "*validate*",
    "+*valid*",
    "-re.*",
    "+*is_int*",
    "+*is_num*",
)
_PARSING = ("int", "float", "decimal.Decimal")


def _unparsed(code: Code) -> Iterator[Match]:
    caught = caught_in(code.tree, "ValueError", "TypeError", "InvalidOperation", "ArithmeticError")
    for call in code.calls_to(_PARSING):
        value = call.args[0] if call.args else NOTHING
        if id(call.node) in caught or not has_kind(value, "request"):
            continue
        if not any(matches_any(one.passed, _TESTED) for one in value.taints):
            yield Match(
                call.node, "a text that is no number ends the request with an error", cwes=(248,)
            )


def _divided(code: Code) -> Iterator[Match]:
    for function in functions(code):
        if not answers_requests(code, function):
            continue
        caught = caught_in(function, "ZeroDivisionError", "ArithmeticError")
        numbers, tested = outside_numbers(code, function), tested_names(function)
        for node in within(function):
            if not (
                isinstance(node, ast.BinOp)
                and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod)
            ):
                continue
            if id(node) in caught or (
                isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
            ):
                continue
            right = node.right
            direct = isinstance(right, ast.Call) and has_kind(code.value_at(right), "request")
            if (direct and getattr(getattr(right, "func", None), "id", "") in _PARSING) or (
                _factors(right) & (numbers - tested)
            ):
                yield Match(
                    node, "the divisor comes from the request and may be zero", "medium", (369,)
                )


def _factors(node: ast.expr) -> set[str]:
    """The variables of which one being zero makes a product or power zero."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _factors(node.left) | _factors(node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return _factors(node.left)
    return {node.id} if isinstance(node, ast.Name) else set()


def _indexed(code: Code) -> Iterator[Match]:
    for function in functions(code):
        if not answers_requests(code, function):
            continue
        caught = caught_in(function, "IndexError", "LookupError", "KeyError")
        numbers, tested = outside_numbers(code, function), tested_names(function)
        for node in within(function):
            if not isinstance(node, ast.Subscript) or id(node) in caught:
                continue
            key = node.slice
            parsed = isinstance(key, ast.Call) and getattr(key.func, "id", "") == "int"
            if (parsed and has_kind(code.value_at(key), "request")) or (
                isinstance(key, ast.Name)
                and key.id in numbers - tested
                and isinstance(node.ctx, ast.Load)
                and _is_sequence(code, node)
            ):
                level: Level = "medium" if _is_sequence(code, node) else "low"
                yield Match(node, "the index comes from the request", level, (129,))
            elif (
                isinstance(key, ast.Name)
                and key.id in numbers
                and isinstance(node.ctx, ast.Load)
                and _only_above(function, key.id)
            ):
                yield Match(node, "the index may be negative", "medium", (129, 839))


def _only_above(function: Function, name: str) -> bool:
    """Whether every test of an index is `index < len(...)`: a negative one passes."""
    tests = [
        node
        for node in within(function)
        if isinstance(node, ast.Compare) and name in identifiers(node)
    ]
    calls = [node for node in within(function) if isinstance(node, ast.Call) and node.args]
    return (
        bool(tests)
        and all(
            len(one.ops) == 1
            and isinstance(one.left, ast.Name)
            and isinstance(one.ops[0], ast.Lt | ast.GtE)
            and isinstance(one.comparators[0], ast.Call)
            and last_name(one.comparators[0]) == "len"
            for one in tests
        )
        and not any(
            last_name(one) in ("max", "min", "abs", "range") and name in identifiers(one)
            for one in calls
        )
    )


def _is_sequence(code: Code, node: ast.Subscript) -> bool:
    """Whether what is indexed is a list, as far as the program shows."""
    name = next(iter(identifiers(node.value)), "")
    for one in code.nodes_of(ast.Assign):
        if any(name in identifiers(to) for to in one.targets):
            made = getattr(getattr(one.value, "func", None), "id", "")
            return isinstance(one.value, ast.List | ast.Tuple | ast.ListComp) or made in (
                "list",
                "sorted",
            )
    return False


RULE = FlowRule(
    id="outside-number",
    title="Number from a request used unchecked",
    cwes=(369, 129, 248),
    severity="low",
    severity_reason="The request ends with an error, or a negative index reads from the end.",
    fix="Parse in a try with ValueError, then compare with the bounds before use.",
    reference="https://cwe.mitre.org/data/definitions/129.html",
    detectors=(_unparsed, _divided, _indexed),
    insecure=(
        """
from flask import Flask, request

app = Flask(__name__)
PAGES = ["first", "second"]

@app.get("/pages")
def page():
    number = request.args.get("number", default=0, type=int)
    if number < len(PAGES):
        return {"page": PAGES[number]}
    return {"page": None}
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.get("/page")
def page():
    number = int(request.args["number"])
    return {"page": number}
""",
        """
from fastapi import FastAPI

app = FastAPI()

@app.get("/share")
def share(total: float, people: int):
    return {"each": total / people}
""",
        """
from fastapi import FastAPI

app = FastAPI()
NAMES = ["ann", "bob", "cleo"]

@app.get("/names/{number}")
def name(number: int):
    return {"name": NAMES[number]}
""",
        """
from django.http import JsonResponse

def rate(request):
    try:
        hours = float(request.GET["hours"])
    except ValueError:
        return JsonResponse({"error": "hours"}, status=400)
    return JsonResponse({"rate": 1000 / hours})
""",
    ),
    secure=(
        """
from flask import Flask, request

app = Flask(__name__)

@app.get("/page")
def page():
    number = request.args.get("number", default=1, type=int)
    return {"page": number}
""",
        """
from fastapi import FastAPI, HTTPException

app = FastAPI()

@app.get("/share")
def share(total: float, people: int):
    if people < 1:
        raise HTTPException(400, "people")
    return {"each": total / people}
""",
        """
from fastapi import FastAPI, HTTPException

app = FastAPI()
NAMES = ["ann", "bob", "cleo"]

@app.get("/names/{number}")
def name(number: int):
    if not 0 <= number < len(NAMES):
        raise HTTPException(404)
    return {"name": NAMES[number]}
""",
        """
from django.http import JsonResponse

def rate(request):
    try:
        hours = float(request.GET["hours"])
        return JsonResponse({"rate": 1000 / hours})
    except (ValueError, ZeroDivisionError):
        return JsonResponse({"error": "hours"}, status=400)
""",
    ),
)
