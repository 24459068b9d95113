"""Signatures and tokens compared with `==`, whose time tells how much was right."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code, Comparison
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_MAC = ("hmac.new().hexdigest()", "hmac.new().digest()", "hmac.digest()", "hmac.HMAC().hexdigest()",
        "hmac.HMAC().digest()")  # fmt: skip
_NAMED = re.compile(
    r"(?i)^(expected_?|computed_?|calculated_?|provided_?|received_?|stored_?|given_?|the_?)?(signature|hmac|mac|"
    r"hmac_digest|csrf_?token|api_?key|auth_?token|access_?token|reset_?token|session_?token|bearer_?token|"
    r"webhook_?secret|shared_?secret|secret_?token|password_?hash|hashed_?password|pw_?hash|sig)(_?(header|value|hex))?$"
)
_OUTSIDE = frozenset(("request", "network"))


def _compared(code: Code) -> Iterator[Match]:
    for one in code.comparisons:
        if not isinstance(one.operator, ast.Eq | ast.NotEq) or len(one.node.ops) != 1:
            continue
        if one.left.known or one.right.known:
            continue
        if _is_mac(one.left) or _is_mac(one.right):
            yield Match(one.node, "a MAC is compared with `==`")
        elif _both_named(one):
            outside = any(t.kind in _OUTSIDE for t in (*one.left.taints, *one.right.taints))
            yield Match(one.node, "a secret is compared with `==`", None if outside else "low")


def _is_mac(value: Value) -> bool:
    return any(name in _MAC for name in value.names)


def _both_named(one: Comparison) -> bool:
    sides = (one.node.left, one.node.comparators[0])
    if any(isinstance(side, ast.Constant) for side in sides):
        return False
    names = [_name_of(side) for side in sides]
    return any(_NAMED.search(name) for name in names) and not any(
        re.search(r"(?i)type|len|name|public|inspect", name) for name in names
    )


def _name_of(side: ast.expr) -> str:
    if isinstance(side, ast.Attribute):
        return side.attr
    if isinstance(side, ast.Name):
        return side.id
    if isinstance(side, ast.Subscript) and isinstance(side.slice, ast.Constant):
        return str(side.slice.value)
    return ""


RULE = FlowRule(
    id="timing-unsafe-compare",
    title="Secret compared in measurable time",
    cwes=(208, 203),
    severity="medium",
    severity_reason="From the time answers take, the right value is found piece by piece.",
    fix="Compare with `hmac.compare_digest` (or `secrets.compare_digest`).",
    reference="https://cwe.mitre.org/data/definitions/208.html",
    detectors=(_compared,),
    insecure=(
        """
import hashlib
import hmac

def verify(key, message, signature):
    return hmac.new(key, message, hashlib.sha256).hexdigest() == signature
""",
        """
import hashlib
import hmac
import os
from flask import Flask, abort, request

app = Flask(__name__)

@app.route("/hook", methods=["POST"])
def hook():
    state = hmac.new(os.environb[b"HOOK"], request.get_data(), hashlib.sha256)
    expected = state.hexdigest()
    if expected != request.headers.get("X-Signature"):
        abort(403)
    return "ok"
""",
        """
import os
from flask import Flask, request

app = Flask(__name__)
API_KEY = os.environ["API_KEY"]

@app.route("/stock")
def stock():
    api_key = request.headers.get("X-Api-Key")
    if api_key != API_KEY:
        return "no", 401
    return "ok"
""",
    ),
    secure=(
        """
import hashlib
import hmac

def verify(key, message, signature):
    made = hmac.new(key, message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(made, signature)
""",
        """
import os
import secrets
from flask import Flask, request

app = Flask(__name__)
API_KEY = os.environ["API_KEY"]

@app.route("/stock")
def stock():
    api_key = request.headers.get("X-Api-Key", "")
    if api_key == "" or not secrets.compare_digest(api_key, API_KEY):
        return "no", 401
    return "ok"
""",
        """
import hashlib

def unchanged(path, checksum):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest() == checksum
""",
        """
import inspect

def same(one, other):
    signature = inspect.signature(one)
    return signature.parameters == inspect.signature(other).parameters
""",
    ),
)
