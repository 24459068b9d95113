"""Answers that carry passwords and their like along with the rest of a record."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import called_name
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import Function, answers_requests, functions, last_name, within
from purpcode.analyzers.flow.tree import walk

_SECRET = re.compile(
    r"(?i)^(user_?)?(passw(or)?d|pwd|passphrase|password_?hash|hashed_?password|pw_?hash|"
    r"ssn|social_?security(_?number)?|credit_?card(_?number)?|card_?number|cvv|private_?key|"
    r"security_?answer)$"
)
_COLUMNS = re.compile(
    r"(?is)^\s*select\b(.*?\b(passw(or)?d|password_hash|hashed_password|ssn|credit_card\w*|"
    r"card_number|cvv)\b.*?)\bfrom\b"
)
_CHECKS = re.compile(r"(?i)check_?pass|checkpw|verify|authenticate|compare_digest|==|login|hash")
_ANSWERS = frozenset(("jsonify", "JsonResponse", "JSONResponse", "Response", "json_response"))


def _displays(code: Code) -> Iterator[Match]:
    """`return jsonify({"name": user.name, "password": user.password})`."""
    for function in functions(code):
        if not answers_requests(code, function):
            continue
        for answer in _answers(function):
            for key, value in _entries(answer):
                loaded = isinstance(value, ast.Attribute | ast.Subscript)
                if loaded and _SECRET.search(key):
                    yield Match(value, f"the answer contains {key}")


def _answers(function: Function) -> Iterator[ast.expr]:
    for node in within(function):
        if isinstance(node, ast.Return) and node.value is not None:
            yield node.value
        elif isinstance(node, ast.Call) and called_name(node) in _ANSWERS:
            yield from node.args


def _entries(answer: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    for node in walk(answer):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant):
                    yield str(key.value), value
        elif isinstance(node, ast.Call) and called_name(node) in ("jsonify", "dict"):
            yield from ((one.arg, one.value) for one in node.keywords if one.arg)


def _rows(code: Code) -> Iterator[Match]:
    """A row with a secret column that is handed out as it is."""
    for call in code.calls_to(("*.execute",)):
        function = call.scope.node
        statement = call.argument(0)
        text = statement.starts_with() if statement is not None else ""
        if not isinstance(function, Function) or not _COLUMNS.search(text):
            continue
        if not answers_requests(code, function) or _CHECKS.search(_without_texts(function)):
            continue
        rows = {
            target.id
            for one in within(function)
            if isinstance(one, ast.Assign)
            and re.search(r"\bfetch(one|all|many)\(", ast.unparse(one.value))
            for target in one.targets
            if isinstance(target, ast.Name)
        }
        for answer in _answers(function):
            if any(_is_whole(answer, name) for name in rows):
                yield Match(call.node, "the answer contains every column, secrets too")
                break


def _without_texts(function: Function) -> str:
    return re.sub(r"'[^']*'|\"[^\"]*\"", "", ast.unparse(function))


def _is_whole(answer: ast.expr, name: str) -> bool:
    text = ast.unparse(answer)
    return re.search(rf"\b{name}\b(?!\[|\.)", text) is not None and f"{name}[" not in text


def _models(code: Code) -> Iterator[Match]:
    """FastAPI answers in the shape of the model that also takes the password."""
    secret = {
        node.name: field
        for node in code.nodes_of(ast.ClassDef)
        if any(last_name(base) in ("BaseModel", "SQLModel") for base in node.bases)
        for field in node.body
        if isinstance(field, ast.AnnAssign)
        and _SECRET.search(last_name(field.target))
        and not re.search(r"Secret|exclude=True", ast.unparse(field))
    }
    for function in functions(code):
        for decorator in function.decorator_list:
            for one in decorator.keywords if isinstance(decorator, ast.Call) else ():
                model = one.value.slice if isinstance(one.value, ast.Subscript) else one.value
                if one.arg == "response_model" and last_name(model) in secret:
                    yield Match(one.value, "the answer's model has the password")


def _everything(code: Code) -> Iterator[Match]:
    """`JsonResponse(list(User.objects.values()))` and serializers of all a user's fields."""
    for call in code.calls_to(("*.User.objects.values", "?User.objects.values")):
        if not call.args and not call.keywords and not call.spread:
            yield Match(call.node, "every column of the users is read, the password too")
    for node in code.nodes_of(ast.ClassDef) if "__all__" in code.text else ():
        body = ast.unparse(node)
        wanted = re.search(r"model = (\w+\.)?(User|Customer|Account)\b", body)
        if (
            wanted
            and re.search(r"fields = '__all__'", body)
            and "Serializer" in node.name
            and not re.search(r"write_only|extra_kwargs|password =", body)
        ):
            yield Match(node, "the serializer shows every field of the user")


RULE = FlowRule(
    id="sensitive-response",
    title="Secrets in the answer",
    cwes=(200, 213, 201),
    severity="medium",
    severity_reason="Whoever asks for the record gets passwords, hashes or card numbers with it.",
    fix="Name the fields that an answer shall have, in the query and in the answer.",
    reference="https://cwe.mitre.org/data/definitions/200.html",
    detectors=(_displays, _rows, _models, _everything),
    insecure=(
        """
from flask import Flask, jsonify
from club import Member

app = Flask(__name__)

@app.route("/members")
def members():
    found = Member.query.all()
    return jsonify([{"name": one.name, "password": one.password} for one in found])
""",
        """
import sqlite3
from flask import Flask, jsonify

app = Flask(__name__)

@app.route("/patients/<int:number>")
def patient(number):
    link = sqlite3.connect("clinic.db")
    row = link.execute("SELECT name, ssn FROM patients WHERE id = ?", (number,)).fetchone()
    link.close()
    return jsonify(dict(row))
""",
        """
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()

class Member(BaseModel):
    name: str
    password: str

@app.post("/members", response_model=Member)
def join(member: Member):
    return member
""",
        """
from django.contrib.auth.models import User
from django.http import JsonResponse

def everybody(request):
    return JsonResponse(list(User.objects.values()), safe=False)
""",
    ),
    secure=(
        """
from flask import Flask, jsonify
from club import Member

app = Flask(__name__)

@app.route("/members")
def members():
    return jsonify([{"name": one.name, "joined": one.joined} for one in Member.query.all()])
""",
        """
import sqlite3
from flask import Flask, jsonify

app = Flask(__name__)

@app.route("/patients/<int:number>")
def patient(number):
    link = sqlite3.connect("clinic.db")
    row = link.execute("SELECT name, ward FROM patients WHERE id = ?", (number,)).fetchone()
    link.close()
    return jsonify(dict(row))
""",
        """
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()

class NewMember(BaseModel):
    name: str
    password: str

class Member(BaseModel):
    name: str

@app.post("/members", response_model=Member)
def join(member: NewMember):
    return Member(name=member.name)
""",
        """
import secrets
from flask import Flask

app = Flask(__name__)

@app.route("/suggestion")
def suggestion():
    password = secrets.token_urlsafe(16)
    return {"password": password}
""",
        """
from django.contrib.auth.models import User
from django.http import JsonResponse

def everybody(request):
    return JsonResponse(list(User.objects.values("id", "username")), safe=False)
""",
    ),
)
