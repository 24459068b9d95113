"""Memory copied or read by sizes from outside."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.naming import matches_any
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_HELD = ("+less", "-less", "+len", "-len", "min", "+equals", "-equals", "+in", "max")
_KINDS = ("request", "network", "cli", "file", "parameter")
_COPYING = ("ctypes.memmove", "ctypes.memset")


def _open(value: Value | None, *, parameters: bool) -> bool:
    """Whether a value is outside data that was held against no bound."""
    return value is not None and any(
        one.kind in _KINDS
        and (parameters or one.kind != "parameter")
        and not matches_any(one.passed, _HELD)
        for one in value.taints
    )


def _fixed(call: Call, code: Code) -> bool:
    """Whether the target is a buffer of a constant size."""
    target = call.argument(0)
    if target is None or not target.names & {
        "ctypes.create_string_buffer()",
        "ctypes.create_unicode_buffer()",
    }:
        return False
    return any(
        made.args and type(made.args[0].const) is int
        for made in code.calls_to(("ctypes.create_string_buffer", "ctypes.create_unicode_buffer"))
        if made.scope.path in (call.scope.path, "")
    )


def _copied(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_COPYING):
        source, size = call.argument(1), call.argument(2)
        if size is not None and type(size.const) is int:
            continue
        by_length = _fixed(call, code) and _open(source, parameters=True)
        if by_length and not (
            size is not None and size.taints and not _open(size, parameters=True)
        ):
            yield Match(call.node, "more is copied than the buffer holds when the data is long")
        elif _open(size, parameters=False):
            yield Match(call.node, "the number of bytes is chosen outside")


def _read(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("ctypes.string_at", "ctypes.wstring_at")):
        if _open(call.argument(1, "size"), parameters=False):
            yield Match(call.node, "as many bytes are read as outside data says", cwes=(126, 119))
        elif _open(call.argument(0, "ptr"), parameters=False):
            yield Match(call.node, "the address is chosen outside", cwes=(119,))


RULE = FlowRule(
    id="ctypes-buffer",
    title="Memory accessed by a size from outside",
    cwes=(787, 120, 119, 126),
    severity="medium",
    severity_reason="ctypes checks no bounds: memory beside the buffer is overwritten or shown.",
    fix="Compare the length with len(buffer) first, or slice the data to it.",
    reference="https://cwe.mitre.org/data/definitions/787.html",
    detectors=(_copied, _read),
    insecure=(
        """
import ctypes

def pack(data):
    buffer = ctypes.create_string_buffer(64)
    ctypes.memmove(buffer, data, len(data))
    return buffer.raw
""",
        """
import ctypes
import socket

def receive(connection: socket.socket):
    block = ctypes.create_string_buffer(1024)
    data = connection.recv(65536)
    ctypes.memmove(block, data, len(data))
    return block
""",
        """
import ctypes
from flask import Flask, request
from shop.memory import table

app = Flask(__name__)

@app.get("/entry")
def entry():
    size = int(request.args["size"])
    return ctypes.string_at(table, size)
""",
    ),
    secure=(
        """
import ctypes

def pack(data):
    buffer = ctypes.create_string_buffer(64)
    if len(data) > len(buffer):
        raise ValueError("too long")
    ctypes.memmove(buffer, data, len(data))
    return buffer.raw
""",
        """
import ctypes
import socket

def receive(connection: socket.socket):
    data = connection.recv(65536)
    return ctypes.create_string_buffer(data)
""",
        """
import ctypes
from flask import Flask, abort, request
from shop.memory import SIZE, table

app = Flask(__name__)

@app.get("/entry")
def entry():
    size = int(request.args["size"])
    if not 0 < size <= SIZE:
        abort(400)
    return ctypes.string_at(table, size)
""",
    ),
)
