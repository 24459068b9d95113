"""Secrets in the address of a request."""

import ast
import itertools
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.sensitive_names import is_secret

_PASSWORD = re.compile(
    r"(?i)passw(or)?d|passphrase|(^|_)(pwd|ssn|cvv|pin)($|_)|card_?number|credit_?card"
)
_QUERY = re.compile(
    r"(?i)[?&]([a-z_]*(?:password|passwd|pwd|passphrase|ssn|cvv|card_?number))=\{?$"
)
_GETS = (
    "requests.get",
    "httpx.get",
    "requests.Session().get",
    "httpx.Client().get",
    "aiohttp.ClientSession().get",
    "urllib3.PoolManager().get",
)


def _sent(code: Code) -> Iterator[Match]:
    """`requests.get(url, params={"password": ...})` and `f"{url}?password={password}"`."""
    for call in code.calls_to(_GETS):
        params = call.keywords.get("params")
        for name in (params.fields or {}) if params is not None else ():
            if _is_password(name):
                yield Match(call.node, f"'{name}' is sent in the address")
    for node in code.nodes:
        sent = _in_query(node)
        if sent is not None:
            yield Match(node, f"'{sent}' is put into an address")


def _in_query(node: ast.AST) -> str | None:
    parts: list[ast.expr] = []
    if isinstance(node, ast.JoinedStr):
        parts = node.values
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left = node.left.right if isinstance(node.left, ast.BinOp) else node.left
        parts = [left, node.right]
    for one, after in itertools.pairwise(parts):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            found = _QUERY.search(one.value)
            if found and not isinstance(after, ast.Constant):
                return found[1]
    return None


def _received(code: Code) -> Iterator[Match]:
    """A handler that takes a password out of the address."""
    for call in code.calls_to(
        (
            "web.request.args.get",
            "web.request.GET.get",
            "web.request.query.get",
            "web.request.query_params.get",
        )
    ):
        name = call.argument(0)
        if name is not None and _is_password(name.text or ""):
            yield Match(call.node, f"'{name.text}' is taken from the address")
    for node in code.nodes_of(ast.Subscript):
        if isinstance(node.slice, ast.Constant):
            key, owner = node.slice.value, node.value
            asked = isinstance(owner, ast.Attribute) and owner.attr in (
                "args",
                "GET",
                "query_params",
            )
            secret = isinstance(key, str) and _is_password(key)
            if asked and secret and "request" in ast.unparse(owner):
                yield Match(node, f"'{key!s}' is taken from the address")
    yield from _parameters(code)


def _parameters(code: Code) -> Iterator[Match]:
    """FastAPI takes plain parameters of a handler from the query."""
    if not code.uses_module("fastapi"):
        return
    for scope in code.scopes:
        if not scope.handler or not isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        gets = any(name.endswith(".get") for name in scope.decorators)
        given = scope.node.args
        plain = given.args[: len(given.args) - len(given.defaults)]
        for one in plain if gets else ():
            kind = ast.unparse(one.annotation) if one.annotation is not None else "str"
            if _is_password(one.arg) and kind == "str":
                yield Match(one, f"'{one.arg}' is taken from the address")


def _is_password(name: str) -> bool:
    return bool(_PASSWORD.search(name)) and is_secret(name)


RULE = FlowRule(
    id="credentials-in-url",
    title="Secret in an address",
    cwes=(598, 522),
    severity="medium",
    severity_reason="Addresses stay in histories, in every server's logs, and in Referer.",
    fix="Send secrets in the body of a POST request or in an Authorization header.",
    reference="https://cwe.mitre.org/data/definitions/598.html",
    detectors=(_sent, _received),
    insecure=(
        """
import requests

def login(user, password):
    answer = requests.get(
        "https://api.example.com/login", params={"user": user, "password": password}, timeout=5
    )
    return answer.ok
""",
        """
from urllib.request import urlopen

def login(user, password):
    return urlopen(f"https://api.example.com/login?user={user}&password={password}", timeout=5)
""",
        """
from flask import Flask, request
from accounts import known

app = Flask(__name__)

@app.route("/login")
def login():
    return {"ok": known(request.args.get("user"), request.args.get("password"))}
""",
        """
from fastapi import FastAPI
from accounts import known

app = FastAPI()

@app.get("/login")
def login(user: str, password: str):
    return {"ok": known(user, password)}
""",
    ),
    secure=(
        """
import requests

def login(user, password):
    answer = requests.post(
        "https://api.example.com/login", json={"user": user, "password": password}, timeout=5
    )
    return answer.ok
""",
        """
from flask import Flask, request
from accounts import known

app = Flask(__name__)

@app.route("/login", methods=["POST"])
def login():
    return {"ok": known(request.form.get("user"), request.form.get("password"))}
""",
        """
from fastapi import FastAPI
from pydantic import BaseModel
from accounts import known

class Login(BaseModel):
    user: str
    password: str

app = FastAPI()

@app.post("/login")
def login(sent: Login):
    return {"ok": known(sent.user, sent.password)}
""",
        """
def hint(page):
    return f"https://www.example.com/help?password_reset={page}"
""",
    ),
)
