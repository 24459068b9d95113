"""Request data kept as trusted session data without a check."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code, Scope
from purpcode.analyzers.flow.detectors import Flow
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.tree import walk

_SESSIONS = ("flask.session", "web.request.session", "?session", "quart.session", "bottle.session")
_IDENTITY = re.compile(
    r"(?i)user|(^|_)(u?id|role|roles|admin|auth|authenticated|account|permission|group|scope|tenant|"
    r"email|login|balance|price|credit|verified|logged_in)($|_)|is_|name"
)
_CHECKED = re.compile(
    r"(?i)check|verif|authenticat|validat|compare_digest|login_user|filter|^query|fetch|find|select|"
    r"lookup|get_user|get_or_404|scalar|is_valid|bcrypt|argon|exists|authori[sz]e|execute"
)
_FLOW = Flow(
    sinks=(),
    what="is kept in the session as if it were trusted",
    severities=dict.fromkeys(
        ("cli", "environment", "file", "stored", "network", "parameter"), None
    ),
)
_KEY = Flow(
    sinks=(),
    what="chooses which entry of the session is written",
    severities=_FLOW.severities,
)


def _stored(code: Code) -> Iterator[Match]:
    for store in code.stores:
        if not any(n.endswith("[]") and n.removesuffix("[]") in _SESSIONS for n in store.names):
            continue
        level: Level = "low"
        if isinstance(store.key, str) and _IDENTITY.search(store.key):
            level = "low" if _is_checked(store.scope) else "medium"
        for match in _FLOW.judge(store.node, store.value):
            yield Match(match.node, match.message, level)
        yield from _KEY.judge(store.node, store.key_value)


def _updates(code: Code) -> Iterator[Match]:
    """`session.update(request.json)`."""
    for call in code.calls_to(tuple(f"{one}.update" for one in _SESSIONS)):
        for value in (*call.args[:1], *call.unpacked):
            if value.fields is None:
                yield from _KEY.judge(call.node, value)


def _is_checked(scope: Scope) -> bool:
    """Whether a function looks the data up or checks it before it vouches for it."""
    for one in walk(scope.node):
        if isinstance(one, ast.Call):
            func = one.func
            name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            if _CHECKED.search(name):
                return True
        if isinstance(one, ast.Compare) and re.search(
            r"(?i)passw|token|secret|users?\b", ast.unparse(one)
        ):
            return True
    return False


RULE = FlowRule(
    id="trust-boundary",
    title="Request data taken into the session",
    cwes=(501,),
    severity="medium",
    severity_reason="Later code believes what the session says to be the server's own word.",
    fix="Check the value (look the user up, verify the password, allow known values only) before it"
    " enters the session, and never let the request choose the key.",
    reference="https://cwe.mitre.org/data/definitions/501.html",
    detectors=(_stored, _updates),
    insecure=(
        """
from flask import Flask, request, session

app = Flask(__name__)

@app.route("/enter", methods=["POST"])
def enter():
    session["user_id"] = request.form["user_id"]
    return "welcome"
""",
        """
from django.http import HttpResponse

def choose(request):
    request.session["role"] = request.POST.get("role", "guest")
    return HttpResponse("ok")
""",
        """
from flask import Flask, request, session

app = Flask(__name__)

@app.route("/set")
def remember():
    name = request.args["name"]
    session[name] = "1"
    return "kept"
""",
        """
from flask import Flask, request, session

app = Flask(__name__)

@app.route("/settings", methods=["POST"])
def settings():
    session.update(request.get_json())
    return {"ok": True}
""",
    ),
    secure=(
        """
from flask import Flask, abort, request, session
from werkzeug.security import check_password_hash
from accounts import load_account

app = Flask(__name__)

@app.route("/enter", methods=["POST"])
def enter():
    account = load_account(request.form["user_id"])
    if account is None or not check_password_hash(account.digest, request.form["password"]):
        abort(401)
    session["user_id"] = account.id
    return "welcome"
""",
        """
from django.http import HttpResponse, HttpResponseBadRequest

PLANS = {"free", "paid"}

def choose(request):
    plan = request.POST.get("plan", "free")
    if plan not in PLANS:
        return HttpResponseBadRequest("unknown plan")
    request.session["account_plan"] = plan
    return HttpResponse("ok")
""",
        """
from flask import Flask, request, session

app = Flask(__name__)

@app.route("/page")
def page():
    session["user_page"] = int(request.args.get("page", "1"))
    return "kept"
""",
        """
from sqlalchemy.orm import Session

def rename(session: Session, user, request):
    user.name = request.POST["name"]
    session.add(user)
    session.commit()
""",
    ),
)
