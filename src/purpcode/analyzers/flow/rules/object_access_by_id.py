"""Records handed out by the number in the request, whoever asks."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import functions, within
from purpcode.analyzers.flow.tree import walk

_LOOKUPS = (
    "*.query.get",
    "*.objects.get",
    "*.query.get_or_404",
    "*.get_or_404",
    "*.objects.filter",
    "*.session.get",
    "django.shortcuts.get_object_or_404",
    "db.Cursor().execute",
    "db.Connection().execute",
    "*.query.filter_by",
)
_PRIVATE = re.compile(
    r"(?i)account|invoice|order|payment|message|document|profile|medical|record|address|statement|"
    r"salary|transaction|patient|ticket|private"
)
_ASKS = re.compile(
    r"(?i)current_user|session|request\.user|owner|auth|permission|login|token|user_id|identity|jwt|"
    r"require|depends|role|verify|principal|g\.user|customer_id"
)
_FLOW = Flow(
    sinks=(),
    what="chooses the record, and nobody asks whose it is",
    strict=True,
    severities=dict.fromkeys(
        ("cli", "environment", "file", "stored", "network", "parameter"), None
    ),
)


def _handed_out(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_LOOKUPS):
        node = call.scope.node
        if isinstance(node, ast.Module | ast.Lambda):
            continue
        text = ast.unparse(node)
        if _ASKS.search(text) or not _PRIVATE.search(text):
            continue
        for value in (*call.args, *call.keywords.values()):
            yield from _FLOW.judge(call.node, value)


_WHO = frozenset(("current_user", "requesting_user", "logged_in_user", "acting_user", "requester"))


def _user_unused(code: Code) -> Iterator[Match]:
    """`def document(current_user, documents, key): return documents[key]`."""
    for function in functions(code):
        given = {one.arg for one in (*function.args.args, *function.args.kwonlyargs)}
        who = given & _WHO
        if not who or function.args.defaults or function.decorator_list:
            continue
        used = {one.id for one in within(function) if isinstance(one, ast.Name)}
        for node in within(function):
            if who & used or not isinstance(node, ast.Return | ast.Delete):
                continue
            for one in walk(node):
                if isinstance(one, ast.Subscript) and getattr(one.slice, "id", "") in given:
                    name = sorted(who)[0]
                    yield Match(one, f"'{name}' is never asked about", "medium", (285, 862, 639))


RULE = FlowRule(
    id="object-access-by-id",
    title="Record chosen by the request alone",
    cwes=(639, 566),
    severity="low",
    severity_reason="Whether the records are private, and who asks before, is unseen.",
    fix="Look the record up among those of the signed-in user (filter by owner as well as by id).",
    reference="https://cwe.mitre.org/data/definitions/639.html",
    detectors=(_handed_out, _user_unused),
    insecure=(
        """
def read_document(current_user, documents, key):
    return documents[key]
""",
        """
from flask import Flask, jsonify
from shop.models import Invoice

app = Flask(__name__)

@app.route("/invoices/<int:number>")
def invoice(number):
    found = Invoice.query.get_or_404(number)
    return jsonify(found.as_dict())
""",
        """
from django.http import JsonResponse
from mail.models import Message

def message(request, number):
    found = Message.objects.get(pk=number)
    return JsonResponse({"text": found.text})
""",
        """
import sqlite3
from flask import Flask, request

app = Flask(__name__)

@app.route("/statement")
def statement():
    cursor = sqlite3.connect("bank.db").cursor()
    cursor.execute("SELECT balance FROM statements WHERE id = ?", (request.args["id"],))
    return {"balance": cursor.fetchone()[0]}
""",
    ),
    secure=(
        """
def read_document(current_user, documents, key):
    found = documents[key]
    if found.owner != current_user:
        raise PermissionError(key)
    return found
""",
        """
from flask import Flask, jsonify
from flask_login import current_user, login_required
from shop.models import Invoice

app = Flask(__name__)

@app.route("/invoices/<int:number>")
@login_required
def invoice(number):
    found = Invoice.query.filter_by(id=number, owner_id=current_user.id).first_or_404()
    return jsonify(found.as_dict())
""",
        """
from django.http import JsonResponse
from mail.models import Message

def message(request, number):
    found = Message.objects.get(pk=number, owner=request.user)
    return JsonResponse({"text": found.text})
""",
        """
from flask import Flask, jsonify
from shop.models import Article

app = Flask(__name__)

@app.route("/articles/<int:number>")
def article(number):
    return jsonify(Article.query.get_or_404(number).as_dict())
""",
    ),
)
