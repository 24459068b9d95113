"""Checks that name what is bad and let everything else pass."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code, Scope
from purpcode.analyzers.flow.naming import matches_any
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import within
from purpcode.analyzers.flow.sinks import Use, sink_values
from purpcode.analyzers.flow.values import Taint, Value

_DENIED = (
    "-any",  # only of `any(bad in text for bad in ...)`
    "-in:;",
    "-in:|",
    "-in:&",
    "-in:rm*",
    "-in:'",
    "-in:--",
    "-in:DROP*",
    "-in:drop*",
    "-in:import*",
    "-in:__*",
    "-in:os*",
    ".replace:;",
    ".replace:'",
    ".replace:&",
    ".replace:|",
    "-in:?",
)
_STRONG = (
    "+in",
    "+equals",
    "+re.match",
    "+re.fullmatch",
    "+*.fullmatch",
    "+*.match",
    "+.isalnum",
    "+.isdigit",
    "+.isidentifier",
    "shlex.quote",
    "pipes.quote",
    "int",
    "float",
    "+*valid*",
    "+*allowed*",
    "+*safe*",
    "*sanit*",
    "*.hexdigest",
    "+all",
    "+.issubset",
    "uuid.UUID",
    "ipaddress.*",
    "re.sub",
    "operator.arithmetic",
    "*secure_filename",
    "os.path.basename",
)
_COLLAPSED = (".replace:../", ".replace:..", ".replace:./", ".replace:..\\")
_MAKES_SAFE = re.compile(r"(?i)safe|sanit|clean|secure|path|file_?name|normali[sz]e")
_RESOLVED = ("+*.is_relative_to", "+.startswith", "+os.path.commonpath", "*secure_filename",
             "os.path.basename", "+*.parents", "-in:..", "-in:../")  # fmt: skip


def _counts(taint: Taint, value: Value) -> bool:
    return taint.kind in ("request", "network") or (taint.kind == "parameter" and value.built)


def _asks_for_bad(scope: Scope) -> bool:
    """Whether every `any(...)` of a function looks for bad texts, none for texts not allowed."""
    asked = [
        one.args[0].elt
        for one in within(scope.node)
        if isinstance(one, ast.Call)
        and getattr(one.func, "id", "") == "any"
        and one.args
        and isinstance(one.args[0], ast.GeneratorExp | ast.ListComp)
    ]
    return bool(asked) and all(
        isinstance(one, ast.Compare) and isinstance(one.ops[0], ast.In) for one in asked
    )


def _named(use: Use, scope: Scope, taint: Taint) -> bool:
    """Whether a value was held against bad texts before this use."""
    found = {one for one in taint.passed if matches_any((one,), _DENIED)}
    if "-any" in found and not _asks_for_bad(scope):
        found.discard("-any")
    if use == "command":
        found -= {"-in:'", ".replace:'"}  # a part of quoting well
    if use == "code" and {"+.startswith", "+.endswith"} <= taint.passed:
        return False  # a literal between quotes
    return bool(found)


def _denied(code: Code) -> Iterator[Match]:
    """A shell command, a query or code after a search for bad words."""
    uses: tuple[Use, ...] = ("command", "query", "code")
    for use in uses:
        for call, value in sink_values(code, use):
            for taint in value.taints:
                named = _named(use, call.scope, taint)
                if named and _counts(taint, value) and not matches_any(taint.passed, _STRONG):
                    yield Match(call.node, "it was only searched for some bad texts", cwes=(184,))
                    break


def _collapsed(code: Code) -> Iterator[Match]:
    """`path.replace("../", "")` gives `../` for `....//`."""
    for call, value in sink_values(code, "path"):
        for taint in value.taints:
            if not matches_any(taint.passed, _COLLAPSED) or matches_any(taint.passed, _RESOLVED):
                continue
            if ".replace:.." in taint.passed and ".replace:../" not in taint.passed:
                continue  # without any `..` a path cannot go up
            if taint.kind in ("request", "network", "parameter"):
                yield Match(call.node, "taking `../` out can leave `../` behind", cwes=(182, 184))
                break


def _handed_back(code: Code) -> Iterator[Match]:
    """A function that makes names safe by taking `../` out of them."""
    for one in code.returns:
        if not _MAKES_SAFE.search(one.scope.name):
            continue
        for taint in one.value.taints:
            if matches_any(taint.passed, _COLLAPSED[:1]) and not matches_any(
                taint.passed, _RESOLVED
            ):
                yield Match(one.node, "taking `../` out can leave `../` behind", cwes=(182, 184))
                break


RULE = FlowRule(
    id="incomplete-denylist",
    title="Bad texts listed instead of good ones",
    cwes=(184, 182),
    severity="medium",
    severity_reason="There is always a spelling that the list does not have.",
    fix="Accept what is known to be good (a set of names, re.fullmatch), or use what needs no"
    " filter: argument lists, query parameters, html.escape.",
    reference="https://cwe.mitre.org/data/definitions/184.html",
    detectors=(_denied, _collapsed, _handed_back),
    insecure=(
        """
import os
from flask import Flask, request

app = Flask(__name__)
BAD = ["rm", ";", "|"]

@app.get("/look")
def look():
    name = request.args["name"]
    if any(one in name for one in BAD):
        return "bad", 400
    os.system("ls " + name)
    return "done"
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.get("/file")
def read():
    name = request.args["name"].replace("../", "")
    with open("/srv/files/" + name) as handle:
        return handle.read()
""",
        """
import sqlite3

def find(name):
    if "'" in name or "--" in name:
        raise ValueError(name)
    return sqlite3.connect("x.db").execute(f"SELECT id FROM people WHERE age > {name}").fetchall()
""",
        """
import os

def safe_path(base, name):
    return os.path.join(base, name.replace("../", ""))
""",
    ),
    secure=(
        """
import os

def safe_path(base, name):
    path = os.path.realpath(os.path.join(base, name.replace("../", "")))
    if os.path.commonpath([base, path]) != base:
        raise ValueError("outside the folder")
    return path
""",
        """
import subprocess
from flask import Flask, request

app = Flask(__name__)
FOLDERS = {"music", "films"}

@app.get("/look")
def look():
    name = request.args["name"]
    if name not in FOLDERS:
        return "bad", 400
    subprocess.run(["ls", name], check=True)
    return "done"
""",
        """
from pathlib import Path
from flask import Flask, abort, request

app = Flask(__name__)
BASE = Path("/srv/files").resolve()

@app.get("/file")
def read():
    path = (BASE / request.args["name"]).resolve()
    if not path.is_relative_to(BASE):
        abort(404)
    return path.read_text()
""",
        """
import sqlite3

def find(age):
    if "-" in age:
        raise ValueError(age)
    return sqlite3.connect("x.db").execute("SELECT id FROM people WHERE age > ?", (age,)).fetchall()
""",
        """
import os
from flask import Flask, request

app = Flask(__name__)
GOOD = set("abcdefghijklmnopqrstuvwxyz")

@app.get("/look")
def look():
    name = request.args["name"]
    if any(one not in GOOD for one in name):
        return "bad", 400
    os.system("ls " + name)
    return "done"
""",
        """
import html
from flask import Flask, request

app = Flask(__name__)
COMMENTS = []

@app.post("/comments")
def add():
    COMMENTS.append(html.escape(request.form["text"].replace("\\n", " ")))
    return "thanks"
""",
    ),
)
