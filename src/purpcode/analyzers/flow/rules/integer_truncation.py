"""Numbers from outside put into fewer bits than they may need."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.naming import matches_any
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_HELD = (
    "+less",
    "-less",
    "min",
    "max",
    "+in",
    "+equals",
    "*clip*",
    "*clamp*",
    "*validate*",
    "+*valid*",
)
_WIDTHS = ("8", "16", "32")
_CTYPES = (
    *(f"ctypes.c_{sign}int{bits}" for sign in ("", "u") for bits in _WIDTHS),
    *("ctypes.c_short", "ctypes.c_ushort", "ctypes.c_byte", "ctypes.c_ubyte", "ctypes.c_int"),
    *("ctypes.c_uint", "ctypes.c_size_t"),
)
_NUMPY = tuple(f"numpy.{sign}int{bits}" for sign in ("", "u") for bits in _WIDTHS)
_PACKING = ("struct.pack", "struct.pack_into", "struct.Struct().pack")


def _unbounded(value: Value) -> bool:
    return any(
        one.kind in ("request", "network", "cli")
        and matches_any(one.passed, ("int", "float", "operator.arithmetic"))
        and not matches_any(one.passed, _HELD)
        for one in value.taints
    )


def _narrowed(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_CTYPES):
        if any(map(_unbounded, call.args)):
            yield Match(call.node, "higher bits are dropped without an error", cwes=(197, 681, 190))
    for call in code.calls_to(_NUMPY):
        if any(map(_unbounded, call.args)):
            yield Match(call.node, "a number too large wraps round or is refused", cwes=(190, 681))
    for call in code.calls_to(("*.astype",)):
        kind = call.argument(0, "dtype")
        narrow = kind is not None and (
            kind.names & set(_NUMPY) or kind.text in [f"int{b}" for b in _WIDTHS]
        )
        if narrow and _unbounded(call.receiver):
            yield Match(call.node, "a number too large wraps round", cwes=(681, 190))
    for call in code.calls_to(_PACKING):
        if any(map(_unbounded, call.args)):
            yield Match(call.node, "a number too large for its field ends in an error", cwes=(681,))


RULE = FlowRule(
    id="integer-truncation",
    title="Number from outside narrowed unchecked",
    cwes=(197, 681, 190),
    severity="low",
    severity_reason="A size or an amount becomes another one; what that does depends on its use.",
    fix="Compare the number with the bounds of the type first.",
    reference="https://cwe.mitre.org/data/definitions/197.html",
    detectors=(_narrowed,),
    insecure=(
        """
import ctypes
from flask import Flask, request

app = Flask(__name__)

@app.post("/reserve")
def reserve():
    size = ctypes.c_uint16(int(request.form["size"]))
    return {"reserved": size.value}
""",
        """
import struct
import sys

def header(kind):
    return struct.pack(">HH", kind, int(sys.argv[1]))
""",
        """
import numpy as np
from flask import Flask, request

app = Flask(__name__)

@app.post("/scale")
def scale():
    factor = np.int16(int(request.json["factor"]))
    return {"factor": int(factor)}
""",
    ),
    secure=(
        """
import ctypes
from flask import Flask, abort, request

app = Flask(__name__)

@app.post("/reserve")
def reserve():
    number = int(request.form["size"])
    if not 0 <= number < 65536:
        abort(400)
    return {"reserved": ctypes.c_uint16(number).value}
""",
        """
import struct
import sys

def header(kind):
    size = int(sys.argv[1])
    if size > 0xFFFF or size < 0:
        raise ValueError(size)
    return struct.pack(">HH", kind, size)
""",
        """
import numpy as np
from flask import Flask, request

app = Flask(__name__)

@app.post("/scale")
def scale():
    factor = np.int64(min(max(int(request.json["factor"]), -100), 100))
    return {"factor": int(factor)}
""",
    ),
)
