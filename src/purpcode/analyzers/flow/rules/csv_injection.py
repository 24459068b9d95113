"""Cells of a spreadsheet that may be formulas."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow
from purpcode.analyzers.flow.rule import FlowRule, Match

_CELLS = (
    "csv.writer().writerow",
    "csv.writer().writerows",
    "csv.DictWriter().writerow",
    "csv.DictWriter().writerows",
    "openpyxl.Workbook().active.append",
    "?writer.writerow",
    "?writer.writerows",
)
_FLOW = Flow(
    sinks=(),
    what="becomes a cell of a table, formulas included",
    harmless=(
        "*formula*",
        "*escape*",
        "*cell*",
        ".lstrip",
        "-.startswith",
        "repr",
        "*safe*",
        "*quote*",
    ),
    severities=dict.fromkeys(
        ("cli", "environment", "file", "stored", "network", "parameter"), None
    ),
)


def _guards_formulas(code: Code) -> bool:
    """Whether the program speaks of the signs that begin a formula."""
    return re.search(r"""["']=[+\-@"',\s]|["']=["'],""", code.text) is not None


def _cells(code: Code) -> Iterator[Match]:
    if _guards_formulas(code):
        return
    for call in code.calls_to(_CELLS):
        for value in call.args[:1]:
            yield from _FLOW.judge(call.node, value)


RULE = FlowRule(
    id="csv-injection",
    title="Cell with outside data",
    cwes=(1236,),
    severity="low",
    severity_reason="It takes a spreadsheet program that runs formulas and a reader who lets it.",
    fix="Put an apostrophe before cells that begin with =, +, -, @, a tab or a line end.",
    reference="https://cwe.mitre.org/data/definitions/1236.html",
    detectors=(_cells,),
    insecure=(
        """
import csv
from flask import Flask, request

app = Flask(__name__)

@app.route("/signup", methods=["POST"])
def signup():
    with open("signups.csv", "a", newline="") as handle:
        csv.writer(handle).writerow([request.form["name"], request.form["city"]])
    return "thanks"
""",
        """
import csv
from django.http import HttpResponse

def export(request):
    response = HttpResponse(content_type="text/csv")
    writer = csv.DictWriter(response, fieldnames=["comment"])
    writer.writerow({"comment": request.POST["comment"]})
    return response
""",
        """
import csv
import io
from fastapi import FastAPI, Response

app = FastAPI()

@app.get("/table")
def table(title: str):
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["title", title])
    return Response(buffer.getvalue(), media_type="text/csv")
""",
    ),
    secure=(
        """
import csv
from flask import Flask, request

app = Flask(__name__)

def cell(text):
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text

@app.route("/signup", methods=["POST"])
def signup():
    with open("signups.csv", "a", newline="") as handle:
        csv.writer(handle).writerow([cell(request.form["name"]), cell(request.form["city"])])
    return "thanks"
""",
        """
import csv
from django.http import HttpResponse

def export(request):
    response = HttpResponse(content_type="text/csv")
    writer = csv.DictWriter(response, fieldnames=["amount"])
    writer.writerow({"amount": int(request.POST["amount"])})
    return response
""",
        """
import json
from fastapi import FastAPI, Response

app = FastAPI()

@app.get("/table")
def table(title: str):
    return Response(json.dumps({"title": title}), media_type="application/json")
""",
    ),
)
