"""Memory, loops and threads whose number outside data decides."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import CHECKS, Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.shapes import (
    answers_requests,
    functions,
    has_kind,
    last_name,
    outside_names,
    outside_numbers,
    tested_names,
    within,
)
from purpcode.analyzers.flow.values import SourceKind, Value

_BOUNDS = (
    *("min", "max", "len", "bool", "hash", "+less", "-less", "+in", "+equals", "+between"),
    *(
        one
        for one in CHECKS
        if one not in ("+all", "-any", "+.isdigit", "+.isnumeric", "+.isdecimal")
    ),
    *("*clamp*", "*limit*", "*bounded*", "*clip*", "ord", "str", "operator.%", "slice"),
)
_QUIET: dict[SourceKind, Level | None] = {
    **dict.fromkeys(("cli", "environment", "file", "stored", "parameter")),
    "network": "low",
}


def _is_a_number(value: Value) -> bool:
    """Whether every taint went through a conversion to a number."""
    return any({"int", "float", "?int", "struct.unpack", "int.from_bytes"} & taint.passed
               for taint in value.taints)  # fmt: skip


def _repeated(code: Code) -> Iterator[Match]:
    """`[0] * count` and `"x" * count` with a number from a request."""
    for function in functions(code):
        if not answers_requests(code, function):
            continue
        limited = outside_names(code, function, "min", "max", "len", "operator.%")
        numbers = outside_numbers(code, function) - tested_names(function) - limited
        for node in within(function):
            if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult | ast.Pow):
                continue
            times, what = node.right, node.left
            if isinstance(times, ast.List | ast.Constant):
                times, what = what, times
            repeats = isinstance(what, ast.List) or (
                isinstance(what, ast.Constant) and isinstance(what.value, str | bytes)
            )
            grows = isinstance(node.op, ast.Pow) and not isinstance(node.right, ast.Constant)
            parsed = isinstance(times, ast.Call) and has_kind(code.value_at(times), "request")
            counted = isinstance(times, ast.Name) and times.id in numbers
            if (repeats or grows) and (counted or (parsed and last_name(times) == "int")):
                yield Match(node, "a request decides how much is made")


RULE = FlowRule(
    id="excessive-allocation",
    title="Amount chosen by outside data",
    cwes=(789, 770, 400),
    severity="medium",
    severity_reason="One request can ask for more memory or work than the machine has.",
    fix="Limit the number before using it: `count = min(count, LIMIT)`, or refuse what is too"
    " large.",
    reference="https://cwe.mitre.org/data/definitions/789.html",
    detectors=(
        _repeated,
        Flow(
            sinks=(
                Sink(
                    (
                        *("bytearray", "bytes", "range", "numpy.zeros", "numpy.ones"),
                        *("numpy.empty", "numpy.full", "itertools.repeat", "os.urandom"),
                        *("secrets.token_bytes", "secrets.token_hex", "random.choices"),
                    ),
                    (0, 1),
                    holds=_is_a_number,
                ),
                Sink(
                    ("*.recv", "*.read", "*.ljust", "*.rjust", "*.zfill", "*.truncate"),
                    (0,),
                    holds=_is_a_number,
                ),
                Sink(("math.factorial", "math.comb", "math.perm"), (0,), holds=_is_a_number),
                Sink(("time.sleep", "asyncio.sleep"), (0,), holds=_is_a_number),
                Sink(
                    (
                        "concurrent.futures.ThreadPoolExecutor",
                        "multiprocessing.Pool",
                        "concurrent.futures.ProcessPoolExecutor",
                    ),
                    (0, "max_workers", "processes"),
                    holds=_is_a_number,
                ),
            ),
            what="decides how much is made or awaited, without a limit",
            harmless=_BOUNDS,
            severities=_QUIET,
            strict=True,
        ),
    ),
    insecure=(
        """
from flask import Flask, request

app = Flask(__name__)

@app.get("/board")
def board():
    side = int(request.args["side"])
    return {"cells": [0] * side}
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.get("/noise")
def noise():
    size = int(request.args["size"])
    return bytes(bytearray(size))
""",
        """
import numpy as np
from django.http import JsonResponse

def matrix(request):
    side = int(request.GET.get("side", "3"))
    return JsonResponse({"rows": np.zeros(side * side).tolist()})
""",
        """
import time
from aiohttp import web

async def wait(request):
    seconds = float(request.query["seconds"])
    time.sleep(seconds)
    return web.Response(text="done")
""",
        """
from fastapi import FastAPI
from shop import code

app = FastAPI()

@app.get("/codes")
def codes(count: int):
    return [code() for _ in range(count)]
""",
    ),
    secure=(
        """
from flask import Flask, abort, request

app = Flask(__name__)

@app.get("/board")
def board():
    side = int(request.args["side"])
    if not 0 < side <= 64:
        abort(400)
    return {"cells": [0] * side}
""",
        """
from flask import Flask, request

app = Flask(__name__)
LIMIT = 4096

@app.get("/noise")
def noise():
    size = min(int(request.args["size"]), LIMIT)
    return bytes(bytearray(size))
""",
        """
import numpy as np
from django.http import HttpResponseBadRequest, JsonResponse

def matrix(request):
    side = int(request.GET.get("side", "3"))
    if side > 20 or side < 1:
        return HttpResponseBadRequest("too large")
    return JsonResponse({"rows": np.zeros(side * side).tolist()})
""",
        """
import socket

LARGEST = 65536

def read_message(link: socket.socket) -> bytes:
    size = int.from_bytes(link.recv(4), "big")
    if size > LARGEST:
        raise ValueError("message too large")
    return link.recv(size)
""",
        """
from fastapi import FastAPI, Query
from shop import code

app = FastAPI()

@app.get("/codes")
def codes(count: int = Query(1, ge=1, le=50)):
    return [code() for _ in range(count)]
""",
        """
import sys

def main():
    for number in range(int(sys.argv[1])):
        print(number)
""",
    ),
)
