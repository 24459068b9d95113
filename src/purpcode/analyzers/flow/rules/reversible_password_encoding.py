"""Passwords merely encoded, as if that hid them."""

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


RULE = FlowRule(
    id="reversible-password-encoding",
    title="Password only encoded",
    cwes=(261, 256),
    severity="medium",
    severity_reason="An encoding is undone by anybody; it hides nothing.",
    fix="Keep a password hash (argon2, bcrypt, scrypt); where the password itself is needed, "
    "encrypt it.",
    reference="https://cwe.mitre.org/data/definitions/261.html",
    detectors=(_encoded,),
    insecure=(
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
