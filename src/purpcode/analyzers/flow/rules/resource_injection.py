"""Processes, ports and devices chosen by outside data."""

from __future__ import annotations

from purpcode.analyzers.flow.detectors import CHECKS, Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule

_TESTED = tuple(one for one in CHECKS if one not in ("+.isdigit", "+.isnumeric", "+.isdecimal"))

RULE = FlowRule(
    id="resource-injection",
    title="Resource chosen by outside data",
    cwes=(99, 610),
    severity="medium",
    severity_reason="The caller can stop other processes or reach ports and devices that are not"
    " theirs.",
    fix="Look the resource up among those that belong to the caller, by a key of your own.",
    reference="https://cwe.mitre.org/data/definitions/99.html",
    detectors=(
        Flow(
            sinks=(
                Sink(
                    ("os.kill", "os.killpg", "psutil.Process", "signal.pidfd_send_signal"),
                    (0, "pid"),
                ),
                Sink(("socket.socket().bind", "socket.create_server"), (0, "address")),
                Sink(("socket.socket().connect", "socket.create_connection"), (0, "address")),
                Sink(("serial.Serial", "usb.core.find"), (0, "port")),
                Sink(("multiprocessing.shared_memory.SharedMemory",), (0, "name")),
            ),
            what="chooses a process, port or device",
            harmless=_TESTED,
            severities={
                "cli": None,
                "environment": None,
                "file": None,
                "stored": None,
                "parameter": None,
                "network": "low",
            },
            strict=True,
        ),
    ),
    insecure=(
        """
import os
import signal
from flask import Flask, request

app = Flask(__name__)

@app.post("/stop")
def stop():
    os.kill(int(request.form["pid"]), signal.SIGTERM)
    return {"ok": True}
""",
        """
import socket
from django.http import JsonResponse

def check(request):
    with socket.create_connection(("127.0.0.1", int(request.GET["port"])), timeout=2):
        return JsonResponse({"open": True})
""",
        """
import psutil
from fastapi import FastAPI

app = FastAPI()

@app.get("/processes/{number}")
def show(number: int):
    return {"command": psutil.Process(number).cmdline()}
""",
    ),
    secure=(
        """
import os
import signal
from flask import Flask, abort, request
from jobs import own_jobs

app = Flask(__name__)

@app.post("/stop")
def stop():
    pid = int(request.form["pid"])
    if pid not in own_jobs():
        abort(404)
    os.kill(pid, signal.SIGTERM)
    return {"ok": True}
""",
        """
import socket
from django.http import JsonResponse

PORTS = {"web": 8080, "mail": 2525}

def check(request):
    port = PORTS.get(request.GET["service"], 8080)
    with socket.create_connection(("127.0.0.1", port), timeout=2):
        return JsonResponse({"open": True})
""",
        """
import os
import signal
import sys

def main():
    os.kill(int(sys.argv[1]), signal.SIGTERM)
""",
    ),
)
