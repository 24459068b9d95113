"""Secrets kept in cookies."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.sensitive_names import shown_secrets

_TOKENS = re.compile(r"(?i)token|(^|_)secret$")
"""Tokens are made to be kept in cookies."""


def _cookies(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("*.set_cookie",)):
        node = call.node_of(1, "value")
        for name in shown_secrets(node) if node is not None else ():
            if not _TOKENS.search(name):
                yield Match(call.node, f"'{name}' is kept readable in the browser")
                break


RULE = FlowRule(
    id="sensitive-data-in-cookie",
    title="Secret in a cookie",
    cwes=(315, 312),
    severity="medium",
    severity_reason="Whoever reads the browser's files or the traffic reads the secret.",
    fix="Keep the data on the server and put only a random session id in the cookie.",
    reference="https://cwe.mitre.org/data/definitions/315.html",
    detectors=(_cookies,),
    insecure=(
        """
from flask import Flask, make_response, request

app = Flask(__name__)

@app.route("/login", methods=["POST"])
def login():
    password = request.form["password"]
    response = make_response("welcome back")
    response.set_cookie("remember", password, secure=True, httponly=True, samesite="Lax")
    return response
""",
        """
from django.http import HttpResponse

def pay(request):
    response = HttpResponse("stored")
    response.set_cookie("card", request.POST["card_number"], secure=True, httponly=True)
    return response
""",
        """
from fastapi import FastAPI, Response
from pydantic import BaseModel

class Person(BaseModel):
    name: str
    ssn: str

app = FastAPI()

@app.post("/person")
def keep(person: Person, response: Response):
    response.set_cookie("person", f"{person.name}:{person.ssn}", secure=True, httponly=True)
    return {"ok": True}
""",
    ),
    secure=(
        """
import secrets
from flask import Flask, make_response

app = Flask(__name__)
SESSIONS = {}

@app.route("/login", methods=["POST"])
def login():
    session_id = secrets.token_urlsafe(32)
    SESSIONS[session_id] = {"seen": 1}
    response = make_response("welcome back")
    response.set_cookie("sid", session_id, secure=True, httponly=True, samesite="Lax")
    return response
""",
        """
from django.http import HttpResponse
from cryptography.fernet import Fernet
from vault import cookie_key

def pay(request):
    response = HttpResponse("stored")
    sealed = Fernet(cookie_key()).encrypt(request.POST["card_number"].encode())
    response.set_cookie("card", sealed.decode(), secure=True, httponly=True)
    return response
""",
        """
from fastapi import FastAPI, Response

app = FastAPI()

@app.post("/hint")
def hint(response: Response, password_hint_shown: bool = True):
    response.set_cookie("hint", str(password_hint_shown), secure=True, httponly=True)
    return {"ok": True}
""",
    ),
)
