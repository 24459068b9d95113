"""Texts and JSON values taken for another type than they have."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import dotted, functions, has_kind, passed, within

_JSON = ("web.request.json", "web.request.get_json()", "web.request.json()", "json.loads()")


def _truth(code: Code) -> Iterator[Match]:
    """`bool(request.args["flag"])`: every text but the empty one is true, "False" too."""
    for call in code.calls_to(("bool",)):
        value = call.args[0] if call.args else None
        if value is None or any(
            "json" in one.origin or "media" in one.origin for one in value.taints
        ):
            continue
        if has_kind(value, "request", "environment", "cli") and not passed(
            value, "int", "len", "float"
        ):
            node = call.node.args[0]
            if isinstance(node, ast.Subscript | ast.Call | ast.Name):
                yield Match(call.node, 'bool("False") is true', cwes=(704, 1287))


def _sent_types(code: Code) -> Iterator[Match]:
    """Methods of texts called on a field of JSON that may be a number, a list or null."""
    for function in functions(code):
        checked = any(
            isinstance(one, ast.Call) and dotted(one.func) in ("isinstance", "str", "type")
            for one in within(function)
        ) or any(isinstance(one, ast.Try) for one in within(function))
        if checked:
            continue
        for node in within(function):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            field = node.func.value
            if node.func.attr in ("lower", "strip", "split", "encode", "upper") and isinstance(
                field, ast.Subscript
            ):
                base = dotted(field.value)
                if base in ("request.json", "request.get_json"):
                    yield Match(node, "the field may be no text", cwes=(1287,))


RULE = FlowRule(
    id="text-as-boolean",
    title="Outside value taken for another type",
    cwes=(704, 1287),
    severity="low",
    severity_reason="A switch that was sent as `false` counts as on; a number where a text is"
    " expected ends in an error.",
    fix='Compare the text (`value.lower() in ("1", "true")`), and test the type of JSON fields.',
    reference="https://cwe.mitre.org/data/definitions/1287.html",
    detectors=(_truth, _sent_types),
    insecure=(
        """
from flask import Flask, request

app = Flask(__name__)

@app.post("/profile")
def profile():
    public = bool(request.form["public"])
    return {"public": public}
""",
        """
import os

VERIFY = bool(os.environ.get("VERIFY_CERTIFICATES", "True"))
""",
        """
from flask import Flask, request
from people import find

app = Flask(__name__)

@app.post("/search")
def search():
    return {"found": find(request.json["name"].lower())}
""",
    ),
    secure=(
        """
from flask import Flask, request

app = Flask(__name__)

@app.post("/profile")
def profile():
    public = request.form["public"].lower() in ("1", "true", "on")
    return {"public": public}
""",
        """
import os

VERIFY = os.environ.get("VERIFY_CERTIFICATES", "true").lower() != "false"
MANY = bool(int(os.environ.get("MANY", "0")))
""",
        """
from flask import Flask, abort, request
from people import find

app = Flask(__name__)

@app.post("/search")
def search():
    name = request.json["name"]
    if not isinstance(name, str):
        abort(400)
    return {"found": find(name.lower())}
""",
    ),
)
