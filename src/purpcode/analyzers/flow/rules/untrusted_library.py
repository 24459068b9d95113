"""Native libraries loaded from where outside data says, or from shared folders."""

from __future__ import annotations

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule, Match

_LOADERS = (
    *("ctypes.CDLL", "ctypes.PyDLL", "ctypes.WinDLL", "ctypes.OleDLL", "*.LoadLibrary"),
    *("cffi.FFI().dlopen", "_ctypes.dlopen", "numpy.ctypeslib.load_library"),
    *("*.load_extension", "importlib.machinery.ExtensionFileLoader"),
)
_SHARED = re.compile(r"^(\./|\.\\|/tmp/|/var/tmp/|/dev/shm/)")


def _from_shared(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_LOADERS):
        path = call.argument(0, "name")
        found = _SHARED.match(path.starts_with()) if path is not None else None
        if found:
            level = "low" if found[0].startswith(".") else "medium"
            yield Match(call.node, "loads a library from a folder others may write to", level)  # type: ignore[arg-type]


RULE = FlowRule(
    id="untrusted-library",
    title="Native library from an untrusted place",
    cwes=(114, 426, 829),
    severity="high",
    severity_reason="A loaded library runs its code in the process at once.",
    fix="Load libraries by fixed absolute paths, or choose among a fixed set by key.",
    reference="https://cwe.mitre.org/data/definitions/114.html",
    detectors=(
        Flow(
            sinks=(Sink(_LOADERS, (0, "name")),),
            what="chooses the library that is loaded",
            harmless=("ctypes.util.find_library",),
            severities={"cli": "low", "environment": "low", "file": "medium", "parameter": "low"},
        ),
        _from_shared,
    ),
    insecure=(
        """
import ctypes
from flask import Flask, request

app = Flask(__name__)

@app.post("/codec")
def codec():
    library = ctypes.CDLL(request.form["path"])
    return {"version": library.version()}
""",
        """
import ctypes

def fast_sum(values):
    library = ctypes.cdll.LoadLibrary("/tmp/libsum.so")
    return library.sum(*values)
""",
        """
import sqlite3

def search(request):
    connection = sqlite3.connect("shop.db")
    connection.enable_load_extension(True)
    connection.load_extension(request.GET["extension"])
    return connection
""",
    ),
    secure=(
        """
import ctypes
from flask import Flask, abort, request

app = Flask(__name__)
CODECS = {"fast": "/usr/lib/libfast.so", "small": "/usr/lib/libsmall.so"}

@app.post("/codec")
def codec():
    path = CODECS.get(request.form["name"])
    if path is None:
        abort(400)
    return {"version": ctypes.CDLL(path).version()}
""",
        """
import ctypes
import ctypes.util

def fast_sum(values):
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    return library.sum(*values)
""",
        """
import ctypes
from pathlib import Path

def load():
    return ctypes.CDLL(str(Path(__file__).resolve().parent / "libsum.so"))
""",
    ),
)
