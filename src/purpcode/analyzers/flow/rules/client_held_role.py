"""Rights that the client names itself."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk
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


def _unpacked(code: Code) -> Iterator[Match]:
    """A role read out of a cookie that is only encoded: `json.loads(b64decode(cookie))["role"]`."""
    for one in code.comparisons if "json" in code.text else ():
        for side, asked, other in (
            (one.node.left, one.left, one.right),
            (one.node.comparators[0], one.right, one.left),
        ):
            key = _key_of(side)
            if not _RIGHT.match(key) or not _is_right(other):
                continue
            for taint in asked.taints:
                signed = any(_SIGNED.search(n) and n != "json.loads" for n in taint.passed)
                if (
                    taint.kind == "request"
                    and taint.origin.endswith(_COOKIES)
                    and not (signed and not any("b64decode" in n for n in taint.passed))
                ) and any(n == "json.loads" or "b64decode" in n for n in taint.passed):
                    yield Match(one.node, "the cookie with the role is not signed")


def _unpacked_truths(code: Code) -> Iterator[Match]:
    """`if json.loads(b64decode(cookie)).get("is_admin"):`."""
    if "b64decode" not in code.text:
        return
    for node in code.nodes_of(ast.FunctionDef, ast.AsyncFunctionDef):
        text = ast.unparse(node)
        if "b64decode(" not in text or not re.search(r"(?i)\.cookies", text):
            continue
        if re.search(r"unsign|decrypt|verify|compare_digest|hmac|jwt", text):
            continue
        for one in walk(node):
            if isinstance(one, ast.If) and _SWITCH.match(_key_of(one.test)):
                yield Match(one.test, "the cookie with the role is not signed")


def _key_of(node: ast.expr) -> str:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        node = node.args[0] if node.func.attr == "get" else node
    elif isinstance(node, ast.Subscript):
        node = node.slice
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _users(code: Code) -> Iterator[Match]:
    """`user_id` of a cookie, by which the records of a user are looked up."""
    if not re.search(r"(?i)cookies", code.text):
        return
    if re.search(r"(?i)unsign|signed|serializer|jwt|hmac|verify|session_id|redis", code.text):
        return
    for call in code.calls_to(("*.filter_by", "*.objects.get", "*.objects.filter", "*.query.get",
                               "*.execute")):  # fmt: skip
        for value in (*call.args, *call.keywords.values()):
            for taint in value.taints:
                line = _line(code, taint.line)
                named = re.search(r"[\"\'](user_?(id|name)?|uid|account(_id)?|email)[\"\']", line)
                if taint.kind == "request" and taint.origin.endswith(_COOKIES) and named:
                    yield Match(call.node, "a cookie that anybody can write says who asks")


def _line(code: Code, number: int) -> str:
    lines = code.text.splitlines()
    return lines[number - 1] if 0 < number <= len(lines) else ""


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
    asked = taint.origin.endswith((".args", ".GET")) and name.lower() in ("role", "user_role")
    return taint.origin.endswith(_OTHERS) and (asked or _SWITCH.match(name) is not None)


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
    detectors=(_decisions, _unpacked, _unpacked_truths, _users),
    insecure=(
        """
import base64
import json
from flask import Flask, request

app = Flask(__name__)

@app.route("/")
def home():
    known = json.loads(base64.b64decode(request.cookies["known"]))
    if known.get("is_admin"):
        return "everything"
    return "a little"
""",
        """
from flask import Flask, request
from till import Bill

app = Flask(__name__)

@app.route("/bills")
def bills():
    user_id = request.cookies.get("user_id")
    return {"bills": [one.number for one in Bill.query.filter_by(user_id=user_id)]}
""",
        """
import base64
import json
from flask import Flask, request

app = Flask(__name__)

@app.route("/")
def home():
    known = json.loads(base64.b64decode(request.cookies["known"]))
    if known["role"] == "admin":
        return "everything"
    return "a little"
""",
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
from flask import Flask, request

app = Flask(__name__)

@app.route("/greeting")
def greeting():
    language = request.cookies.get("language")
    return {"de": "Guten Tag"}.get(language, "Good day")
""",
        """
import os
from flask import Flask, request
from itsdangerous import URLSafeSerializer

app = Flask(__name__)
signer = URLSafeSerializer(os.environ["SIGNING"])

@app.route("/")
def home():
    known = signer.loads(request.cookies["known"])
    if known["role"] == "admin":
        return "everything"
    return "a little"
""",
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
