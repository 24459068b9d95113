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


_MAY = re.compile(rf"{_RIGHTS.pattern}|admin|staff|require|only|moderator|manager|perm")
_ASKED_IN = re.compile(
    r"(if\s+)?['\"]\w*(user|account|member|login|logged_in|uid)\w*['\"] not in (flask\.)?session"
    r"|not (flask\.)?session\.get\(['\"]\w+['\"]\)"
)
_IDENTITY = re.compile(
    r"(?i)session(?!\.(commit|add|delete|query|get\(\w+, |execute|refresh|close)\b)|current_user|"
    r"request\.user|owner|identity|permission|role|author|is_admin|is_staff|g\.user|user_id|allowed|"
    r"access|member_of|created_by|can_|may_"
)
_PRIVATE = re.compile(
    r"\b\w*(Invoice|Message|Document|Order|Statement|Payment|Account|Profile|Prescription|Patient|"
    r"Medical\w*|Record|Transaction|Note|Letter|Payslip|Ticket|User)\b"
)
_LOOKUPS = frozenset(("get", "get_or_404", "get_object_or_404", "filter_by", "filter"))
_SENDS = frozenset(("send_file", "FileResponse", "send_from_directory"))
_FETCHES = re.compile(r"(?i)^(get|find|fetch|load|read)_\w+$")
_OWNER = re.compile(r"(?i)owner|user|author|account|customer|member")
_SELECTS = re.compile(
    r"(?is)^\s*select\b.*\bfrom\s+\w*(invoice|message|document|order|statement|payment|account|"
    r"profile|patient|transaction|payslip|record)\w*\s+where\b(?!.*\band\b)"
)
_REQUESTED = re.compile(r"request\.(args|form|GET|POST|json|values)")


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
        if any(_MAY.search(one) and not _LOGGED_IN.search(one) for one in decorators):
            continue
        body = set().union(*(identifiers(one) for one in function.body))
        if any(_RIGHTS.search(one) for one in body) or "user" in body:
            continue
        call = _destroys(function)
        if call is not None:
            yield Match(call, "any user may do this to anybody's entry")


def _anybodys(code: Code) -> Iterator[Match]:
    """A record of a person's own, taken by its number; who asks is known and not looked at."""
    for function in functions(code):
        if not answers_requests(code, function) or not _knows_who(function):
            continue
        text = _ASKED_IN.sub("", " ".join(ast.unparse(one) for one in function.body))
        others = [one for one in decorator_names(function) if not _LOGGED_IN.search(one)]
        if _IDENTITY.search(text) or any(_MAY.search(one) for one in others):
            continue
        given = {one.arg for one in function.args.args} - {"self", "request"}
        for node in within(function):
            if isinstance(node, ast.Call) and _looks_up(node, given):
                yield Match(node, "whose record it is is not asked")
                break


def _unused_users(function: Function) -> bool:
    """`user=Depends(get_current_user)`, and the user is not spoken of again."""
    given = zip(reversed(function.args.args), reversed(function.args.defaults), strict=False)
    pairs = [*given, *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=False)]
    users = {
        one.arg
        for one, default in pairs
        if default is not None
        and re.search(r"Depends\(\w*(current_user|get_user|logged_in)", ast.unparse(default))
    }
    body = set().union(*(identifiers(one) for one in function.body))
    return bool(users) and not users & body


def _knows_who(function: Function) -> bool:
    """Whether only somebody logged in comes here."""
    if _unused_users(function):
        return True
    if any(_LOGGED_IN.search(one) for one in decorator_names(function)):
        return True
    return _ASKED_IN.search(ast.unparse(function)) is not None


def _looks_up(node: ast.Call, given: set[str]) -> bool:
    """`Invoice.query.get(number)`, `get_object_or_404(Document, pk=number)`, or a SELECT."""
    values = [*node.args, *(one.value for one in node.keywords)]
    chosen = any(identifiers(one) & given or _REQUESTED.search(ast.unparse(one)) for one in values)
    name = last_name(node.func)
    if name == "execute" and node.args and isinstance(node.args[0], ast.Constant):
        statement = str(node.args[0].value)
        return chosen and _SELECTS.search(statement) is not None
    if name in _SENDS or _FETCHES.search(name):
        shown = f"{name} {ast.unparse(node)}"
        return chosen and _PRIVATE.search(re.sub(r"[_/'\"]", " ", shown).title()) is not None
    owners = {one.arg for one in node.keywords if one.arg}
    if name not in _LOOKUPS or not chosen or any(_OWNER.search(one) for one in owners):
        return False
    return _PRIVATE.search(ast.unparse(node)) is not None


RULE = FlowRule(
    id="missing-authorization",
    title="Logged in is taken for allowed",
    cwes=(862, 863, 285),
    severity="medium",
    severity_reason="Every user reads or removes what belongs to another by counting up numbers.",
    fix="Look the entry up among the user's own, or ask for the permission.",
    reference="https://cwe.mitre.org/data/definitions/862.html",
    detectors=(_unasked, _anybodys),
    insecure=(
        """
from fastapi import Depends, FastAPI
from club import current_user, get_document

app = FastAPI()

@app.get("/documents/{number}")
def document(number: int, user=Depends(current_user)):
    return get_document(number)
""",
        """
from flask import Flask, jsonify, session
from post.models import Message

app = Flask(__name__)

@app.route("/messages/<int:number>")
def message(number):
    if "user_id" not in session:
        return "log in first", 401
    found = Message.query.get(number)
    return jsonify({"text": found.text})
""",
        """
from flask import Flask, jsonify
from flask_login import login_required
from till.models import Invoice

app = Flask(__name__)

@app.route("/invoices/<int:number>")
@login_required
def invoice(number):
    found = Invoice.query.get_or_404(number)
    return jsonify({"sum": found.sum, "street": found.street})
""",
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
from fastapi import Depends, FastAPI, HTTPException
from club import current_user, get_document

app = FastAPI()

@app.get("/documents/{number}")
def document(number: int, user=Depends(current_user)):
    found = get_document(number)
    if found is None or found.writer != user.id:
        raise HTTPException(status_code=404)
    return found
""",
        """
from flask import Flask, jsonify
from flask_login import login_required
from shop.models import Article

app = Flask(__name__)

@app.route("/articles/<int:number>")
@login_required
def article(number):
    found = Article.query.get_or_404(number)
    return jsonify({"name": found.name, "price": found.price})
""",
        """
from flask import Flask, jsonify, session
from post.models import Message

app = Flask(__name__)

@app.route("/messages/<int:number>")
def message(number):
    if "user_id" not in session:
        return "log in first", 401
    found = Message.query.get(number)
    if found is None or found.reader_id != session["user_id"]:
        return "not yours", 404
    return jsonify({"text": found.text})
""",
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
from django.views.decorators.http import require_POST
from notes.models import Note

@login_required
@require_POST
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
