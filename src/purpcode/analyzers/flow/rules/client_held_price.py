"""Prices that the buyer's own request names."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import Function, answers_requests, functions, last_name, within
from purpcode.analyzers.flow.tree import walk

_PRICE = re.compile(r"(?i)^(unit_?|item_?|total_?)?(price|cost)$|^(total|discount)$")
_BUYS = re.compile(r"(?i)check_?out|buy|purchase|(^|_|/)pay($|_|-|ment)|place_?order|charge")
_TAKES = re.compile(
    r"(?i)^(charge|pay|create_(charge|payment|order)|purchase|bill)(_\w+)?$|"
    r"(PaymentIntent|Charge)\.create$"
)
_ASKED = re.compile(
    r"(?i)request\.(json|form|args|values|cookies|get_json|POST|GET|COOKIES|data)|\bdata\b|"
    r"\bpayload\b|\bbody\b|\bcart\b"
)
_OWN = re.compile(
    r"(?i)price_of|get_price|prices\[|PRICES|catalog|product|lookup|\.query|objects\.|sign|find|!="
)


def _prices(code: Code) -> Iterator[Match]:
    for function in functions(code):
        if not answers_requests(code, function) or not _buys(function):
            continue
        text = ast.unparse(function)
        if "request" not in text or _OWN.search(text):
            continue
        held = _held(function)
        for node in within(function):
            if isinstance(node, ast.Call) and (
                _TAKES.search(last_name(node.func)) or _TAKES.search(ast.unparse(node.func))
            ):
                given = [*node.args, *(one.value for one in node.keywords)]
                if any(_names(one, held) for one in given):
                    yield Match(node, "the buyer says what it costs")
                    break


def _buys(function: Function) -> bool:
    routes = " ".join(ast.unparse(one) for one in function.decorator_list)
    return _BUYS.search(f"{function.name} {routes}") is not None


def _held(function: Function) -> set[str]:
    """Variables computed from a price in the request."""
    found: set[str] = set()
    for _ in range(2):
        for node in within(function):
            if isinstance(node, ast.Assign) and _names(node.value, found):
                found |= {one.id for one in node.targets if isinstance(one, ast.Name)}
    return found


def _names(node: ast.expr, held: set[str]) -> bool:
    for one in walk(node):
        if isinstance(one, ast.Name) and one.id in held:
            return True
        key: ast.expr | None = None
        if isinstance(one, ast.Subscript):
            key, source = one.slice, ast.unparse(one.value)
        elif isinstance(one, ast.Call) and last_name(one.func) == "get" and one.args:
            key, source = one.args[0], ast.unparse(one.func)
        if (
            isinstance(key, ast.Constant)
            and isinstance(key.value, str)
            and _PRICE.search(key.value)
            and _ASKED.search(source)
        ):
            return True
    return False


RULE = FlowRule(
    id="client-held-price",
    title="Price named by the buyer",
    cwes=(602, 472, 565),
    severity="medium",
    severity_reason="Whoever writes the request pays what he likes.",
    fix="Look the price up on the server by the article's number.",
    reference="https://cwe.mitre.org/data/definitions/602.html",
    detectors=(_prices,),
    insecure=(
        """
from flask import Flask, request
from till import charge

app = Flask(__name__)

@app.post("/buy")
def buy():
    sent = request.get_json()
    total = request.get_json()["price"] * int(sent["count"])
    charge(total)
    return {"paid": total}
""",
        """
from flask import Flask, request
from till import charge

app = Flask(__name__)

@app.post("/checkout")
def checkout():
    price = float(request.cookies["price"])
    charge(price)
    return "paid"
""",
        """
from django.http import HttpResponse
from till import create_payment

def purchase(request):
    create_payment(amount=request.POST["total"], currency="EUR")
    return HttpResponse("paid")
""",
    ),
    secure=(
        """
from flask import Flask, request
from till import charge, price_of

app = Flask(__name__)

@app.post("/buy")
def buy():
    sent = request.get_json()
    total = price_of(int(sent["article"])) * min(max(int(sent["count"]), 1), 20)
    charge(total)
    return {"paid": total}
""",
        """
from flask import Flask, request
from stock import articles

app = Flask(__name__)

@app.post("/articles")
def add():
    articles.add(request.form["name"], float(request.form["price"]))
    return "added", 201
""",
        """
from django.http import HttpResponse
from till import create_payment
from shop.models import Article

def purchase(request):
    article = Article.objects.get(pk=request.POST["article"])
    create_payment(amount=article.price, currency="EUR")
    return HttpResponse("paid")
""",
    ),
)
