"""Logins decided by passwords that stand in the program."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.purpose import words_of
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.secret_shapes import holds_password, password_cwes

_TABLE = re.compile(r"(?i)^_?(\w+_)?(users?|accounts?|credentials|passwords|logins)(_db|_table)?$")
_PASSWORD = re.compile(r"(?i)passw(or)?d|^pwd$|^pw$|^p$|^pass$")


def _compared(code: Code) -> Iterator[Match]:
    """`if password == "..."`."""
    for one in code.comparisons:
        if not isinstance(one.operator, ast.Eq | ast.NotEq) or len(one.node.ops) != 1:
            continue
        for side, other in ((one.node.left, one.right), (one.node.comparators[0], one.left)):
            text = other.text
            if not text or isinstance(side, ast.Constant | ast.Call):
                continue
            if any(holds_password(name, text) for name in _last_words(side)):
                message = "a password is compared with a literal"
                yield Match(one.node, message, None, password_cwes(text))


def _tables(code: Code) -> Iterator[Match]:
    """`USERS = {"alice": "..."}` that passwords are compared with."""
    tables = {
        store.path: store
        for store in code.stores
        if store.path and _TABLE.search(store.path) and isinstance(store.source, ast.Dict)
    }
    for one in code.comparisons:
        sides = (one.node.left, one.node.comparators[0])
        if not any(_PASSWORD.search(name) for side in sides for name in _last_words(side)):
            if not any(isinstance(side, ast.Call) for side in sides):
                continue
            if not any(_PASSWORD.search(name) for side in sides for name in words_of(side)):
                continue
        for name in {word for side in sides for word in words_of(side)} & tables.keys():
            entries = list((tables[name].value.fields or {}).values())
            if entries and all(entry.text and " " not in entry.text for entry in entries):
                yield Match(tables[name].node, f"'{name}' holds passwords", None, (798, 259, 256))


def _last_words(node: ast.expr) -> set[str]:
    if isinstance(node, ast.Attribute):
        return {node.attr}
    return words_of(node) if isinstance(node, ast.Name | ast.Subscript) else set()


RULE = FlowRule(
    id="hard-coded-login",
    title="Login with a password in the program",
    cwes=(798, 259, 1392),
    severity="medium",
    severity_reason="Everybody who has the program can log in, and nobody can change the password.",
    fix="Keep hashes of passwords outside the program and check them with `check_password_hash`.",
    reference="https://cwe.mitre.org/data/definitions/798.html",
    detectors=(_compared, _tables),
    insecure=(
        """
from flask import Flask, request

app = Flask(__name__)
USERS = {"mia": "Sommer2023", "tom": "qwerty99"}

@app.post("/enter")
def enter():
    if USERS.get(request.form["u"]) == request.form["p"]:
        return "welcome"
    return "no", 401
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.route("/login", methods=["POST"])
def login():
    password = request.form["password"]
    if request.form["user"] == "admin" and password == "admin":
        return "welcome"
    return "no", 403
""",
        """
USERS = {"alice": "wonder-1-land", "bob": "build3r"}

def check(name, password):
    return USERS.get(name) == password
""",
        """
class Panel:
    def open(self, password):
        if password != "let-me-1n":
            raise PermissionError("no")
        return self.settings
""",
    ),
    secure=(
        """
from flask import Flask, request
from accounts import find
from werkzeug.security import check_password_hash

app = Flask(__name__)

@app.route("/login", methods=["POST"])
def login():
    user = find(request.form["user"])
    password = request.form.get("password", "")
    if password == "" or not check_password_hash(user.password_hash, password):
        return "no", 403
    return "welcome"
""",
        """
import os
import secrets

class Panel:
    def open(self, password):
        if not secrets.compare_digest(password, os.environ["PANEL_PASSWORD"]):
            raise PermissionError("no")
        return self.settings
""",
        """
def problems(password):
    if password == "":
        return ["a password, please"]
    return ["too short"] if len(password) < 12 else []
""",
    ),
)
