"""Administrative addresses that ask nobody who they are."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code, Scope
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_ADMIN = re.compile(
    r"(?i)(^|[/_])(admin|administration|superuser|backup|shutdown|restart|impersonate)"
)
_ACTS = re.compile(
    r"(?i)delete|drop|remove|grant|promote|shutdown|restart|reset|create|update|set|export|"
    r"backup|users|config|system|execute|commit"
)
_KNOWS = re.compile(
    r"(?i)auth|login|session|token|user\b|current_user|permission|role|api_?key|jwt|verify|require|"
    r"secret|password|is_admin|depends|security|principal|identity|before_request|guard|staff"
)


def _routes(scope: Scope) -> str:
    """The text of a function's route decorators."""
    decorators = getattr(scope.node, "decorator_list", [])
    return " ".join(
        one.value
        for decorator in decorators
        for one in walk(decorator)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    )


def _open_handlers(code: Code) -> Iterator[Match]:
    if re.search(r"before_request|add_middleware|Depends\(|login_manager|HTTPBasicAuth", code.text):
        return
    for scope in code.scopes:
        if not scope.handler:
            continue
        where = f"{_routes(scope)} {scope.name}"
        if not _ADMIN.search(_routes(scope)) and not _ADMIN.search(scope.name):
            continue
        others = [
            name
            for name in scope.decorators
            if not name.endswith(
                (".route", ".get", ".post", ".put", ".delete", ".patch", ".options", ".head")
            )
        ]
        body = " ".join(ast.unparse(one) for one in getattr(scope.node, "body", []))
        given = ast.unparse(getattr(scope.node, "args", scope.node))
        if not others and _ACTS.search(f"{where} {body}") and not _KNOWS.search(f"{body} {given}"):
            yield Match(scope.node, "an administrative address answers everybody")


RULE = FlowRule(
    id="missing-authentication",
    title="Administration without a login",
    cwes=(306, 862),
    severity="low",
    severity_reason="Something before this code (a proxy, a middleware) may ask for the login.",
    fix="Require a login and a role for the address (login_required, Depends on the current user).",
    reference="https://cwe.mitre.org/data/definitions/306.html",
    detectors=(_open_handlers,),
    insecure=(
        """
from flask import Flask
from shop import db

app = Flask(__name__)

@app.route("/admin/orders/<int:number>", methods=["DELETE"])
def remove_order(number):
    db.orders.delete(number)
    return "", 204
""",
        """
from fastapi import FastAPI
from shop import prices

app = FastAPI()

@app.post("/admin/prices")
def change(sent: dict):
    prices.update(sent)
    return {"ok": True}
""",
        """
from flask import Flask
from shop import tasks

app = Flask(__name__)

@app.route("/shutdown", methods=["POST"])
def stop():
    tasks.shutdown()
    return "stopping"
""",
    ),
    secure=(
        """
from flask import Flask
from flask_login import login_required
from shop import admin_only, db

app = Flask(__name__)

@app.route("/admin/orders/<int:number>", methods=["DELETE"])
@login_required
@admin_only
def remove_order(number):
    db.orders.delete(number)
    return "", 204
""",
        """
from fastapi import Depends, FastAPI
from shop import current_admin, prices

app = FastAPI()

@app.post("/admin/prices")
def change(sent: dict, admin=Depends(current_admin)):
    prices.update(sent)
    return {"ok": True}
""",
        """
from flask import Flask

app = Flask(__name__)

@app.route("/status")
def status():
    return {"ok": True}
""",
    ),
)
