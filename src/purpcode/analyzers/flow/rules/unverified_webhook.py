"""Messages of other services believed without their signature."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import Function, answers_requests, functions, within

_HOOK = re.compile(r"(?i)web_?hook|payment_?(callback|notification)|(^|[/_])ipn($|[/_\"'])")
_PROVED = re.compile(
    r"(?i)signature|hmac|verify|construct_event|secret|token|api_?key|authoriz|compare_digest|"
    r"validate|public_key|allowlist|whitelist|remote_addr|check_|login|depends|permission"
)
_ACTS = re.compile(r"\.(commit|save|update|update_one|insert_one|create|delete|execute)\(|\.paid\b")


def _believed(code: Code) -> Iterator[Match]:
    if not _HOOK.search(code.text) or _PROVED.search(_plain(code)):
        return
    for function in functions(code):
        if not answers_requests(code, function) or not _is_hook(function):
            continue
        text = ast.unparse(function)
        if re.search(
            r"get_json|request\.(json|form|data|body|POST)|: dict\b", text
        ) and _ACTS.search(text):
            yield Match(_reading(function), "anybody can send this message")


def _plain(code: Code) -> str:
    """The program without its imports of the web framework."""
    return re.sub(r"(?m)^\s*(from|import)\b.*$", "", code.text)


def _is_hook(function: Function) -> bool:
    routes = " ".join(ast.unparse(one) for one in function.decorator_list)
    return _HOOK.search(f"{function.name} {routes}") is not None


def _reading(function: Function) -> ast.AST:
    """Where the message is read, else the function."""
    for node in within(function):
        if isinstance(node, ast.Assign) and "request" in ast.unparse(node.value):
            return node
    return function


RULE = FlowRule(
    id="unverified-webhook",
    title="Message without a checked signature",
    cwes=(345, 347, 306),
    severity="medium",
    severity_reason="Whoever knows the address reports payments that never happened.",
    fix="Check the sender's signature of the raw body with hmac.compare_digest before reading it.",
    reference="https://cwe.mitre.org/data/definitions/345.html",
    detectors=(_believed,),
    insecure=(
        """
from flask import Flask, request
from till import Bill, db

app = Flask(__name__)

@app.post("/webhook/paid")
def paid():
    message = request.get_json()
    bill = Bill.query.get(message["bill"])
    bill.paid = True
    db.session.commit()
    return "", 204
""",
        """
import json
from django.http import HttpResponse
from till.models import Bill

def payment_webhook(request):
    message = json.loads(request.body)
    Bill.objects.filter(pk=message["bill"]).update(paid=True)
    return HttpResponse(status=204)
""",
        """
from fastapi import FastAPI
from till import bills

app = FastAPI()

@app.post("/payment_callback")
async def told(message: dict):
    bills.update(message["bill"], paid=True)
    return {"ok": True}
""",
    ),
    secure=(
        """
import hashlib
import hmac
import os
from flask import Flask, abort, request
from till import Bill, db

app = Flask(__name__)

@app.post("/webhook/paid")
def paid():
    mac = hmac.new(os.environb[b"HOOK"], request.get_data(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(mac, request.headers.get("X-Signature", "")):
        abort(401)
    bill = Bill.query.get(request.get_json()["bill"])
    bill.paid = True
    db.session.commit()
    return "", 204
""",
        """
import os
import stripe
from flask import Flask, request
from till import bills

app = Flask(__name__)

@app.post("/webhook")
def told():
    event = stripe.Webhook.construct_event(
        request.data, request.headers["Stripe-Signature"], os.environ["HOOK"]
    )
    bills.update(event["id"], paid=True)
    return "", 204
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.post("/webhook/ping")
def ping():
    return {"got": len(request.get_json())}
""",
    ),
)
