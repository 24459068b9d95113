"""JSON Web Tokens that never end."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Match


def _endless(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("jwt.encode", "jose.jwt.encode", "?jwt.encode")):
        payload = call.argument(0, "payload")
        if payload is None or payload.fields is None or "exp" in payload.fields:
            continue
        if not _adds_expiry(code, call):
            yield Match(call.node, "the token has no `exp`")


def _adds_expiry(code: Code, call: Call) -> bool:
    scope = call.scope.node
    body = ast.unparse(scope) if not isinstance(scope, ast.Module) else code.text
    return bool(re.search(r"['\"]exp['\"]|\bexp=|\*\*", body))


def _ignored(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("jwt.decode", "jose.jwt.decode", "?jwt.decode")):
        options = call.argument(None, "options")
        checked = ((options.fields if options is not None else None) or {}).get("verify_exp")
        if checked is not None and checked.const is False:
            yield Match(call.node, "the end of the token is ignored")


RULE = FlowRule(
    id="jwt-without-expiry",
    title="Token that never ends",
    cwes=(613,),
    severity="low",
    severity_reason="A stolen token works for ever; some services end them by other means.",
    fix="Give every token an `exp` a short time away and let `jwt.decode` check it.",
    reference="https://cwe.mitre.org/data/definitions/613.html",
    detectors=(_endless, _ignored),
    insecure=(
        """
import jwt

def issue(name, key):
    return jwt.encode({"sub": name}, key, algorithm="HS256")
""",
        """
from jose import jwt

def issue(name, key):
    claims = {"sub": name, "scope": "read"}
    return jwt.encode(claims, key, algorithm="HS256")
""",
        """
import jwt

def user(token, key):
    return jwt.decode(token, key, algorithms=["HS256"], options={"verify_exp": False})["sub"]
""",
    ),
    secure=(
        """
import jwt
from datetime import datetime, timedelta, timezone

def issue(name, key):
    ends = datetime.now(timezone.utc) + timedelta(minutes=15)
    return jwt.encode({"sub": name, "exp": ends}, key, algorithm="HS256")
""",
        """
import time
from jose import jwt

def issue(name, key):
    claims = {"sub": name}
    claims["exp"] = int(time.time()) + 900
    return jwt.encode(claims, key, algorithm="HS256")
""",
        """
import jwt

def issue(claims, key):
    return jwt.encode(claims, key, algorithm="HS256")
""",
    ),
)
