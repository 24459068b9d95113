"""Signatures and tokens compared with `==`, whose time tells how much was right."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code, Comparison
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk
from purpcode.analyzers.flow.values import Value

_MAC = ("hmac.new().hexdigest()", "hmac.new().digest()", "hmac.digest()", "hmac.HMAC().hexdigest()",
        "hmac.HMAC().digest()")  # fmt: skip
_NAMED = re.compile(
    r"(?i)^(expected_?|computed_?|calculated_?|provided_?|received_?|stored_?|given_?|the_?)?(signature|hmac|mac|"
    r"hmac_digest|csrf_?token|api_?key|auth_?token|access_?token|reset_?token|session_?token|bearer_?token|"
    r"webhook_?secret|shared_?secret|(api|admin|webhook|service|internal)_?(token|secret)|secret_?token|password_?hash|hashed_?password|pw_?hash|sig)(_?(header|value|hex))?$"
)
_DERIVED = ("hashlib.pbkdf2_hmac()", "hashlib.scrypt()")
_GUARDS = re.compile(r"(?i)check|verif|compare|valid|equal|match|auth|is_")
_SECRET = re.compile(r"(?i)token|passw|(^|_)pin($|_)|secret|signature|mac($|_)|otp|api_?key|digest")
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


def _digits(code: Code) -> Iterator[Match]:
    """A loop over the characters of a secret that leaves at the first difference."""
    for function in code.nodes_of(ast.FunctionDef, ast.AsyncFunctionDef):
        if not _GUARDS.search(function.name):
            continue
        words = {one.arg for one in function.args.args}
        if not any(_SECRET.search(word) for word in (*words, function.name)):
            continue
        for loop in walk(function):
            if isinstance(loop, ast.For) and ast.unparse(loop.iter).startswith(("zip(", "range(")):
                for test in loop.body:
                    if isinstance(test, ast.If) and _leaves_at_difference(test):
                        yield Match(test, "the loop ends at the first wrong character")


def _leaves_at_difference(test: ast.If) -> bool:
    differs = isinstance(test.test, ast.Compare) and isinstance(test.test.ops[0], ast.NotEq)
    last = test.body[-1]
    return differs and isinstance(last, ast.Return) and isinstance(last.value, ast.Constant)


def _is_mac(value: Value) -> bool:
    return any(name in _MAC or name in _DERIVED for name in value.names)


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
    detectors=(_compared, _digits),
    insecure=(
        """
import hashlib

def is_right(kept, salt, password):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 600_000) == kept
""",
        """
def check_token(given, expected):
    if len(given) != len(expected):
        return False
    for one, other in zip(given, expected):
        if one != other:
            return False
    return True
""",
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
def same_board(left, right):
    for one, other in zip(left, right):
        if one != other:
            return False
    return True
""",
        """
import hashlib
import hmac

def is_right(kept, salt, password):
    made = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 600_000)
    return hmac.compare_digest(made, kept)
""",
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
