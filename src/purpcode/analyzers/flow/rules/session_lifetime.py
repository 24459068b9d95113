"""Sessions and tokens that do not end."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.sensitive_names import is_session
from purpcode.analyzers.flow.values import Value

_ENDS = re.compile(
    r"(?i)session|log_?out\w*\(|delete|pop|clear|revoke|invalidat|blacklist|blocklist|expire|unset|"
    r"remove|forget|flush|max_age|token"
)
_DAY = 86_400
_MOST_DAYS = 180
_IDENTITY = frozenset(
    (
        "sub",
        "user",
        "user_id",
        "userid",
        "username",
        "email",
        "role",
        "uid",
        "id",
        "name",
        "admin",
        "is_admin",
    )
)
_SETTINGS = frozenset(
    (
        "PERMANENT_SESSION_LIFETIME",
        "SESSION_COOKIE_AGE",
        "REMEMBER_COOKIE_DURATION",
        "JWT_ACCESS_TOKEN_EXPIRES",
    )
)


def _days(node: ast.AST | None, value: Value) -> float | None:
    """The days that a number of seconds or a literal `timedelta` stands for."""
    if isinstance(value.const, int | float) and type(value.const) is not bool:
        return value.const / _DAY
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("timedelta"):
        units = {"days": 1.0, "weeks": 7.0, "hours": 1 / 24}
        given = [(one.arg, one.value) for one in node.keywords]
        given += [("days", one) for one in node.args[:1]]
        return sum(
            units.get(unit or "", 0) * number
            for unit, one in given
            if (number := _number(one)) is not None
        )
    return None


def _number(node: ast.expr) -> float | None:
    """A literal number, or a product of some: `365 * 5`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = _number(node.left), _number(node.right)
        return None if left is None or right is None else left * right
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    return None


def _tokens(code: Code) -> Iterator[Match]:
    """JSON web tokens without `exp`, or whose end is not looked at."""
    for call in code.calls_to(("jwt.encode", "jose.jwt.encode")):
        payload = call.argument(0, "payload") or call.argument(0, "claims")
        if payload is None or payload.fields is None or _has_more(call.node_of(0, "payload")):
            continue
        if "exp" not in payload.fields and _IDENTITY & set(payload.fields):
            yield Match(call.node, "the token never expires")
    for call in code.calls_to(("jwt.decode", "jose.jwt.decode")):
        options = call.keywords.get("options")
        wanted = (options.fields or {}).get("verify_exp") if options is not None else None
        if wanted is not None and wanted.const is False:
            yield Match(call.node, "expired tokens are accepted")


def _has_more(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Dict) and any(key is None for key in node.keys)


def _settings(code: Code) -> Iterator[Match]:
    for store in code.stores:
        keys = {store.key} if isinstance(store.key, str) else store.names
        for key in keys & _SETTINGS:
            days = _days(store.source, store.value)
            if days is not None and days > _MOST_DAYS:
                yield Match(store.node, f"{key} is {days:.0f} days")
            if key == "JWT_ACCESS_TOKEN_EXPIRES" and store.value.const is False:
                yield Match(store.node, "access tokens never expire")
    for store in code.stores_to(("*.permanent_session_lifetime",)):
        days = _days(store.source, store.value)
        if days is not None and days > _MOST_DAYS:
            yield Match(store.node, f"sessions last {days:.0f} days")


def _cookies(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("*.set_cookie",)):
        days = _cookie_days(call)
        name = call.argument(0, "key")
        if days and days > _MOST_DAYS and name is not None and is_session(name.text or ""):
            yield Match(call.node, f"the session cookie lasts {days:.0f} days")


def _logouts(code: Code) -> Iterator[Match]:
    """`/logout` that only shows another page."""
    for scope in code.scopes:
        if not scope.handler or not re.fullmatch(r"(?i)log_?out|sign_?out", scope.name):
            continue
        body = " ".join(ast.unparse(one) for one in getattr(scope.node, "body", []))
        if not _ENDS.search(body) and re.search(r"redirect|render|return ['\"{]|jsonify", body):
            yield Match(scope.node, "logging out leaves the session as it is")


def _cookie_days(call: Call) -> float | None:
    value = call.argument(2, "max_age")
    return None if value is None else _days(call.node_of(2, "max_age"), value)


RULE = FlowRule(
    id="session-lifetime",
    title="Session without an end",
    cwes=(613,),
    severity="medium",
    severity_reason="A stolen session or token serves its thief for good.",
    fix="Let tokens expire (an `exp` claim, checked) and keep sessions to days, not years.",
    reference="https://cwe.mitre.org/data/definitions/613.html",
    detectors=(_tokens, _settings, _cookies, _logouts),
    insecure=(
        """
from datetime import timedelta
from flask import Flask

app = Flask(__name__)
app.permanent_session_lifetime = timedelta(days=365 * 2)
""",
        """
from flask import Flask, redirect

app = Flask(__name__)

@app.route("/logout")
def logout():
    return redirect("/")
""",
        """
import jwt

def issue(user, key):
    return jwt.encode({"sub": user.id, "role": user.role}, key, algorithm="HS256")
""",
        """
import jwt

def read(token, key):
    return jwt.decode(token, key, algorithms=["HS256"], options={"verify_exp": False})
""",
        """
from datetime import timedelta
from flask import Flask

app = Flask(__name__)
app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(days=3650)
""",
        """
SESSION_COOKIE_AGE = 60 * 60 * 24 * 365 * 5
SESSION_COOKIE_SECURE = True
""",
    ),
    secure=(
        """
from flask import Flask, redirect, session

app = Flask(__name__)

@app.route("/logout")
def logout():
    session.clear()
    return redirect("/")
""",
        """
import time
import jwt

def issue(user, key):
    claims = {"sub": user.id, "role": user.role, "exp": int(time.time()) + 900}
    return jwt.encode(claims, key, algorithm="HS256")
""",
        """
import jwt

def read(token, key):
    return jwt.decode(token, key, algorithms=["HS256"], options={"require": ["exp"]})
""",
        """
from datetime import timedelta
from flask import Flask

app = Flask(__name__)
app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(hours=8)
""",
        """
import time
import jwt

def issue(user, key):
    claims = {"sub": user.id}
    claims["exp"] = int(time.time()) + 900
    return jwt.encode(claims, key, algorithm="HS256")
""",
    ),
)
