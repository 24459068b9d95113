"""Calls whose name or code is put together so that a reader does not see it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_POWERFUL = frozenset(
    (
        *("os", "subprocess", "builtins", "__builtins__", "pickle", "marshal", "ctypes"),
        *("importlib", "posix", "socket", "pty", "shutil"),
    )
)
_DECODERS = frozenset(
    (
        *("b64decode", "b32decode", "b16decode", "b85decode", "a85decode", "decodebytes"),
        *("unhexlify", "fromhex", "decompress", "chr", "a2b_base64", "rot13"),
    )
)
_HIDERS = frozenset(("b64decode", "unhexlify", "fromhex", "chr", "join", "decode"))


def _run_text(code: Code) -> Iterator[Match]:
    """exec, eval, compile, __import__ of a literal that is decoded first."""
    names = ("exec", "eval", "compile", "__import__", "importlib.import_module", "marshal.loads")
    for call in code.calls_to(names):
        given = call.node.args[0] if call.node.args else None
        if given is None or call.args[0].taints:
            continue
        made = _made_from(given, call)
        if made is not None:
            yield Match(call.node, f"what is run is hidden in {made}")


def _made_from(node: ast.expr, call: Call) -> str | None:
    """How a text is decoded from literals, looking through one variable."""
    if isinstance(node, ast.Name):
        bound = [
            one.value
            for one in walk(call.scope.node)
            if isinstance(one, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == node.id for t in one.targets)
        ]
        return (
            _made_from(bound[-1], call) if bound and not isinstance(bound[-1], ast.Name) else None
        )
    for one in walk(node):
        if not isinstance(one, ast.Call):
            continue
        func = one.func
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        if name in _DECODERS and _only_literals(one):
            return f"an encoded literal ({name})"
        if name in ("decode", "encode"):
            for given in one.args:
                codec = given.value if isinstance(given, ast.Constant) else None
                if codec in ("rot13", "rot_13", "hex", "base64", "zlib", "hex_codec"):
                    return f"an encoded literal ({codec})"
    sliced = isinstance(node, ast.Subscript) and isinstance(node.value, ast.Constant)
    return "a reversed literal" if sliced else None


def _only_literals(node: ast.Call) -> bool:
    """Whether a decoder's input is literal (or a loop over literals), not data."""
    inner = [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
    constants = [c for one in inner for c in walk(one) if isinstance(c, ast.Constant)]
    looped = any(isinstance(one, ast.Name) for one in node.args) and _callee(node) == "chr"
    return bool(constants) or looped


def _callee(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _looked_up(code: Code) -> Iterator[Match]:
    """getattr(os, <put together>) and the like, where the name is no outside data."""
    for call in code.calls_to(("getattr", "object.__getattribute__", "vars", "globals")):
        if not call.fits("getattr") or len(call.node.args) < 2:
            continue
        if not call.args[0].names & _POWERFUL or call.args[1].taints:
            continue
        if _put_together(call.node.args[1]):
            yield Match(
                call.node, f"the name looked up in {sorted(call.args[0].names)[0]} is put together"
            )


def _put_together(node: ast.expr) -> bool:
    """A name made of pieces, decoded, or reversed - a literal or plain variable is none."""
    if isinstance(node, ast.BinOp):
        return all(isinstance(one, ast.Constant) for one in (node.left, node.right)) or any(
            _put_together(one) for one in (node.left, node.right)
        )
    if isinstance(node, ast.JoinedStr):
        return all(
            isinstance(getattr(one, "value", one), ast.Constant | str) for one in node.values
        )
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Constant) and isinstance(node.slice, ast.Slice)
    return isinstance(node, ast.Call) and _callee(node) in _HIDERS and _has_text(node)


def _has_text(node: ast.Call) -> bool:
    """Whether literals are decoded or joined, not variables."""
    inner: list[ast.expr] = list(node.args)
    if _callee(node) == "decode" and isinstance(node.func, ast.Attribute):
        inner = [node.func.value]  # its arguments only name the encoding
    return any(isinstance(part, ast.Constant) and part.value for one in inner for part in walk(one))


def _by_subscript(code: Code) -> Iterator[Match]:
    """`__builtins__["ev" + "al"]`, `globals()["__imp" + "ort__"]`, `os.__dict__["sys" + "tem"]`."""
    for node in code.nodes_of(ast.Subscript):
        if _put_together(node.slice):
            base = ast.unparse(node.value)
            owner = base.removesuffix(".__dict__").removeprefix("vars(").removesuffix(")")
            if base in ("globals()", "locals()", "sys.modules") or (
                (owner in _POWERFUL and owner != base) or base == "__builtins__"
            ):
                yield Match(node, f"the name looked up in {base} is put together")


RULE = FlowRule(
    id="obfuscated-call",
    title="Call that hides what it calls",
    cwes=(656, 506, 94),
    severity="high",
    severity_reason="Code that hides what it runs cannot be reviewed, and readers and tools pass"
    " over it.",
    fix="Call the function by its name; put code into the program instead of an encoded text.",
    reference="https://cwe.mitre.org/data/definitions/656.html",
    detectors=(_run_text, _looked_up, _by_subscript),
    confidence="high",
    insecure=(
        """
import base64

def start():
    exec(base64.b64decode("cHJpbnQoJ2hlbGxvJyk="))
""",
        """
import os

def list_files():
    return getattr(os, "sys" + "tem")("ls")
""",
        """
import codecs

def total():
    text = codecs.decode("fhz([1, 2, 3])", "rot13")
    return eval(text)
""",
        """
def greet():
    run = globals()["__built" + "ins__"]
    return run
""",
        """
def clock():
    return __import__("".join(chr(code) for code in (116, 105, 109, 101))).time()
""",
    ),
    secure=(
        """
import base64

def start(text):
    print(base64.b64decode("aGVsbG8=").decode())
""",
        """
import os

def list_files():
    return os.listdir(".")
""",
        """
import os

def limit(name):
    return getattr(os, "SEEK_SET", 0)
""",
        """
class Handler:
    def visit(self, node):
        return getattr(self, "visit_" + type(node).__name__)(node)
""",
        """
import importlib

def clock():
    return importlib.import_module("time").time()
""",
    ),
)
