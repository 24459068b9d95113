"""Results of checks that nobody looks at, and checks called with their arguments swapped."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import Function, functions, last_name, names_a_check, within

_ANSWERING = (
    "hmac.compare_digest",
    "secrets.compare_digest",
    "werkzeug.security.check_password_hash",
    "?check_password_hash",
    "bcrypt.checkpw",
    "django.contrib.auth.hashers.check_password",
    "*.check_password",
    "passlib.hash.*.verify",
    "passlib.context.CryptContext().verify",
    "?pwd_context.verify",
    "*.bcrypt.check_password_hash",
    "flask_bcrypt.Bcrypt().check_password_hash",
    "django.utils.http.url_has_allowed_host_and_scheme",
    "*.has_perm",
    "*.has_permission",
    "*.validate_on_submit",
    "django.utils.crypto.constant_time_compare",
    "*.is_relative_to",
    "pyotp.TOTP().verify",
    "itsdangerous.Signer().validate",
)
"""Functions that answer by True and False, and never by raising."""

_COUNTING = ("os.write", "socket.socket().send", "socket.accepted().send")
_HASHED = re.compile(r"(?i)hash|digest|stored|encoded|encrypted")
_PLAIN = re.compile(r"(?i)^(password|passwd|pwd|pw|plain\w*|raw_?password|candidate|given)$")


def _discarded(code: Code) -> set[int]:
    """Ids of the calls whose result is dropped."""
    found: set[int] = set()
    for node in code.nodes:
        if isinstance(node, ast.Expr):
            call = node.value.value if isinstance(node.value, ast.Await) else node.value
            if isinstance(call, ast.Call):
                found.add(id(call))
    return found


def _answers_only(function: Function) -> bool:
    """Whether a local check speaks by its result alone: it returns True or False, never raises."""
    returns = 0
    for node in within(function):
        if isinstance(node, ast.Raise | ast.Assert | ast.Yield):
            return False
        if isinstance(node, ast.Call) and last_name(node.func) in ("abort", "exit"):
            return False
        if isinstance(node, ast.Return):
            returns += 1
            value = node.value
            constant = isinstance(value, ast.Constant) and type(value.value) is bool
            if not (constant or isinstance(value, ast.Compare | ast.BoolOp)):
                return False
    return returns > 0


def _unlooked(code: Code) -> Iterator[Match]:
    dropped = _discarded(code)
    for call in code.calls_to(_ANSWERING):
        if id(call.node) in dropped:
            yield Match(call.node, "the answer of the check is not looked at")
    for call in code.calls_to(_COUNTING):
        if id(call.node) in dropped:
            yield Match(call.node, "it may take fewer bytes than it was given", "low")
    local = {one.name for one in functions(code) if names_a_check(one.name) and _answers_only(one)}
    for call in code.calls:
        name = last_name(call.node.func)
        is_own = any(one.startswith("@") for one in call.names)
        if id(call.node) in dropped and name in local and is_own:
            yield Match(call.node, f"the answer of {name} is not looked at")


def _name_at(call: Call, position: int) -> str:
    node = call.node_of(position, None)
    return last_name(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def _swapped(code: Code) -> Iterator[Match]:
    for names, plain, hashed in (
        (("werkzeug.security.check_password_hash", "?check_password_hash"), 1, 0),
        (("bcrypt.checkpw",), 0, 1),
    ):
        for call in code.calls_to(names):
            first, second = _name_at(call, plain), _name_at(call, hashed)
            if _HASHED.search(first) and _PLAIN.search(second):
                yield Match(call.node, "the password stands where the hash belongs", cwes=(683,))


RULE = FlowRule(
    id="unchecked-verification",
    title="Result of a check not used",
    cwes=(252, 683),
    severity="medium",
    severity_reason="A check whose answer is dropped or meaningless lets everybody pass or nobody.",
    fix="Test the answer and refuse when it is false.",
    reference="https://cwe.mitre.org/data/definitions/252.html",
    detectors=(_unlooked, _swapped),
    insecure=(
        """
import hashlib
import hmac

def receive(body, signature, key):
    expected = hmac.new(key, body, hashlib.sha256).hexdigest()
    hmac.compare_digest(expected, signature)
    return body.decode()
""",
        """
from flask import Flask, request, session
from werkzeug.security import check_password_hash
from people import find

app = Flask(__name__)

@app.post("/login")
def login():
    user = find(request.form["name"])
    if user is None:
        return "no", 401
    check_password_hash(user.password_hash, request.form["password"])
    session["user"] = user.id
    return "welcome"
""",
        """
def is_authorized(user, document):
    if user.role == "editor":
        return True
    return user.id == document.owner_id

def publish(user, document):
    is_authorized(user, document)
    document.public = True
    document.save()
""",
        """
from werkzeug.security import check_password_hash

def matches(password, password_hash):
    return check_password_hash(password, password_hash)
""",
    ),
    secure=(
        """
import hashlib
import hmac

def receive(body, signature, key):
    expected = hmac.new(key, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise ValueError("bad signature")
    return body.decode()
""",
        """
from flask import Flask, request, session
from werkzeug.security import check_password_hash
from people import find

app = Flask(__name__)

@app.post("/login")
def login():
    user = find(request.form["name"])
    if user is None or not check_password_hash(user.password_hash, request.form["password"]):
        return "no", 401
    session.clear()
    session["user"] = user.id
    return "welcome"
""",
        """
class Denied(Exception):
    pass

def check_access(user, document):
    if user.id != document.owner_id:
        raise Denied(user.id)
    return True

def publish(user, document):
    check_access(user, document)
    document.public = True
    document.save()
""",
        """
def is_valid_key(key):
    return len(key) == 32

def remember(cache, key):
    valid = is_valid_key(key)
    cache[key] = valid
    return valid
""",
    ),
)
