"""Requests that end the whole server."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import caught_in

_ENDS = ("sys.exit", "os._exit", "os.abort", "exit", "quit")


def _exits(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_ENDS):
        if not call.scope.handler or not isinstance(
            call.scope.node, ast.FunctionDef | ast.AsyncFunctionDef
        ):
            continue
        if re.search(r"(?i)shut_?down|stop|exit|restart|quit|terminate", call.scope.name):
            continue  # ending is what the address is for; who may ask is another question
        if not call.fits("os.*") and id(call.node) in caught_in(call.scope.node, "SystemExit"):
            continue
        yield Match(call.node, "a request ends the process that answers the others")


RULE = FlowRule(
    id="exit-in-handler",
    title="Request ends the server",
    cwes=(382, 705),
    severity="medium",
    severity_reason="Whoever makes the request fail stops the service for everybody.",
    fix="Answer with an error (abort(503), HTTPException) and leave the process running.",
    reference="https://cwe.mitre.org/data/definitions/382.html",
    detectors=(_exits,),
    insecure=(
        """
import sys
from flask import Flask

app = Flask(__name__)

@app.route("/menu")
def menu():
    try:
        with open("/srv/menu.txt") as source:
            return source.read()
    except OSError:
        sys.exit(1)
""",
        """
import os
from fastapi import FastAPI
from kitchen import orders

app = FastAPI()

@app.get("/orders")
def all_orders():
    if not orders.reachable():
        os._exit(2)
    return orders.all()
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.route("/table")
def table():
    number = request.args.get("number")
    if number is None:
        exit("number is missing")
    return number
""",
    ),
    secure=(
        """
from flask import Flask, abort

app = Flask(__name__)

@app.route("/menu")
def menu():
    try:
        with open("/srv/menu.txt") as source:
            return source.read()
    except OSError:
        abort(503)
""",
        """
import sys

def main(arguments):
    if not arguments:
        sys.exit("a name is missing")
    return arguments[0]
""",
        """
from fastapi import FastAPI, HTTPException
from kitchen import orders

app = FastAPI()

@app.get("/orders")
def all_orders():
    if not orders.reachable():
        raise HTTPException(status_code=503)
    return orders.all()
""",
    ),
)
