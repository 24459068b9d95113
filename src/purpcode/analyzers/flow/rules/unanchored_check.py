"""Patterns that check a part of a value which is then used as a whole."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.naming import matches_any
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.sinks import sink_values

_MATCH = ("re.match", "re.compile().match", "*.match")
_SEARCH = ("re.search", "re.compile().search", "*.search", "re.findall")
_END = re.compile(r"(\$|\\Z|\\z)\)*$")
_START = re.compile(r"^\(*(\^|\\A)")
_STRONG = (
    "+in",
    "+equals",
    "+re.fullmatch",
    "+*.fullmatch",
    "+.isalnum",
    "+.isdigit",
    "+.isidentifier",
    "shlex.quote",
    "int",
    "float",
    "*secure_filename",
    "os.path.basename",
    "uuid.UUID",
    "+*valid*",
    "+*allowed*",
    "+*safe*",
    "*sanit*",
    "*.hexdigest",
    "+*.hostname",
    "+*.netloc",
    "+*.is_relative_to",
    "urllib.parse.quote*",
    "+.startswith",
    "re.sub",
)


def _texts(code: Code) -> dict[int, str]:
    """Patterns of the calls of `re`, by the call's id; those compiled under a name included."""
    named: dict[str, str] = {}
    for store in code.stores:
        value = code.value_at(store.source) if store.source is not None else store.value
        if store.path and "re.compile()" in value.names:
            compiled = next((one for one in code.calls if one.node is store.source), None)
            if compiled is not None and compiled.args and compiled.args[0].text:
                named[store.path] = compiled.args[0].text
    found: dict[int, str] = {}
    for call in code.calls_to((*_MATCH, *_SEARCH)):
        if any(one.startswith("re.") and "compile" not in one for one in call.names):
            text = call.args[0].text if call.args else None
        else:
            func = call.node.func
            text = named.get(getattr(getattr(func, "value", None), "id", ""))
        if text:
            found[id(call)] = text
    return found


def _lets_more_in(call: Call, pattern: str) -> bool:
    if pattern.endswith((".*", ".*)")) and "s)" not in pattern:
        return False
    open_end = not _END.search(pattern)
    if matches_any(call.names, _SEARCH):
        return open_end or not _START.search(pattern)
    return open_end


def _refused(code: Code, checks: list[Call]) -> bool:
    """Whether what does not match is refused (`if not re.match(...)`), not merely told apart."""
    refused = {
        id(node.operand) if isinstance(node, ast.UnaryOp) else id(node.left)
        for node in code.nodes
        if (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))
        or (isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is))
    }
    return any(id(one.node) in refused for one in checks)


def _unanchored(code: Code) -> Iterator[Match]:
    texts = _texts(code)
    tests: dict[str, list[Call]] = {}
    for call in code.calls_to((*_MATCH, *_SEARCH)):
        if id(call) in texts:
            tests.setdefault(call.scope.path, []).append(call)
    for sink, value in sink_values(code, "command", "path", "query", "code"):
        checks = tests.get(sink.scope.path, [])
        if not checks or not all(_lets_more_in(one, texts[id(one)]) for one in checks):
            continue
        for taint in value.taints:
            tested = matches_any(taint.passed, ("+re.match", "+re.search", "+*.match", "+*.search"))
            outside = taint.kind in ("request", "network") or (
                taint.kind == "parameter" and value.built and _refused(code, checks)
            )
            if tested and outside and not matches_any(taint.passed, _STRONG):
                yield Match(
                    sink.node, f"the pattern in line {checks[0].node.lineno} checks only a part"
                )
                break


RULE = FlowRule(
    id="unanchored-check",
    title="Only a part of the value was checked",
    cwes=(777, 20),
    severity="medium",
    severity_reason="A pattern without anchors accepts a good beginning followed by anything.",
    fix="Check with re.fullmatch.",
    reference="https://cwe.mitre.org/data/definitions/777.html",
    detectors=(_unanchored,),
    insecure=(
        """
import os
import re
from flask import Flask, request

app = Flask(__name__)

@app.get("/ping")
def ping():
    host = request.args["host"]
    if not re.match(r"[a-z0-9.]+", host):
        return "bad", 400
    os.system("ping -c 1 " + host)
    return "done"
""",
        """
import re
from flask import Flask, request

app = Flask(__name__)
NAME = re.compile("[a-z]+[.]txt")

@app.get("/note")
def note():
    name = request.args["name"]
    if NAME.search(name):
        with open("/srv/notes/" + name) as handle:
            return handle.read()
    return "bad", 400
""",
        """
import re
import sqlite3

def count(table):
    if not re.match("^[a-z_]+", table):
        raise ValueError(table)
    return sqlite3.connect("x.db").execute(f"SELECT COUNT(*) FROM {table}").fetchone()
""",
    ),
    secure=(
        """
import re
import subprocess
from flask import Flask, request

app = Flask(__name__)

@app.get("/ping")
def ping():
    host = request.args["host"]
    if not re.fullmatch(r"[a-z0-9][a-z0-9.]*", host):
        return "bad", 400
    subprocess.run(["ping", "-c", "1", host], timeout=5, check=True)
    return "done"
""",
        """
import re
from flask import Flask, request

app = Flask(__name__)
NAME = re.compile("[a-z]+[.]txt")

@app.get("/note")
def note():
    name = request.args["name"]
    if NAME.fullmatch(name):
        with open("/srv/notes/" + name) as handle:
            return handle.read()
    return "bad", 400
""",
        r"""
import re
import sqlite3

def count(table):
    if not re.match(r"^[a-z_]+\Z", table):
        raise ValueError(table)
    return sqlite3.connect("x.db").execute(f"SELECT COUNT(*) FROM {table}").fetchone()
""",
    ),
)
