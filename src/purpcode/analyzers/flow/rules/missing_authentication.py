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


_CREATES = re.compile(r"\b(Flask|FastAPI|Quart|Sanic)\(")
_GRAVE = re.compile(
    r"(?i)delete|drop|remove|grant|promote|shutdown|restart|_exit|\bkill\(|wipe|purge|set_role|"
    r"/admin\b.*(export|users|backup|config)"
)
_ASKS = re.compile(
    r"(?i)auth(?!or\b|ors\b)|log_?in|session|token|api_?key|current_user|permission|jwt|password|"
    r"is_admin|is_staff|is_superuser|before_request|middleware|identity|signature|has_perm|require_"
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
        if others or not _ACTS.search(f"{where} {body}"):
            continue
        whole = _CREATES.search(code.text) and _GRAVE.search(f"{where} {body}")
        if whole and not _asks(code.text):
            yield Match(scope.node, "an administrative address answers everybody", "medium")
        elif not _KNOWS.search(f"{body} {given}"):
            yield Match(scope.node, "an administrative address answers everybody")


def _asks(text: str) -> bool:
    """Whether a program speaks of logins anywhere, beside its database's sessions."""
    kept = re.sub(r"(?m)^(from|import)\b.*$", "", text)
    kept = re.sub(r"\b(db\.)?session\.(get|add|delete|commit|query|execute|refresh)\b", "", kept)
    return _ASKS.search(kept) is not None


def _open_views(code: Code) -> Iterator[Match]:
    """Views without any question that delete users, or that say that anybody may delete."""
    for scope in code.scopes:
        node = scope.node
        if not isinstance(node, ast.FunctionDef) or scope.owner or node.decorator_list:
            continue
        if not node.args.args or node.args.args[0].arg != "request" or scope.handler is None:
            continue
        if _ASKS.search(ast.unparse(node)):
            continue
        for call in code.calls_to(("*.User.objects.get().delete", "*.User.objects.filter().delete",
                                   "django.shortcuts.get_object_or_404().delete")):  # fmt: skip
            if call.scope.node is node and "User" in ast.unparse(node):
                yield Match(call.node, "anybody may delete users", "medium")
    for view in code.nodes_of(ast.ClassDef) if "permission_classes" in code.text else ():
        body = ast.unparse(view)
        if re.search(r"permission_classes = (\[AllowAny\]|\[\]|\(\)|\(AllowAny,\))", body):
            rest = body.replace("permission_classes", "")
            if re.search(r"def (delete|destroy)\(", rest) and not _ASKS.search(rest):
                yield Match(view, "anybody may delete", "medium")


RULE = FlowRule(
    id="missing-authentication",
    title="Administration without a login",
    cwes=(306, 862, 284, 425),
    severity="low",
    severity_reason="Something before this code (a proxy, a middleware) may ask for the login;"
    " medium where the whole program is seen and asks nowhere.",
    fix="Require a login and a role for the address (login_required, Depends on the current user).",
    reference="https://cwe.mitre.org/data/definitions/306.html",
    detectors=(_open_handlers, _open_views),
    insecure=(
        """
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView
from club.models import Member

class Members(APIView):
    permission_classes = [AllowAny]

    def delete(self, request, number):
        Member.objects.filter(pk=number).delete()
        return Response(status=204)
""",
        """
from django.contrib.auth.models import User
from django.http import HttpResponse

def remove(request, number):
    User.objects.get(pk=number).delete()
    return HttpResponse("removed")
""",
        """
from flask import Flask
from club import Member, db

app = Flask(__name__)

@app.route("/admin/remove/<int:number>", methods=["POST"])
def remove(number):
    db.session.delete(Member.query.get(number))
    db.session.commit()
    return "removed"
""",
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
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.models import User
from django.http import HttpResponse

@staff_member_required
def remove(request, number):
    User.objects.get(pk=number).delete()
    return HttpResponse("removed")
""",
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
