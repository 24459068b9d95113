"""Secrets and identities compared in part."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import dotted, functions, last_name, tests_of, within
from purpcode.analyzers.flow.tree import walk

_SECRET = re.compile(
    r"(?i)(^|_)(password|passwd|token|secret|api_?key|signature|digest|mac|otp|pin)$"
)
_COLLECTION = re.compile(
    r"(?i)s$|list|set|dict|map|valid|known|allowed|cache|store|blacklist|revoked"
)


def _secret(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and bool(_SECRET.search(last_name(node)))


def _decisions(code: Code) -> Iterator[ast.AST]:
    for root in functions(code):
        for test in tests_of(root):
            yield from walk(test)
        for node in within(root):
            if isinstance(node, ast.Return) and node.value is not None:
                yield from walk(node.value)


def _partly(code: Code) -> Iterator[Match]:
    for node in _decisions(code):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if (
                node.func.attr in ("startswith", "endswith")
                and len(node.args) == 1
                and _secret(node.func.value)
                and _secret(node.args[0])
            ):
                yield Match(node, "only the beginning or end of a secret is compared")
        elif isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = node.left, node.comparators[0]
            if isinstance(node.ops[0], ast.In | ast.NotIn):
                is_text = (
                    _secret(left) and _secret(right) and not _COLLECTION.search(last_name(right))
                )
                if is_text and dotted(left) != dotted(right):
                    yield Match(node, "any part of the secret is accepted")
            elif isinstance(node.ops[0], ast.Eq | ast.NotEq) and _cut(left) and _cut(right):
                yield Match(node, "only a part of two secrets is compared", cwes=(187, 1023))


def _cut(node: ast.expr) -> bool:
    """`token[:8]`"""
    is_cut = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)
    return is_cut and isinstance(node, ast.Subscript) and _secret(node.value)


RULE = FlowRule(
    id="partial-comparison",
    title="Secret compared in part",
    cwes=(187, 1023),
    severity="medium",
    severity_reason="A piece of the secret is enough, often an empty one.",
    fix="Compare the whole values, with hmac.compare_digest.",
    reference="https://cwe.mitre.org/data/definitions/187.html",
    detectors=(_partly,),
    insecure=(
        """
def login(account, password):
    if account.password.startswith(password):
        return account.open()
    return None
""",
        """
from flask import Flask, current_app, request

app = Flask(__name__)

@app.get("/report")
def report():
    token = request.headers.get("X-Token", "")
    expected_token = current_app.config["REPORT_TOKEN"]
    if token not in expected_token:
        return "no", 403
    return "report"
""",
        """
def genuine(signature, expected_signature):
    return signature[:8] == expected_signature[:8]
""",
    ),
    secure=(
        """
import hmac

def login(account, password):
    if hmac.compare_digest(account.digest, account.derive(password)):
        return account.open()
    return None
""",
        """
import hmac
from flask import Flask, current_app, request

app = Flask(__name__)

@app.get("/report")
def report():
    token = request.headers.get("X-Token", "")
    expected_token = current_app.config["REPORT_TOKEN"]
    if not hmac.compare_digest(token.encode(), expected_token.encode()):
        return "no", 403
    return "report"
""",
        """
def revoked(token, revoked_tokens):
    return token in revoked_tokens or token.startswith("test-")
""",
    ),
)
