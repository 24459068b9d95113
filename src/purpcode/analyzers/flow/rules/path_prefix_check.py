"""Paths compared with a folder before they are resolved, or without a separator."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.naming import matches_any
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.sinks import sink_values

_RESOLVED = (
    "*realpath",
    "*abspath",
    "*normpath",
    "*.resolve",
    "*secure_filename",
    "*basename",
    "+*.is_relative_to",
    "+*.relative_to",
    "-in:..",
    "-in:../",
    "*safe_join",
    "+in",
    "+equals",
    "+*.fullmatch",
    "+re.match",
    "+.isalnum",
    "+*commonpath",
    "*sanit*",
    "+*valid*",
    "+*safe*",
    "int",
    ".name",
    "*.hexdigest",
)


def _beginning(call: Call) -> bool:
    """`path.startswith("/srv/files/")`, not of an address or a hidden file's dot."""
    if not call.args:
        return False
    text = call.args[0].text
    return text is None or (text.startswith(("/", "./")) and len(text) > 2 and "//" not in text)


def _unresolved(code: Code) -> Iterator[Match]:
    tested = {one.scope.path for one in code.calls_to(("*.startswith",)) if _beginning(one)}
    for call, value in sink_values(code, "path"):
        if call.scope.path not in tested:
            continue
        for taint in value.taints:
            if (
                "+.startswith" in taint.passed
                and not matches_any(taint.passed, _RESOLVED)
                and taint.kind in ("request", "network", "parameter")
            ):
                yield Match(call.node, "the path was compared before `..` was resolved")
                break


def _climbs(code: Code) -> Iterator[Match]:
    """`if name.startswith(".."): refuse` says nothing of a `..` further on."""
    tests: dict[str, list[str | None]] = {}
    for one in code.calls_to(("*.startswith",)):
        tests.setdefault(one.scope.path, []).append(one.args[0].text if one.args else None)
    for call, value in sink_values(code, "path"):
        asked = tests.get(call.scope.path, ())
        if not asked or any(text is None or text.strip("./\\~") for text in asked):
            continue
        for taint in value.taints:
            outside = taint.kind in ("request", "network") or "path.part" in taint.passed
            if (
                outside
                and taint.kind in ("request", "network", "parameter")
                and "-.startswith" in taint.passed
                and not matches_any(taint.passed, _RESOLVED)
            ):
                yield Match(
                    call.node, "only the beginning of the name was looked at", cwes=(22, 184)
                )
                break


def _ends_separated(node: ast.expr) -> bool:
    """Whether what a path must begin with ends with a separator: a literal `/`, `os.sep`."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value.endswith(("/", "\\"))
    if isinstance(node, ast.BinOp):
        return True
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.Call):
        return "join" in ast.unparse(node.func)
    return False


def _unseparated(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("*.startswith",)):
        node = call.node_of(0, None)
        resolved = any(
            matches_any(one.passed, ("*realpath", "*abspath", "*.resolve", "*normpath"))
            for one in call.receiver.taints
        )
        if resolved and node is not None and not _ends_separated(node):
            text = call.args[0].text
            if text is None or not text.endswith("/"):
                yield Match(call.node, "a folder whose name begins alike passes", "low", (187, 22))
    for call in code.calls_to(("os.path.commonprefix",)):
        if any(one.taints for one in call.args):
            yield Match(call.node, "it compares characters, not folders", "low", (187, 22))


RULE = FlowRule(
    id="path-prefix-check",
    title="Path held to a folder by its unresolved beginning",
    cwes=(180, 22),
    severity="medium",
    severity_reason="`..` after the right beginning leads out of the folder.",
    fix="Resolve first: path = (base / name).resolve(), then path.is_relative_to(base).",
    reference="https://cwe.mitre.org/data/definitions/180.html",
    detectors=(_unresolved, _climbs, _unseparated),
    insecure=(
        """
import os
from flask import Flask, abort, request

app = Flask(__name__)

@app.get("/notes")
def notes():
    name = request.args["name"]
    if name.startswith("..") or name.startswith("/"):
        abort(400)
    with open(os.path.join("notes", name)) as handle:
        return {"text": handle.read()}
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.get("/read")
def read():
    path = request.args["path"]
    if not path.startswith("/srv/files/"):
        return "bad", 400
    with open(path) as handle:
        return handle.read()
""",
        """
import os

BASE = "/srv/uploads/"

def load(name):
    path = os.path.join(BASE, name)
    if path.startswith(BASE):
        with open(path, "rb") as handle:
            return handle.read()
    raise PermissionError(name)
""",
        """
from aiohttp import web

async def download(request):
    path = request.query["path"]
    if path.startswith("./public/"):
        return web.FileResponse(path)
    raise web.HTTPNotFound()
""",
    ),
    secure=(
        """
import os
from flask import Flask, abort, request

app = Flask(__name__)

@app.get("/notes")
def notes():
    name = os.path.normpath(request.args["name"])
    if name.startswith("..") or name.startswith("/"):
        abort(400)
    with open(os.path.join("notes", name)) as handle:
        return {"text": handle.read()}
""",
        """
from pathlib import Path
from flask import Flask, request

app = Flask(__name__)
BASE = Path("/srv/files").resolve()

@app.get("/read")
def read():
    path = (BASE / request.args["path"]).resolve()
    if not path.is_relative_to(BASE):
        return "bad", 400
    return path.read_text()
""",
        """
import os

BASE = os.path.realpath("/srv/uploads") + os.sep

def load(name):
    path = os.path.realpath(os.path.join(BASE, name))
    if path.startswith(BASE):
        with open(path, "rb") as handle:
            return handle.read()
    raise PermissionError(name)
""",
        """
from aiohttp import web

FILES = {"logo": "./public/logo.png"}

async def download(request):
    path = FILES.get(request.query["name"])
    if path is None or not path.startswith("./public/"):
        raise web.HTTPNotFound()
    return web.FileResponse(path)
""",
    ),
)
