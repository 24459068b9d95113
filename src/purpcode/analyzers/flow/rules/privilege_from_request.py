"""Rights given out as the request asks."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code, Scope
from purpcode.analyzers.flow.naming import matches_any
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import Function, decorator_names, identifiers
from purpcode.analyzers.flow.values import Value

_RIGHT = re.compile(
    r"(?i)^(is_)?(admin|superuser|staff|root)$|^(role|roles|permissions?|privileges?|user_role|"
    r"access_level|is_moderator|scopes?)$"
)
_ALLOWING = re.compile(
    r"(?i)admin|permission|staff|superuser|role|require|authori[sz]|owner|scope|moderator"
)
_CHOSEN = ("+in", "+equals", "+*valid*", "*validate*", "+*allowed*", "*sanit*")
_MAKERS = re.compile(r"(?i)user|account|member|employee|profile|create|insert|update|person|grant")


_GIVES_ITSELF = re.compile(
    r"(request\.user|current_user)\.(is_superuser|is_staff|is_admin|role) = request\."
)


def _asked(value: Value) -> bool:
    return any(
        one.kind == "request" and not matches_any(one.passed, _CHOSEN) for one in value.taints
    )


def _guarded(scope: Scope) -> bool:
    """Whether the handler asks for rights itself: its decorators or conditions mention them."""
    if not isinstance(scope.node, Function):
        return False
    asked = [name for name in decorator_names(scope.node) if not name.endswith("login_required")]
    if any(_ALLOWING.search(name) for name in asked):
        return True
    if any(_GIVES_ITSELF.search(ast.unparse(one)) for one in scope.node.body):
        return False
    mentioned = set()
    for one in scope.node.body:
        mentioned |= identifiers(one)
    given = any(re.search(r"(?i)admin|current|actor", one.arg) for one in scope.node.args.args)
    return given or any(
        re.search(r"(?i)current_user|has_perm|check_perm|require_|get_identity|current_admin", one)
        for one in mentioned
    )


def _self_given(code: Code) -> Iterator[Match]:
    """`request.user.is_superuser = request.POST.get("super") == "on"`."""
    for node in code.nodes_of(ast.Assign) if "request." in code.text else ():
        given = isinstance(node.targets[0], ast.Attribute)
        if given and _GIVES_ITSELF.search(ast.unparse(node)):
            yield Match(node, "users give themselves the right")


def _stored(code: Code) -> Iterator[Match]:
    for store in code.stores:
        attribute = next((n.rpartition(".")[2] for n in store.names if "." in n), "")
        if _RIGHT.search(attribute) and _asked(store.value) and not _guarded(store.scope):
            yield Match(store.node, f"the sender chooses {attribute}")
    for display in code.displays:
        around = code.parents.get(id(display.node))
        if not isinstance(around, ast.Assign) or not isinstance(around.targets[0], ast.Subscript):
            continue
        held = ast.unparse(around.targets[0].value)
        for key, value in (display.value.fields or {}).items():
            given = isinstance(key, str) and _RIGHT.search(key) and _MAKERS.search(held)
            if given and _asked(value) and not _guarded(display.scope):
                yield Match(display.node, f"the sender chooses {key}")
    for call in code.calls:
        last = " ".join(one.rpartition(".")[2] for one in call.names)
        if not _MAKERS.search(last) or _guarded(call.scope):
            continue
        for name, value in call.keywords.items():
            if _RIGHT.search(name) and _asked(value):
                yield Match(call.node, f"the sender chooses {name}")


RULE = FlowRule(
    id="privilege-from-request",
    title="Right given because the request says so",
    cwes=(269, 266),
    severity="medium",
    severity_reason="Everybody who can send the request makes himself an administrator.",
    fix="Set rights in code (a plain user), or let only an administrator's handler change them.",
    reference="https://cwe.mitre.org/data/definitions/269.html",
    detectors=(_stored, _self_given),
    insecure=(
        """
from flask import Flask, request

app = Flask(__name__)
USERS = {}

@app.post("/join")
def join():
    USERS[request.form["name"]] = {"role": request.form.get("role", "user")}
    return "welcome"
""",
        """
from flask import Flask, request
from flask_login import current_user, login_required
from club import db

app = Flask(__name__)

@app.post("/own")
@login_required
def own():
    current_user.role = request.form["role"]
    db.session.commit()
    return "kept"
""",
        """
from flask import Flask, request
from shop.models import User, db

app = Flask(__name__)

@app.post("/users")
def create():
    user = User(name=request.json["name"])
    user.is_admin = request.json.get("is_admin", False)
    db.session.add(user)
    db.session.commit()
    return {"id": user.id}
""",
        """
from django.contrib.auth.models import User
from django.http import JsonResponse

def register(request):
    user = User.objects.create_user(
        request.POST["name"], password=request.POST["password"], is_staff=request.POST.get("staff")
    )
    return JsonResponse({"id": user.pk})
""",
        """
from fastapi import FastAPI
from shop.models import Account, store

app = FastAPI()

@app.post("/accounts")
def create(name: str, role: str):
    account = Account(name=name, role=role)
    store.add(account)
    return {"id": account.id}
""",
    ),
    secure=(
        """
from flask import Flask, request

app = Flask(__name__)
USERS = {}

@app.post("/join")
def join():
    USERS[request.form["name"]] = {"role": "user", "city": request.form.get("city")}
    return "welcome"
""",
        """
from flask import Flask, request
from flask_login import current_user, login_required
from club import db

app = Flask(__name__)

@app.post("/own")
@login_required
def own():
    current_user.street = request.form["street"]
    db.session.commit()
    return "kept"
""",
        """
from flask import Flask, request
from shop.models import User, db

app = Flask(__name__)

@app.post("/users")
def create():
    user = User(name=request.json["name"])
    user.is_admin = False
    db.session.add(user)
    db.session.commit()
    return {"id": user.id}
""",
        """
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.http import JsonResponse

@permission_required("auth.change_user", raise_exception=True)
def promote(request):
    user = User.objects.get(pk=request.POST["id"])
    user.is_staff = request.POST.get("staff") == "yes"
    user.save()
    return JsonResponse({"ok": True})
""",
        """
from fastapi import FastAPI, HTTPException
from shop.models import Account, store

app = FastAPI()
ROLES = {"reader", "author"}

@app.post("/accounts")
def create(name: str, role: str):
    if role not in ROLES:
        raise HTTPException(400, "role")
    account = Account(name=name, role=role)
    store.add(account)
    return {"id": account.id}
""",
    ),
)
