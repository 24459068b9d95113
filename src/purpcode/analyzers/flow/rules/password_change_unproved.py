"""New passwords taken from whoever sends them."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import Function, answers_requests, functions, last_name, within

_PASSWORD = re.compile(r"(?i)^_?(passw(or)?d(_?hash)?|hashed_?password|pw_?hash|pwd)$")
_PROOF = re.compile(
    r"(?i)check_?pass|checkpw|verif|authenticate\b|(old|current|previous|existing)_?pass|tok(en)?\b|"
    r"token|otp|\bcode\b|_code|secret|signature|sign|unsign|loads|is_valid|PasswordForm|link_id|"
    r"reset_?(key|id|hash)|nonce|compare_digest|magic|confirm_?login|fresh"
)
_OTHERS = re.compile(
    r"(?i)admin|staff|superuser|permission|role|is_manager|regist|sign_?up|create|add_user|new_user|"
    r"setup|install|seed|first_run"
)
_ANSWER = re.compile(r"(?i)(security|secret)_?(answer|question)|\banswer\b|maiden|birth|pet_name")
_KNOWN = re.compile(r"current_user|request\.user|session|login_required|g\.user|get_jwt_identity")


def _unproved(code: Code) -> Iterator[Match]:
    for function in functions(code):
        if not answers_requests(code, function):
            continue
        text = ast.unparse(function)
        if _OTHERS.search(text) or not re.search(r"request\b|Form\(|Body\(|: \w+", text):
            continue
        place = next(_sets(function), None)
        if place is None:
            continue
        if _ANSWER.search(text) and not re.search(r"(?i)token|otp", text):
            yield Match(
                place, "the answer to a question is enough for a new password", cwes=(640, 620)
            )
        elif not _PROOF.search(text):
            known = _KNOWN.search(text) is not None
            what = "the old password is not asked for" if known else "nobody shows who he is"
            yield Match(place, what, cwes=(620,) if known else (640, 306, 620))


def _sets(function: Function) -> Iterator[ast.AST]:
    """Where a function gives an existing user a new password."""
    for node in within(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            target = node.targets[0]
            plain = isinstance(node.value, ast.Constant)
            if _PASSWORD.search(target.attr) and last_name(target.value) != "self" and not plain:
                yield node
        elif isinstance(node, ast.Call) and _writes(node):
            yield node


def _writes(call: ast.Call) -> bool:
    """`user.set_password(...)`, `users.update_one(..., {"$set": {"password": ...}})`, an UPDATE."""
    name, text = last_name(call.func), ast.unparse(call)
    if name == "set_password":
        return bool(call.args)
    if name in ("update_one", "update"):
        return re.search(r"(?i)'password(_?hash)?': (?!')|\(password(_hash)?=", text) is not None
    updates = re.search(r"(?i)'\s*update \w+ set (\w+ = \?, )*passw", text)
    return name == "execute" and updates is not None


def _shown(code: Code) -> Iterator[Match]:
    """The secret that proves who asks, answered to whoever asks."""
    for function in functions(code):
        if not answers_requests(code, function) or not re.search(
            r"(?i)forgot|reset|recover", function.name
        ):
            continue
        for node in within(function):
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Call | ast.Dict):
                for one in _secrets(node.value):
                    yield Match(
                        one, "the answer contains the token for a new password", cwes=(640,)
                    )


def _secrets(answer: ast.expr) -> Iterator[ast.expr]:
    for node in ast.walk(answer):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                named = isinstance(key, ast.Constant) and str(key.value)
                if (
                    named
                    and re.fullmatch(r"(?i)(reset_?|password_?reset_?)(token|code)", named)
                    and isinstance(value, ast.Attribute | ast.Name)
                ):
                    yield value


RULE = FlowRule(
    id="password-change-unproved",
    title="Password changed without proof",
    cwes=(620, 640),
    severity="medium",
    severity_reason="Whoever sends the request, or finds a session open, takes over the account.",
    fix="Ask for the old password, or for a random token that was mailed and that expires.",
    reference="https://cwe.mitre.org/data/definitions/620.html",
    detectors=(_unproved, _shown),
    insecure=(
        """
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse

@login_required
def change(request):
    request.user.set_password(request.POST["wanted"])
    request.user.save()
    return HttpResponse("changed")
""",
        """
from flask import Flask, request
from werkzeug.security import generate_password_hash
from club import Member, db

app = Flask(__name__)

@app.post("/forgotten")
def forgotten():
    member = Member.query.filter_by(email=request.form["email"]).first_or_404()
    member.password_hash = generate_password_hash(request.form["wanted"])
    db.session.commit()
    return "changed"
""",
        """
from flask import Flask, request
from werkzeug.security import generate_password_hash
from club import Member, db

app = Flask(__name__)

@app.post("/recover")
def recover():
    member = Member.query.filter_by(name=request.form["name"]).first_or_404()
    if member.security_answer != request.form["answer"]:
        return "no", 403
    member.password_hash = generate_password_hash(request.form["wanted"])
    db.session.commit()
    return "changed"
""",
        """
import secrets
from flask import Flask, jsonify, request
from club import Member, db

app = Flask(__name__)

@app.post("/forgot")
def forgot():
    member = Member.query.filter_by(email=request.form["email"]).first_or_404()
    member.reset_token = secrets.token_urlsafe(32)
    db.session.commit()
    return jsonify({"reset_token": member.reset_token})
""",
    ),
    secure=(
        """
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse

@login_required
def change(request):
    if not request.user.check_password(request.POST["old"]):
        return HttpResponse(status=403)
    request.user.set_password(request.POST["wanted"])
    request.user.save()
    return HttpResponse("changed")
""",
        """
from flask import Flask, request
from werkzeug.security import generate_password_hash
from club import db, member_of_token

app = Flask(__name__)

@app.post("/forgotten")
def forgotten():
    member = member_of_token(request.form["token"])
    if member is None:
        return "no", 403
    member.password_hash = generate_password_hash(request.form["wanted"])
    db.session.commit()
    return "changed"
""",
        """
from flask import Flask, request
from werkzeug.security import generate_password_hash
from club import Member, db

app = Flask(__name__)

@app.post("/register")
def register():
    member = Member(name=request.form["name"])
    member.password_hash = generate_password_hash(request.form["wanted"])
    db.session.add(member)
    db.session.commit()
    return "welcome"
""",
    ),
)
