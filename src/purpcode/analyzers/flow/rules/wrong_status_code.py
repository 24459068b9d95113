"""Errors answered as successes."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import answers_requests, functions, last_name, within

_ERROR = re.compile(
    r"(?i)^(error|failed|failure|unauthori[sz]ed|forbidden|access denied|permission denied|"
    r"not allowed|invalid (token|password|credentials|signature))"
)


def _says_error(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(_ERROR.search(node.value))
    if isinstance(node, ast.Dict):
        return any(isinstance(key, ast.Constant) and key.value == "error" for key in node.keys)
    if isinstance(node, ast.Call) and last_name(node.func) in (
        "jsonify",
        "JsonResponse",
        "HttpResponse",
    ):
        if any(one.arg in ("status", "status_code") for one in node.keywords):
            return False
        inside = [*node.args, *(one.value for one in node.keywords)]
        named = any(one.arg == "error" for one in node.keywords)
        return named or any(_says_error(one) for one in inside)
    return False


def _answers(code: Code) -> Iterator[Match]:
    for function in functions(code):
        if not answers_requests(code, function):
            continue
        sets_status = any(
            isinstance(one, ast.Attribute) and one.attr == "status_code" for one in within(function)
        )
        for node in within(function):
            if not isinstance(node, ast.Return) or sets_status:
                continue
            value = node.value
            if isinstance(value, ast.Tuple) and len(value.elts) >= 2:
                status = value.elts[1]
                good = isinstance(status, ast.Constant) and status.value == 200
                if good and _says_error(value.elts[0]):
                    yield Match(node, "an error is answered with 200")
            elif _says_error(value):
                yield Match(node, "an error is answered with 200")


RULE = FlowRule(
    id="wrong-status-code",
    title="Error answered as a success",
    cwes=(393,),
    severity="low",
    severity_reason="Clients, caches and monitors take the refusal for a success.",
    fix="Answer with the status that says what happened: 400, 401, 403, 404, 500.",
    reference="https://cwe.mitre.org/data/definitions/393.html",
    detectors=(_answers,),
    insecure=(
        """
from flask import Flask, g

app = Flask(__name__)

@app.get("/report")
def report():
    if g.user is None:
        return {"error": "log in first"}, 200
    return {"report": []}
""",
        """
from django.http import HttpResponse

def report(request):
    if not request.user.is_authenticated:
        return HttpResponse("Permission denied")
    return HttpResponse("report")
""",
        """
from flask import Flask, g, jsonify

app = Flask(__name__)

@app.route("/report")
def report():
    if g.user is None:
        return jsonify(error="log in first")
    return jsonify(report=[])
""",
    ),
    secure=(
        """
from flask import Flask, g

app = Flask(__name__)

@app.get("/report")
def report():
    if g.user is None:
        return {"error": "log in first"}, 401
    return {"report": []}
""",
        """
from django.http import HttpResponse

def report(request):
    if not request.user.is_authenticated:
        return HttpResponse("Permission denied", status=403)
    return HttpResponse("report")
""",
        """
from flask import Flask, abort, g, jsonify

app = Flask(__name__)

@app.route("/report")
def report():
    if g.user is None:
        abort(401)
    return jsonify(report=[])
""",
    ),
)
