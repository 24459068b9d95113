"""Calls that stop the whole event loop."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import own_nodes
from purpcode.analyzers.flow.rule import FlowRule, Match

_VERBS = ("get", "post", "put", "delete", "patch", "head", "request")
_BLOCKING = (
    *("time.sleep", "urllib.request.urlopen", "socket.create_connection", "input", "os.system"),
    *("subprocess.run", "subprocess.call", "subprocess.check_output", "subprocess.check_call"),
    *(f"requests.{verb}" for verb in _VERBS),
    *(f"requests.Session().{verb}" for verb in _VERBS),
    *("psycopg2.connect", "pymysql.connect", "smtplib.SMTP"),
)


def _blocks(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_BLOCKING):
        function = call.scope.node
        # A function handed to a thread is called elsewhere: only calls written right here count.
        if isinstance(function, ast.AsyncFunctionDef) and any(
            call.node is node
            and call.names & set(_BLOCKING)
            and _called_here(call.node, call.names)
            for node in own_nodes(function)
        ):
            yield Match(call.node, "everything else on the event loop waits for it")


def _called_here(node: ast.Call, names: frozenset[str]) -> bool:
    written = ast.unparse(node.func).rpartition(".")[2]
    return any(name.rpartition(".")[2] == written for name in names)


RULE = FlowRule(
    id="blocking-in-async",
    title="Blocking call in a coroutine",
    cwes=(1322, 400),
    severity="low",
    severity_reason="One slow peer stops every other request of the service.",
    fix="Use the asynchronous counterpart (asyncio.sleep, httpx.AsyncClient) or asyncio.to_thread.",
    reference="https://cwe.mitre.org/data/definitions/1322.html",
    detectors=(_blocks,),
    insecure=(
        """
import time

async def retry(action):
    for _ in range(3):
        if await action():
            return True
        time.sleep(5)
    return False
""",
        """
import requests
from fastapi import FastAPI

app = FastAPI()

@app.get("/rates")
async def rates():
    return requests.get("https://rates.example.com/today", timeout=5).json()
""",
        """
import subprocess

async def convert(path):
    done = subprocess.run(["/usr/bin/convert", path], timeout=60, check=False)
    return done.returncode
""",
    ),
    secure=(
        """
import asyncio

async def retry(action):
    for _ in range(3):
        if await action():
            return True
        await asyncio.sleep(5)
    return False
""",
        """
import requests
from fastapi import FastAPI

app = FastAPI()

@app.get("/rates")
def rates():
    return requests.get("https://rates.example.com/today", timeout=5).json()
""",
        """
import asyncio
import subprocess

async def convert(path):
    done = await asyncio.to_thread(subprocess.run, ["/usr/bin/convert", path], timeout=60)
    return done.returncode
""",
    ),
)
