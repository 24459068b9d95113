"""Handlers that change other people's things after asking only who is there."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import (
    Function,
    answers_requests,
    decorator_names,
    functions,
    identifiers,
    last_name,
    within,
)

_LOGGED_IN = re.compile(
    r"(?i)login_required|jwt_required|authenticated|auth_required|token_required"
)
_DESTROYING = re.compile(
    r"(?i)^(delete|remove|destroy|purge|drop|delete_one|delete_many|transfer|refund)(_\w+)?$"
)
_RIGHTS = re.compile(
    r"(?i)owner|permission|has_perm|is_admin|is_staff|superuser|role|current_user|get_jwt|"
    r"authori[sz]|can_|may_|user_id|identity|access|scope|forbidden|created_by|author"
)


def _destroys(function: Function) -> ast.Call | None:
    given = {one.arg for one in function.args.args} - {"self", "request"}
    for node in within(function):
        if isinstance(node, ast.Call) and _DESTROYING.search(last_name(node.func)):
            names = set().union(*(identifiers(one) for one in [*node.args, node.func]))
            held = {
                target.id
                for one in within(function)
                if isinstance(one, ast.Assign) and identifiers(one.value) & given
                for target in one.targets
                if isinstance(target, ast.Name)
            }
            if names & (given | held):
                return node
    return None


def _unasked(code: Code) -> Iterator[Match]:
    for function in functions(code):
        if not answers_requests(code, function):
            continue
        decorators = decorator_names(function)
        if not any(_LOGGED_IN.search(one) for one in decorators):
            continue
        if any(_RIGHTS.search(one) and not _LOGGED_IN.search(one) for one in decorators):
            continue
        body = set().union(*(identifiers(one) for one in function.body))
        if any(_RIGHTS.search(one) for one in body) or "user" in body:
            continue
        call = _destroys(function)
        if call is not None:
            yield Match(call, "any user may do this to anybody's entry")


RULE = FlowRule(
    id="missing-authorization",
    title="Logged in is taken for allowed",
    cwes=(862, 863, 285),
    severity="low",
    severity_reason="Whether each user may touch each entry is not to be seen from this program.",
    fix="Look the entry up among the user's own, or ask for the permission.",
    reference="https://cwe.mitre.org/data/definitions/862.html",
    detectors=(_unasked,),
    insecure=(
        """
from flask import Flask
from flask_login import login_required
from shop.models import Order, db

app = Flask(__name__)

@app.delete("/orders/<int:number>")
@login_required
def remove(number):
    order = Order.query.get_or_404(number)
    db.session.delete(order)
    db.session.commit()
    return "", 204
""",
        """
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from notes.models import Note

@login_required
def remove(request, number):
    Note.objects.get(pk=number).delete()
    return HttpResponse(status=204)
""",
        """
from flask import Flask
from flask_jwt_extended import jwt_required
from payments import refund

app = Flask(__name__)

@app.post("/payments/<int:number>/refund")
@jwt_required()
def pay_back(number):
    refund(number)
    return {"ok": True}
""",
    ),
    secure=(
        """
from flask import Flask
from flask_login import current_user, login_required
from shop.models import Order, db

app = Flask(__name__)

@app.delete("/orders/<int:number>")
@login_required
def remove(number):
    order = Order.query.filter_by(id=number, owner=current_user.id).first_or_404()
    db.session.delete(order)
    db.session.commit()
    return "", 204
""",
        """
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from notes.models import Note

@login_required
@permission_required("notes.delete_note", raise_exception=True)
def remove(request, number):
    Note.objects.get(pk=number).delete()
    return HttpResponse(status=204)
""",
        """
from flask import Flask
from flask_jwt_extended import get_jwt_identity, jwt_required
from payments import find

app = Flask(__name__)

@app.post("/payments/<int:number>/refund")
@jwt_required()
def pay_back(number):
    payment = find(number, payer=get_jwt_identity())
    payment.refund()
    return {"ok": True}
""",
    ),
)
