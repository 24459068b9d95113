"""Input, uploads and connections taken without a limit."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import called_name, dotted, own_nodes
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_BODIES = ("web.request.get_data", "web.request.stream.read", "web.request.body",
           "web.request.read", "*.rfile.read")  # fmt: skip
_BOUNDS = ("content_length", "MAX_CONTENT_LENGTH", "DATA_UPLOAD_MAX_MEMORY_SIZE", "client_max_size",
           "Content-Length", "content-length", "max_content_length")  # fmt: skip


def _bodies(code: Code) -> Iterator[Match]:
    if any(word in code.text for word in _BOUNDS):
        return
    for call in code.calls_to(_BODIES):
        if not call.args and not call.keywords:
            yield Match(call.node, "the whole body is taken into memory, however large")


def _threads(code: Code) -> Iterator[Match]:
    """A new thread for every connection that anybody opens."""
    for call in code.calls_to(("threading.Thread", "multiprocessing.Process", "os.fork")):
        for loop in own_nodes(call.scope.node):
            if not isinstance(loop, ast.While) or not _holds(loop, call.node):
                continue
            names = {called_name(node) for node in walk(loop)}
            if "accept" in names and not names & {"acquire", "active_count"}:
                yield Match(call.node, "every connection gets one more thread or process")


def _growing(code: Code) -> Iterator[Match]:
    """`data += sock.recv(n)` in a loop that no length ends."""
    for loop in code.nodes_of(ast.While):
        if not _receives(loop):
            continue
        compared = any(
            isinstance(node, ast.Compare)
            and any(isinstance(one, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for one in node.ops)
            for node in walk(loop)
        )
        if not compared:
            grown = {
                dotted(node.target)
                for node in walk(loop)
                if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add)
            }
            received = {
                dotted(target)
                for node in walk(loop)
                if isinstance(node, ast.Assign) and called_name(node.value) == "recv"
                for target in node.targets
            }
            values = [n.value for n in walk(loop) if isinstance(n, ast.AugAssign)]
            if grown and any(
                called_name(one) == "recv" or dotted(one) in received for one in values
            ):
                yield Match(loop, "what a peer sends is collected without an end")


def _receives(loop: ast.While) -> bool:
    return any(called_name(node) == "recv" for node in walk(loop))


def _holds(loop: ast.AST, wanted: ast.AST) -> bool:
    return any(node is wanted for node in walk(loop))


RULE = FlowRule(
    id="unlimited-input",
    title="Input without a limit",
    cwes=(770, 400),
    severity="low",
    severity_reason="A peer that sends or connects without end uses up memory or threads.",
    fix="Set a largest size (MAX_CONTENT_LENGTH, a running total) and a pool for connections.",
    reference="https://cwe.mitre.org/data/definitions/770.html",
    detectors=(_bodies, _threads, _growing),
    insecure=(
        """
from flask import Flask, request

app = Flask(__name__)

@app.post("/notes")
def notes():
    return {"length": len(request.get_data())}
""",
        """
import socket
import threading

def serve(server: socket.socket, answer):
    while True:
        link, _ = server.accept()
        threading.Thread(target=answer, args=(link,)).start()
""",
        """
import socket

def collect(link: socket.socket) -> bytes:
    data = b""
    while True:
        part = link.recv(4096)
        if not part:
            return data
        data += part
""",
    ),
    secure=(
        """
from flask import Flask, request

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1_000_000

@app.post("/notes")
def notes():
    return {"length": len(request.get_data())}
""",
        """
import socket
from concurrent.futures import ThreadPoolExecutor

def serve(server: socket.socket, answer):
    with ThreadPoolExecutor(max_workers=16) as pool:
        while True:
            link, _ = server.accept()
            pool.submit(answer, link)
""",
        """
import socket

def collect(link: socket.socket, limit: int = 65536) -> bytes:
    data = b""
    while len(data) < limit:
        part = link.recv(4096)
        if not part:
            break
        data += part
    return data
""",
    ),
)
