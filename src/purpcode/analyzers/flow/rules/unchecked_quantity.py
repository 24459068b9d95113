"""Amounts and quantities from a request that may be negative."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.shapes import (
    Function,
    answers_requests,
    functions,
    identifiers,
    outside_numbers,
    tested_names,
    within,
)

_HELD = re.compile(r"(?i)price|cost|fee|rate|balance|account|wallet|stock|inventory|credit|total")
_AMOUNT = re.compile(
    r"(?i)(^|_)(quantity|qty|amount|count|number_of|units|price|sum|points|credits|total)($|_)"
)


def _lower_bound(function: Function, name: str) -> bool:
    """Whether some comparison of the name can tell that it is too small."""
    for node in within(function):
        if isinstance(node, ast.Compare) and name in identifiers(node):
            sides = [node.left, *node.comparators]
            for left, operator, right in zip(sides, node.ops, node.comparators, strict=False):
                constant = left if isinstance(left, ast.Constant) else right
                low = isinstance(constant, ast.Constant) and constant.value in (0, 1)
                if low or not isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
                    return True
    return False


def _unbounded(code: Code) -> Iterator[Match]:
    for function in functions(code):
        if not answers_requests(code, function):
            continue
        numbers, tested = outside_numbers(code, function), tested_names(function)
        for name in sorted(one for one in numbers if _AMOUNT.search(one)):
            if name in tested and _lower_bound(function, name):
                continue
            compared = any(
                isinstance(node, ast.Compare) and name in identifiers(node)
                for node in within(function)
            )
            if name in tested and not compared:
                continue  # `max(...)`, a validating function
            for node in within(function):
                counted = isinstance(node, ast.BinOp) and isinstance(
                    node.op, ast.Mult | ast.Sub | ast.Add
                )
                changed = isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub)
                used = counted and name in {*identifiers(node.left), *identifiers(node.right)}  # type: ignore[attr-defined]
                if used or (changed and name in identifiers(node.value)):  # type: ignore[attr-defined]
                    cwes = (839, 1284) if compared else (1284, 20)
                    level: Level = "medium" if _moves_money(node, name) else "low"
                    yield Match(
                        node, f"{name} comes from the request and may be negative", level, cwes
                    )
                    break


def _moves_money(node: ast.AST, name: str) -> bool:
    """Whether an operation takes the quantity times a price, or adds it to what somebody has."""
    others = identifiers(node) - {name}
    kept = isinstance(node, ast.AugAssign) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
    )
    return kept and any(_HELD.search(one) for one in others)


RULE = FlowRule(
    id="unchecked-quantity",
    title="Quantity from a request without a lower bound",
    cwes=(1284, 839, 20),
    severity="low",
    severity_reason="A negative amount turns a payment round; medium where the function itself"
    " reckons with a price or a balance.",
    fix="Refuse amounts below the smallest that makes sense.",
    reference="https://cwe.mitre.org/data/definitions/1284.html",
    detectors=(_unbounded,),
    insecure=(
        """
from flask import Flask, request
from shop.carts import cart, price_of

app = Flask(__name__)

@app.post("/buy")
def buy():
    quantity = request.json["quantity"]
    quantity = int(quantity)
    total = price_of(request.json["item"]) * quantity
    cart().charge(total)
    return {"total": total}
""",
        """
from flask import Flask, request, session
from bank.accounts import find

app = Flask(__name__)

@app.post("/send")
def send():
    account, other = find(session["user"]), find(request.form["to"])
    amount = int(request.form["amount"])
    if amount > account.balance:
        return "too little money", 400
    account.balance -= amount
    other.balance += amount
    return "sent"
""",
        """
from fastapi import FastAPI
from shop.stock import price_of

app = FastAPI()

@app.post("/orders")
def order(item: str, quantity: int):
    return {"total": price_of(item) * quantity}
""",
    ),
    secure=(
        """
from flask import Flask, request
from shop.carts import cart, price_of

app = Flask(__name__)

@app.post("/buy")
def buy():
    quantity = int(request.json["quantity"])
    if quantity < 1:
        return "bad quantity", 400
    total = price_of(request.json["item"]) * quantity
    cart().charge(total)
    return {"total": total}
""",
        """
from flask import Flask, request, session
from bank.accounts import find

app = Flask(__name__)

@app.post("/send")
def send():
    account, other = find(session["user"]), find(request.form["to"])
    amount = int(request.form["amount"])
    if not 0 < amount <= account.balance:
        return "bad amount", 400
    account.balance -= amount
    other.balance += amount
    return "sent"
""",
        """
from fastapi import FastAPI, Query
from shop.stock import price_of

app = FastAPI()

@app.post("/orders")
def order(item: str, quantity: int = Query(ge=1, le=100)):
    return {"total": price_of(item) * quantity}
""",
    ),
)
