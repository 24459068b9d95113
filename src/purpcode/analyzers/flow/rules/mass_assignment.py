"""All fields of an object set from a request."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.detectors import Flow
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import SourceKind

_QUIET: dict[SourceKind, None] = dict.fromkeys(
    ("cli", "environment", "file", "stored", "network", "parameter")
)
_DECLARED = (
    *(".dict", ".model_dump", ".load", ".cleaned_data", ".validated_data", "*.load", "*pick*"),
    *("*filter*", "*schema*", "*.model_dump", "*.dict"),
)
"""What gives only the fields that a schema or form declares."""
_NAME = Flow(sinks=(), what="chooses which attribute is set", harmless=_DECLARED, severities=_QUIET)
_FIELDS = Flow(sinks=(), what="sets every field it names", harmless=_DECLARED, severities=_QUIET)
_MODEL_BASE = re.compile(
    r"(^|\.|\?)(Model|Base|DeclarativeBase|Document|SQLModel|UserMixin)(\(\))?$"
)
_CREATED = (
    "*.objects.create",
    "*.objects.update_or_create",
    "*.objects.get_or_create",
    "*.objects.filter().update",
    "*.filter_by().update",
    "*.query.filter_by().update",
    "*.objects.bulk_create",
    "*.filter().update",
    "*.objects.all().update",
)


def _setattr(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("setattr", "object.__setattr__")):
        if len(call.args) == 3:
            yield from _NAME.judge(call.node, call.args[1])


def _models(code: Code) -> set[str]:
    """Local classes that are tables, or that are at least no validating schemas."""
    found = set()
    for one in code.nodes:
        if isinstance(one, ast.ClassDef):
            bases = [ast.unparse(base) for base in one.bases]
            if any(_MODEL_BASE.search(base) for base in bases):
                found.add(f"@{one.name}")
    return found


def _unpacked(code: Code) -> Iterator[Match]:
    models = _models(code)
    for call in code.calls:
        if not call.unpacked:
            continue
        if call.names & models or any(call.fits(name) for name in _CREATED):
            for value in call.unpacked:
                if value.fields is None:
                    yield from _FIELDS.judge(call.node, value)


def _updates(code: Code) -> Iterator[Match]:
    """`user.__dict__.update(request.json)` and `query.update(request.json)`."""
    for call in code.calls_to(("*.__dict__.update", *_CREATED)):
        if _first_is_whole(call):
            yield from _FIELDS.judge(call.node, call.args[0])


def _first_is_whole(call: Call) -> bool:
    return bool(call.args) and call.args[0].fields is None and not call.args[0].built


RULE = FlowRule(
    id="mass-assignment",
    title="Object's fields set from a whole request",
    cwes=(915,),
    severity="medium",
    severity_reason="The sender also sets fields that no form shows, such as a role or a balance.",
    fix="Copy the fields one by one, or filter them by a fixed set or a schema first.",
    reference="https://cwe.mitre.org/data/definitions/915.html",
    detectors=(_setattr, _unpacked, _updates),
    insecure=(
        """
from flask import Flask, request
from shop.models import User, db

app = Flask(__name__)

@app.route("/users/<int:number>", methods=["PATCH"])
def change(number):
    user = db.session.get(User, number)
    for key, value in request.get_json().items():
        setattr(user, key, value)
    db.session.commit()
    return {"ok": True}
""",
        """
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)

class Account(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    is_admin = db.Column(db.Boolean, default=False)

@app.route("/accounts", methods=["POST"])
def create():
    account = Account(**request.json)
    db.session.add(account)
    db.session.commit()
    return {"id": account.id}
""",
        """
import json
from django.http import JsonResponse
from people.models import Person

def add(request):
    fields = json.loads(request.body)
    person = Person.objects.create(**fields)
    return JsonResponse({"id": person.pk})
""",
        """
from aiohttp import web

async def change(request):
    profile = request.app["profiles"].current()
    profile.__dict__.update(await request.json())
    return web.json_response({"ok": True})
""",
    ),
    secure=(
        """
from flask import Flask, request
from shop.models import User, db

app = Flask(__name__)
EDITABLE = ("name", "address")

@app.route("/users/<int:number>", methods=["PATCH"])
def change(number):
    user = db.session.get(User, number)
    for key, value in request.get_json().items():
        if key in EDITABLE:
            setattr(user, key, value)
    db.session.commit()
    return {"ok": True}
""",
        """
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)

class Account(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    is_admin = db.Column(db.Boolean, default=False)

@app.route("/accounts", methods=["POST"])
def create():
    account = Account(name=request.json["name"])
    db.session.add(account)
    db.session.commit()
    return {"id": account.id}
""",
        """
import json
from django.http import JsonResponse
from people.models import Person

FIELDS = ("name", "city")

def add(request):
    sent = json.loads(request.body)
    person = Person.objects.create(**{"name": sent["name"], "city": sent["city"]})
    return JsonResponse({"id": person.pk})
""",
        """
from fastapi import FastAPI
from pydantic import BaseModel

class Change(BaseModel):
    name: str
    city: str

app = FastAPI()

@app.post("/people")
def add(sent: dict):
    change = Change(**sent)
    return {"name": change.name}
""",
        """
def configure(target, settings):
    for key, value in settings.items():
        setattr(target, key, value)
    return target
""",
    ),
)
