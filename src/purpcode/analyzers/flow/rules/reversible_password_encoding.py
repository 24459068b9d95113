"""Passwords merely encoded, as if that hid them."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.purpose import function_around, purposes
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.sensitive_names import shown_secrets

_ENCODES = (
    "base64.b64encode",
    "base64.urlsafe_b64encode",
    "base64.standard_b64encode",
    "base64.b32encode",
    "base64.b85encode",
    "base64.encodebytes",
    "binascii.hexlify",
    "binascii.b2a_base64",
    "codecs.encode",
    "zlib.compress",
)
_PASSWORD = re.compile(r"(?i)passw(or)?d|passphrase|(^|_)pwd($|_)")
_HEADER = re.compile(
    r"(?i)basic|authori[sz]ation|(^|_)auth($|_)|headers?$|cred|smtp|login|"
    r"userpass|request|sasl|"
    r"payload|secretstr|k8s|data$|ntlm|soap|proxy"
)


def _encoded(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_ENCODES):
        if not call.node.args:
            continue
        shown = [name for name in shown_secrets(call.node.args[0]) if _PASSWORD.search(name)]
        function = function_around(code, call.node)
        names = purposes(code, call.node) | ({function.name} if function else set())
        if shown and not any(_HEADER.search(name) for name in names) and "Basic " not in code.text:
            yield Match(call.node, f"'{shown[0]}' is only encoded")


def _compared(code: Code) -> Iterator[Match]:
    """`decrypt(kept) == password`: a login needs a hash, not the password."""
    for one in code.comparisons if "decrypt(" in code.text else ():
        sides = (one.node.left, one.node.comparators[0])
        for side, other in (sides, sides[::-1]):
            if (
                "decrypt(" in ast.unparse(side)
                and _PASSWORD.search(ast.unparse(other))
                and isinstance(one.operator, ast.Eq | ast.NotEq)
            ):
                yield Match(one.node, "passwords are kept so that they can be decrypted",
                            cwes=(257, 261))  # fmt: skip


def _in_tokens(code: Code) -> Iterator[Match]:
    """A password in a JSON web token, which is signed and not hidden."""
    for call in code.calls_to(("jwt.encode", "jose.jwt.encode")):
        payload = call.argument(0, "payload") or call.argument(0, "claims")
        for key in (payload.fields or {}) if payload is not None else ():
            if re.fullmatch(r"(?i)passw(or)?d|pwd|user_?password", str(key)):
                yield Match(call.node, "whoever has the token reads the password",
                            cwes=(522, 312))  # fmt: skip


def _encrypted(code: Code) -> Iterator[Match]:
    """A user's password that goes encrypted, not hashed, into the table of users."""
    for call in code.calls_to(("*.execute",)):
        statement = call.argument(0)
        text = statement.starts_with() if statement is not None else ""
        table = re.search(
            r"(?is)^\s*(insert\s+into|update)\s+(users?|accounts?|members?|logins?)\b", text
        )
        if table is None or not _PASSWORD.search(text):
            continue
        function = function_around(code, call.node)
        body = ast.unparse(function) if function is not None else ""
        if re.search(r"encrypt(_and_digest)?\([^)]*passw", body) and "hash" not in body.lower():
            yield Match(call.node, "passwords are kept so that they can be decrypted", cwes=(257,))


RULE = FlowRule(
    id="reversible-password-encoding",
    title="Password only encoded",
    cwes=(261, 256, 257),
    severity="medium",
    severity_reason="An encoding is undone by anybody; it hides nothing.",
    fix="Keep a password hash (argon2, bcrypt, scrypt); where the password itself is needed, "
    "encrypt it.",
    reference="https://cwe.mitre.org/data/definitions/261.html",
    detectors=(_encoded, _compared, _encrypted, _in_tokens),
    insecure=(
        """
import datetime
import os
import jwt

def token(name, password):
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=15)
    claims = {"sub": name, "password": password, "exp": end}
    return jwt.encode(claims, os.environ["KEY"], algorithm="HS256")
""",
        """
from cryptography.fernet import Fernet

class Members:
    def __init__(self, key):
        self.box = Fernet(key)
        self.kept = {}

    def join(self, name, password):
        self.kept[name] = self.box.encrypt(password.encode())

    def enter(self, name, password):
        return self.box.decrypt(self.kept[name]).decode() == password
""",
        """
import base64

def protect_password(password):
    return base64.b64encode(password.encode()).decode()
""",
        """
import base64
import json

def save(path, user, password):
    hidden = base64.b85encode(password.encode("utf-8"))
    with open(path, "w") as file:
        json.dump({"user": user, "hidden": hidden.decode()}, file)
""",
        """
import codecs

class Account:
    def __init__(self, name, password):
        self.name = name
        self.stored = codecs.encode(password, "rot13")
""",
    ),
    secure=(
        """
import datetime
import os
import jwt

def token(name, role):
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=15)
    claims = {"sub": name, "role": role, "exp": end}
    return jwt.encode(claims, os.environ["KEY"], algorithm="HS256")
""",
        """
from cryptography.fernet import Fernet

class Safe:
    def __init__(self, key):
        self.box = Fernet(key)
        self.kept = {}

    def put(self, site, password):
        self.kept[site] = self.box.encrypt(password.encode())

    def take(self, site):
        return self.box.decrypt(self.kept[site]).decode()
""",
        """
from argon2 import PasswordHasher

def protect_password(password):
    return PasswordHasher().hash(password)
""",
        """
import base64

def headers(user, password):
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}
""",
        """
import base64
import hashlib
import os

def protect_password(password):
    salt = os.urandom(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, n=2**15, r=8, p=1, maxmem=2**26)
    return base64.b64encode(salt + digest).decode()
""",
    ),
)
