"""JSON Web Tokens believed without checking their signature, or made without one."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.form import called_name
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk
from purpcode.analyzers.flow.values import Value

_DECODES = (
    "jwt.decode",
    "jwt.PyJWT().decode",
    "jose.jwt.decode",
    "jwt.decode_complete",
    "?jwt.decode",
)
_UNCHECKED = (
    "jose.jwt.get_unverified_claims",
    "jwt.get_unverified_claims",
    "flask_jwt_extended.get_unverified_jwt",
)


def _decoded(code: Code) -> Iterator[Match]:
    decoded = list(code.calls_to(_DECODES))
    verified = any(not _unverified(call) for call in decoded)
    for call in decoded:
        if _unverified(call):
            # Reading the header or issuer first and verifying afterwards is how keys are chosen.
            yield Match(call.node, "the signature is not checked", "low" if verified else None)
        algorithms = call.argument(2, "algorithms")
        if algorithms is not None and _allows_none(algorithms):
            yield Match(call.node, "tokens without a signature pass")
    if not verified:
        for call in code.calls_to(_UNCHECKED):
            yield Match(call.node, "the claims are read without checking the signature")


def _by_hand(code: Code) -> Iterator[Match]:
    """`json.loads(b64decode(token.split(".")[1]))` and nothing that looks at the signature."""
    if "b64decode" not in code.text:
        return
    if re.search(r"(?i)hmac|verify|compare_digest|jwt\.decode\(|unverified|PyJWK", code.text):
        return
    for function in code.nodes_of(ast.FunctionDef, ast.AsyncFunctionDef):
        text = ast.unparse(function)
        if (
            re.search(r"\.split\(['\"]\.['\"]", text)
            and "b64decode(" in text
            and "json.loads(" in text
            and re.search(r"(?i)token|jwt|bearer|payload", text)
        ):
            place = next(n for n in walk(function) if "b64decode" in called_name(n))
            yield Match(place, "the token's claims are read without its signature")


def _own_algorithm(code: Code) -> Iterator[Match]:
    """`algorithms=[header["alg"]]`: who wrote the token chooses how it is checked."""
    if "get_unverified_header" not in code.text:
        return
    headed = {
        store.path
        for store in code.stores
        if store.source is not None and "get_unverified_header" in ast.unparse(store.source)
    }
    for call in code.calls_to(_DECODES):
        node = call.node_of(2, "algorithms")
        if node is not None:
            text = ast.unparse(node)
            used = {one.id for one in walk(node) if isinstance(one, ast.Name)}
            if "alg" in text and (used & headed or "get_unverified_header" in text):
                yield Match(call.node, "the token itself names the algorithm", None, (347, 327))


def _unverified(call: Call) -> bool:
    flag = call.argument(None, "verify")
    if flag is not None and flag.const is False:
        return True
    options = call.argument(None, "options")
    fields = options.fields if options is not None else None
    checked = (fields or {}).get("verify_signature")
    return checked is not None and checked.const is False


def _allows_none(algorithms: Value) -> bool:
    given = [algorithms, *(algorithms.items or ())]
    return any((one.text or "").lower() == "none" for one in given)


def _encoded(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("jwt.encode", "jose.jwt.encode", "?jwt.encode")):
        algorithm = call.argument(2, "algorithm")
        if algorithm is not None and (
            (algorithm.text or "").lower() == "none" or algorithm.const is None
        ):
            yield Match(call.node, "the token carries no signature")


RULE = FlowRule(
    id="jwt-unverified",
    title="Token without a checked signature",
    cwes=(347, 345),
    severity="medium",
    severity_reason="Anybody can write such a token and be whoever they like.",
    fix='Decode with the key and a fixed list: `jwt.decode(token, key, algorithms=["HS256"])`.',
    reference="https://cwe.mitre.org/data/definitions/347.html",
    detectors=(_decoded, _encoded, _by_hand, _own_algorithm),
    confidence="high",
    insecure=(
        """
import os
import jwt

def holder(token):
    alg = jwt.get_unverified_header(token)["alg"]
    return jwt.decode(token, os.environ["KEY"], algorithms=[alg])
""",
        """
import base64
import json

def holder(token):
    _, payload, _ = token.split(".")
    return json.loads(base64.urlsafe_b64decode(payload + "=="))["sub"]
""",
        """
import jwt

def user(token):
    return jwt.decode(token, options={"verify_signature": False})["sub"]
""",
        """
import jwt

def user(token, key):
    return jwt.decode(token, key, verify=False)["sub"]
""",
        """
import jwt

ALGORITHMS = ["HS256", "none"]

def user(token, key):
    return jwt.decode(token, key, algorithms=ALGORITHMS)["sub"]
""",
        """
import jwt

def issue(name, expires):
    return jwt.encode({"sub": name, "exp": expires}, "", algorithm="none")
""",
        """
from jose import jwt

def user(token):
    return jwt.get_unverified_claims(token)["sub"]
""",
    ),
    secure=(
        """
import base64
import hashlib
import hmac
import json
import os

def holder(token):
    head, payload, given = token.split(".")
    mac = hmac.new(os.environb[b"KEY"], f"{head}.{payload}".encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(mac, base64.urlsafe_b64decode(given + "==")):
        raise PermissionError("signature")
    return json.loads(base64.urlsafe_b64decode(payload + "=="))["sub"]
""",
        """
import jwt

def user(token, key):
    return jwt.decode(token, key, algorithms=["HS256"])["sub"]
""",
        """
import jwt

def user(token, keys):
    issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
    return jwt.decode(token, keys[issuer], algorithms=["RS256"])["sub"]
""",
        """
import jwt

def issue(name, key, expires):
    return jwt.encode({"sub": name, "exp": expires}, key, algorithm="HS256")
""",
        """
from jose import jwt

def user(token, key):
    return jwt.decode(token, key, algorithms=["HS256"], options={"verify_aud": False})["sub"]
""",
    ),
)
