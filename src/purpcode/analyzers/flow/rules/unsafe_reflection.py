"""Outside data that chooses which function or class is used."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule, Match

_CHOSEN = re.compile(r"\.\?$|^(globals|locals|vars)\(\)\[\]|^(globals|locals|vars)\(\)\.get\(\)")
_FLOW = Flow(
    sinks=(
        Sink(
            (
                "importlib.import_module",
                "__import__",
                "importlib.__import__",
                "django.utils.module_loading.import_string",
                "pydoc.locate",
                "werkzeug.utils.import_string",
            ),
            (0, "name"),
            holds=lambda value: not value.prefix,
        ),
        Sink(("operator.methodcaller", "operator.attrgetter"), (0,)),
    ),
    what="chooses the code that runs",
    harmless=("getattr:limited",),
    severities={
        "cli": "low",
        "environment": "low",
        "file": "low",
        "stored": "low",
        "network": "medium",
        "parameter": None,
    },
)


def _called(code: Code) -> Iterator[Match]:
    """`getattr(obj, name)()` and `globals()[name]()`."""
    for call in code.calls:
        chosen = [name for name in call.names if _CHOSEN.search(name)]
        if chosen and call.callee.taints:
            yield from _FLOW.judge(call.node, call.callee)


RULE = FlowRule(
    id="unsafe-reflection",
    title="Outside data chooses the code",
    cwes=(470,),
    severity="high",
    severity_reason="The sender calls any function or loads any class that the program can reach.",
    fix="Look the name up in a dictionary of the functions that may be called.",
    reference="https://cwe.mitre.org/data/definitions/470.html",
    detectors=(_FLOW, _called),
    insecure=(
        """
from flask import Flask, request
import reports

app = Flask(__name__)

@app.route("/report")
def report():
    make = getattr(reports, request.args["kind"])
    return {"report": make()}
""",
        """
from django.http import JsonResponse

def total(numbers):
    return sum(numbers)

def run(request):
    function = globals()[request.GET["function"]]
    return JsonResponse({"result": function([1, 2, 3])})
""",
        """
import importlib
from fastapi import FastAPI

app = FastAPI()

@app.post("/plugins/{name}")
def load(name: str):
    module = importlib.import_module(name)
    return {"version": module.VERSION}
""",
        """
import json

class Service:
    def serve(self, connection):
        message = json.loads(connection.recv(4096))
        return getattr(self, message["method"])(*message["args"])
""",
    ),
    secure=(
        """
from flask import Flask, abort, request
import reports

app = Flask(__name__)
KINDS = {"daily": reports.daily, "weekly": reports.weekly}

@app.route("/report")
def report():
    make = KINDS.get(request.args["kind"])
    if make is None:
        abort(404)
    return {"report": make()}
""",
        """
from django.http import JsonResponse, HttpResponseBadRequest

ALLOWED = {"total"}

def total(numbers):
    return sum(numbers)

def run(request):
    name = request.GET["function"]
    if name not in ALLOWED:
        return HttpResponseBadRequest("unknown function")
    return JsonResponse({"result": globals()[name]([1, 2, 3])})
""",
        """
import importlib
from fastapi import FastAPI, HTTPException

app = FastAPI()
PLUGINS = {"csv": "shop.plugins.csv", "json": "shop.plugins.json"}

@app.post("/plugins/{name}")
def load(name: str):
    if name not in PLUGINS:
        raise HTTPException(404)
    module = importlib.import_module(PLUGINS[name])
    return {"version": module.VERSION}
""",
        """
import json

class Service:
    def serve(self, connection):
        message = json.loads(connection.recv(4096))
        return getattr(self, "handle_" + message["method"])(*message["args"])
""",
    ),
)
