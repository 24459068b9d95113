"""Assertions that guard access or check outside data."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import (
    answers_requests,
    functions,
    identifiers,
    is_test_code,
    outside_names,
    within,
)

_GUARD = re.compile(
    r"(?i)is_?admin|is_superuser|is_staff|has_perm|permission|authori[sz]|is_authenticated|"
    r"check_password|compare_digest|verify_|is_owner|owner_id|has_role|is_allowed|has_access"
)


_SENT = frozenset(("args", "form", "json", "GET", "POST", "user", "data", "FILES", "query"))


def _is_about_types(test: ast.expr) -> bool:
    """Assertions that tell a type checker something."""
    if isinstance(test, ast.Compare):
        right = test.comparators[0]
        return isinstance(right, ast.Constant) and right.value is None
    return isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id in (
        "isinstance", "issubclass", "callable", "hasattr",
    )  # fmt: skip


def _asserted(code: Code) -> Iterator[Match]:
    for function in functions(code):
        if is_test_code(code, function):
            continue
        handler = answers_requests(code, function)
        outside = outside_names(code, function) if handler else set()
        for node in within(function):
            if not isinstance(node, ast.Assert) or _is_about_types(node.test):
                continue
            names = identifiers(node.test)
            if any(_GUARD.search(name) for name in names):
                yield Match(node, "an assertion decides who may go on; python -O removes it")
            elif names & outside or (handler and "request" in names and names & _SENT):
                yield Match(node, "an assertion checks data of a request; python -O removes it")


RULE = FlowRule(
    id="assert-for-security",
    title="Assertion used as a security check",
    cwes=(617, 670),
    severity="medium",
    severity_reason="Assertions vanish when Python optimises, and the check with them; where they"
    " stay, outside data ends the request with an unhandled error.",
    fix="Test with `if` and raise or answer with an error.",
    reference="https://cwe.mitre.org/data/definitions/617.html",
    detectors=(_asserted,),
    insecure=(
        """
from flask import Flask, g
from shop.models import Order, db

app = Flask(__name__)

@app.post("/orders/<int:number>/refund")
def refund(number):
    assert g.user.is_admin, "admins only"
    Order.query.get_or_404(number).refunded = True
    db.session.commit()
    return {"ok": True}
""",
        """
from django.http import JsonResponse
from bank.transfers import send

def transfer(request):
    amount = int(request.POST["amount"])
    assert 0 < amount <= 1000
    send(request.user, request.POST["to"], amount)
    return JsonResponse({"sent": amount})
""",
        """
def rename(user, document, title):
    assert user.has_permission("edit", document)
    document.title = title
    document.save()
""",
    ),
    secure=(
        """
from flask import Flask, abort, g
from shop.models import Order, db

app = Flask(__name__)

@app.post("/orders/<int:number>/refund")
def refund(number):
    if not g.user.is_admin:
        abort(403)
    Order.query.get_or_404(number).refunded = True
    db.session.commit()
    return {"ok": True}
""",
        """
from django.http import JsonResponse
from bank.transfers import send

def transfer(request):
    amount = int(request.POST["amount"])
    if not 0 < amount <= 1000:
        return JsonResponse({"error": "amount"}, status=400)
    send(request.user, request.POST["to"], amount)
    return JsonResponse({"sent": amount})
""",
        """
def merge(left, right):
    assert len(left) == len(right), "both come from one split"
    return [max(pair) for pair in zip(left, right)]
""",
        """
import pytest
from accounts import create

def test_new_users_are_not_admins():
    user = create("ann")
    assert not user.is_admin
""",
    ),
)
