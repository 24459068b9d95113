"""Rights that the client names itself."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Taint, Value

_RIGHT = re.compile(
    r"(?i)^(x[-_])?(user[-_]?)?(is[-_]?)?(admin|administrator|role|roles|staff|superuser|authenticated|"
    r"logged[-_]?in|privileged|permissions?|access[-_]?level|group)$"
)
_SWITCH = re.compile(
    r"(?i)^(is[-_]?)?(admin|administrator|staff|superuser|authenticated|logged[-_]?in)$"
)
_VALUES = frozenset(
    ("admin", "administrator", "true", "1", "yes", "root", "superuser", "staff", True, 1)
)
_COOKIES = (".cookies", ".COOKIES")
_OTHERS = (".headers", ".args", ".form", ".GET", ".POST", ".json", ".values", ".get_json", ".META")
_SIGNED = re.compile(r"signed|secure_cookie|loads|unsign|decode|decrypt|verify|compare_digest")


def _lookups(code: Code) -> dict[int, tuple[str, ast.AST]]:
    """Names looked up in a request's data, by line."""
    found: dict[int, tuple[str, ast.AST]] = {}
    for call in code.calls_to(tuple(f"web.request{one}.get" for one in (*_COOKIES, *_OTHERS))):
        key = call.argument(0)
        if key is not None and key.text:
            found[call.node.lineno] = (key.text, call.node)
    for node in code.nodes_of(ast.Subscript):
        if isinstance(node.value, ast.Attribute):
            key_node = node.slice
            if f".{node.value.attr}" in (*_COOKIES, *_OTHERS) and isinstance(
                key_node, ast.Constant
            ):
                found[node.lineno] = (str(key_node.value), node)
    return found


def _decisions(code: Code) -> Iterator[Match]:
    lookups = _lookups(code)
    if not lookups:
        return
    kept = {  # `user.is_staff = form["staff"] == "yes"` sets a right, it does not decide by one
        id(node.value)
        for node in code.nodes
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute)
    }
    for one in code.comparisons:
        if id(one.node) in kept:
            continue
        for asked, other in ((one.left, one.right), (one.right, one.left)):
            if isinstance(one.operator, ast.Eq | ast.NotEq | ast.In) and _is_right(other):
                for taint in asked.taints:
                    if _names_right(taint, lookups):
                        yield Match(one.node, "the client itself says which rights it has")
    yield from _truths(code, lookups)


def _is_right(value: Value) -> bool:
    if value.items:
        return any(_is_right(one) for one in value.items)
    const = value.const
    return (
        isinstance(const, str | bool | int)
        and (const.lower() if isinstance(const, str) else const) in _VALUES
    )


def _names_right(taint: Taint, lookups: dict[int, tuple[str, ast.AST]]) -> bool:
    if taint.kind != "request" or any(_SIGNED.search(one) for one in taint.passed):
        return False
    name = lookups.get(taint.line, ("", None))[0]
    if taint.origin.endswith(_COOKIES) or (taint.origin.endswith(".headers") and name[:1] in "xX"):
        return _RIGHT.match(name) is not None
    return taint.origin.endswith(_OTHERS) and _SWITCH.match(name) is not None


def _truths(code: Code, lookups: dict[int, tuple[str, ast.AST]]) -> Iterator[Match]:
    """`if request.cookies.get("is_admin"):`."""
    nodes = {
        id(node): name for name, node in lookups.values() if ".cookies" in ast.unparse(node).lower()
    }
    for one in code.nodes:
        if isinstance(one, ast.If | ast.IfExp):
            test = one.test.operand if isinstance(one.test, ast.UnaryOp) else one.test
            if _SWITCH.match(nodes.get(id(test), "")):
                yield Match(test, "the client itself says which rights it has")


RULE = FlowRule(
    id="client-held-role",
    title="Rights that the client claims",
    cwes=(602, 807, 565, 639),
    severity="medium",
    severity_reason="Cookies, headers and parameters are the client's to write: anybody is admin.",
    fix="Keep the role on the server (in the session or the user's record) and look it up there.",
    reference="https://cwe.mitre.org/data/definitions/602.html",
    detectors=(_decisions,),
    insecure=(
        """
from flask import Flask, abort, request
from shop import orders

app = Flask(__name__)

@app.route("/orders")
def show():
    if request.cookies.get("role") != "admin":
        abort(403)
    return {"orders": orders()}
""",
        """
from django.http import HttpResponse, HttpResponseForbidden

def panel(request):
    if request.COOKIES.get("is_admin") == "true":
        return HttpResponse("panel")
    return HttpResponseForbidden()
""",
        """
from flask import Flask, request
from shop import remove

app = Flask(__name__)

@app.route("/remove/<int:number>", methods=["POST"])
def drop(number):
    admin = request.args.get("admin")
    if admin == "1":
        remove(number)
    return "ok"
""",
        """
from fastapi import FastAPI, HTTPException, Request

app = FastAPI()

@app.get("/logs")
def logs(request: Request):
    if request.headers.get("X-Role") != "admin":
        raise HTTPException(403)
    return {"logs": []}
""",
    ),
    secure=(
        """
from flask import Flask, abort, session
from shop import orders, role_of

app = Flask(__name__)

@app.route("/orders")
def show():
    if role_of(session.get("user_id")) != "admin":
        abort(403)
    return {"orders": orders()}
""",
        """
from django.http import HttpResponse, HttpResponseForbidden

def panel(request):
    if request.user.is_staff:
        return HttpResponse("panel")
    return HttpResponseForbidden()
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.route("/page")
def page():
    dark = request.cookies.get("dark") == "true"
    return {"dark": dark, "compact": request.args.get("compact") == "1"}
""",
        """
from flask import Flask, abort, request
from itsdangerous import URLSafeSerializer
from vault import cookie_key

app = Flask(__name__)

@app.route("/orders")
def show():
    role = URLSafeSerializer(cookie_key()).loads(request.cookies.get("role", ""))
    if role != "admin":
        abort(403)
    return {"orders": []}
""",
    ),
)
