"""The environment or the settings of a server in its answers."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import Function, answers_requests, dotted, functions, within
from purpcode.analyzers.flow.tree import children

_WHOLE = frozenset(
    (
        "os.environ",
        "environ",
        "request.environ",
        "flask.request.environ",
        "request.META",
        "app.config",
        "current_app.config",
        "settings.__dict__",
        "self.request.META",
        "os.environb",
    )
)
_DUMPS = frozenset(("globals", "locals"))
_CARRYING = frozenset(
    (
        "dict",
        "str",
        "repr",
        "list",
        "sorted",
        "jsonify",
        "dumps",
        "items",
        "copy",
        "JsonResponse",
        "HttpResponse",
        "JSONResponse",
        "PlainTextResponse",
        "json_response",
        "Response",
        "join",
        "format",
        "values",
        "write",
        "encode",
        "make_response",
        "pformat",
    )
)


def _shows(node: ast.AST | None, whole: set[str]) -> bool:
    """Whether an expression shows all of a mapping: not an entry, a test or a count of it."""
    if node is None:
        return False
    if isinstance(node, ast.Name | ast.Attribute):
        return dotted(node) in whole
    if isinstance(node, ast.Call):
        name = dotted(node.func)
        if name in _DUMPS and not node.args:
            return True
        if name == "vars" and node.args:
            return dotted(node.args[0]) == "settings"
        if name.rpartition(".")[2] not in _CARRYING:
            return False
        inside = [*node.args, *(one.value for one in node.keywords)]
        if isinstance(node.func, ast.Attribute):
            inside.append(node.func.value)
        return any(_shows(one, whole) for one in inside)
    if isinstance(node, ast.Dict):
        return any(_shows(one, whole) for one in node.values)
    if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp):
        source = node.generators[0]
        return _shows(source.iter, whole) and not source.ifs
    if isinstance(node, ast.JoinedStr | ast.FormattedValue | ast.Tuple | ast.List | ast.BinOp):
        return any(_shows(one, whole) for one in children(node))
    return isinstance(node, ast.Await) and _shows(node.value, whole)


def _held(function: Function) -> set[str]:
    """The names of everything that is the whole environment inside a function."""
    whole = set(_WHOLE)
    for node in within(function):
        if isinstance(node, ast.Assign) and _shows(node.value, set(_WHOLE)):
            whole |= {one.id for one in node.targets if isinstance(one, ast.Name)}
    return whole


def _answered(code: Code) -> Iterator[Match]:
    for function in functions(code):
        if not answers_requests(code, function):
            continue
        if {one.arg for one in function.args.args} & {"environ", "start_response"}:
            continue
        whole = _held(function)
        for node in within(function):
            writes = isinstance(node, ast.Call) and dotted(node.func).endswith("wfile.write")
            if (isinstance(node, ast.Return) and _shows(node.value, whole)) or (
                writes
                and isinstance(node, ast.Call)
                and any(_shows(one, whole) for one in node.args)
            ):
                yield Match(node, "the answer holds the server's whole environment or settings")


RULE = FlowRule(
    id="environment-exposed",
    title="Environment shown to visitors",
    cwes=(526, 497, 200),
    severity="medium",
    severity_reason="Environments and settings hold passwords, keys and addresses of the inside.",
    fix="Answer with the few values that are meant to be public.",
    reference="https://cwe.mitre.org/data/definitions/526.html",
    detectors=(_answered,),
    insecure=(
        """
import os
from flask import Flask, jsonify

app = Flask(__name__)

@app.get("/status")
def status():
    return jsonify({"ok": True, "env": dict(os.environ)})
""",
        """
from django.http import HttpResponse

def info(request):
    shown = sorted(request.META.items())
    return HttpResponse(str(shown), content_type="text/plain")
""",
        """
from flask import Flask, current_app

app = Flask(__name__)

@app.route("/config")
def config():
    return "<br>".join(f"{key}={value}" for key, value in current_app.config.items())
""",
    ),
    secure=(
        """
import os
from flask import Flask, jsonify

app = Flask(__name__)

@app.get("/status")
def status():
    return jsonify({"ok": True, "region": os.environ.get("REGION", "?")})
""",
        """
from django.http import HttpResponse

SHOWN = ("HTTP_USER_AGENT", "HTTP_ACCEPT_LANGUAGE")

def info(request):
    shown = {key: request.META.get(key) for key in SHOWN}
    return HttpResponse(str(shown), content_type="text/plain")
""",
        """
from flask import Flask, current_app

app = Flask(__name__)
PUBLIC = {"VERSION", "THEME"}

@app.route("/config")
def config():
    return "<br>".join(
        f"{key}={value}" for key, value in current_app.config.items() if key in PUBLIC
    )
""",
        """
import os
import subprocess

def run(command):
    environment = dict(os.environ)
    return subprocess.run(command, env=environment, check=True)
""",
    ),
)
