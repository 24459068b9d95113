"""Tokens, API keys and signing secrets written into the program."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.key_material import is_literal
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.secret_shapes import is_known_token, is_placeholder, is_random

_NAME = re.compile(
    r"(?i)^(.*_)?(secret|secret_?key|api_?key|apikey|api_?secret|access_?key|access_?token|auth_?token|"
    r"bearer_?token|client_?secret|refresh_?token|token|private_?token|bot_?token|webhook_?secret|"
    r"shared_?secret|jwt_?(secret|key)|session_?secret|signing_?secret|hmac_?secret|app_?secret|"
    r"secret_?access_?key|service_?key|license_?key)(_?\d)?$"
)
_SIGNING = re.compile(
    r"(?i)^(.*_)?(secret_?key|jwt_?secret(_key)?|session_?secret|"
    r"signing_?secret|hmac_secret|"
    r"app_?secret|client_?secret|webhook_?secret)$"
)
_VARIABLE = re.compile(
    r"(?i)secret|passw(or)?d|api_?key|token|(^|_)key$|jwt|private_key|credential"
)
_ABOUT = re.compile(
    r"(?i)url|name|path|file|id$|ttl|expir|lifetime|header|type|prefix|algo|"
    r"length|public|"
    r"enabled|limit|count|endpoint|version|region|location|issuer"
)
_SIGNERS: tuple[tuple[str, int, str], ...] = (
    ("jwt.encode", 1, "key"),
    ("jwt.decode", 1, "key"),
    ("jose.jwt.encode", 1, "key"),
    ("jose.jwt.decode", 1, "key"),
    ("*.URLSafeTimedSerializer", 0, "secret_key"),
    ("*.URLSafeSerializer", 0, "secret_key"),
    ("itsdangerous.Signer", 0, "secret_key"),
    ("itsdangerous.TimestampSigner", 0, "secret_key"),
    ("*.TimedJSONWebSignatureSerializer", 0, "secret_key"),
    ("*SessionMiddleware", 1, "secret_key"),
    ("*.EncryptedCookieStorage", 0, "secret_key"),
    ("*.SignedCookieSessionFactory", 0, "secret"),
)


def _named(code: Code) -> Iterator[Match]:
    for store in code.stores:
        name = store.key if isinstance(store.key, str) else (store.path or "").rpartition(".")[2]
        fixed = isinstance(store.source, ast.Constant) or _is_encoded(store.source)
        if fixed and _is_secret(name, store.value.const):
            yield Match(store.node, f"'{name}' is a literal")
    for name, node in _keyed(code):
        if isinstance(node, ast.Constant) and _is_secret(name, node.value):
            yield Match(node, f"'{name}' is a literal")


def _keyed(code: Code) -> Iterator[tuple[str, ast.expr]]:
    """Entries of dict displays and keyword arguments."""
    for display in code.displays:
        for key, one in zip(display.node.keys, display.node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, one
    for call in code.calls:
        for given in call.node.keywords:
            if given.arg:
                yield given.arg, given.value


def _signers(code: Code) -> Iterator[Match]:
    for name, position, keyword in _SIGNERS:
        for call in code.calls_to((name,)):
            value = call.argument(position, keyword)
            if value is not None and is_literal(value) and not _is_pem_public(value.const):
                yield Match(call.node, "the signing secret is a literal")
    for call in code.calls_to(("*.add_middleware",)):
        value = call.keywords.get("secret_key")
        if value is not None and is_literal(value):
            yield Match(call.node, "the signing secret is a literal")
    for call in code.calls_to(("*.set_cookie",)):
        value = call.keywords.get("secret")
        if value is not None and is_literal(value):
            yield Match(call.node, "the signing secret is a literal")


def _defaults(code: Code) -> Iterator[Match]:
    """`os.environ.get("SECRET_KEY", "dev")`: forgetting the variable means a known secret."""
    for call in code.calls_to(("os.environ.get", "os.getenv", "os.environ.setdefault")):
        name, default = call.argument(0, "key"), call.argument(1, "default")
        if name is not None and default is not None and _is_fallback(name.text, default.const):
            yield Match(call.node, f"without '{name.text}' a known secret is used")
    for node in code.nodes_of(ast.BoolOp):
        if isinstance(node.op, ast.Or):
            first, last = node.values[0], node.values[-1]
            read = code.call_at(first)
            if read is None or not isinstance(last, ast.Constant):
                continue
            if read.fits("os.environ.get") or read.fits("os.getenv"):
                name = read.argument(0, "key")
                if name is not None and _is_fallback(name.text, last.value):
                    yield Match(node, f"without '{name.text}' a known secret is used")


def _tokens(code: Code) -> Iterator[Match]:
    for node in code.nodes:
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and is_known_token(text):
            yield Match(node, "a literal has the form of a service's token")


def _headers(code: Code) -> Iterator[Match]:
    """`headers={"Authorization": "Bearer ..."}`."""
    for name, node in _keyed(code):
        if name.lower() in ("authorization", "x-api-key") and isinstance(node, ast.Constant):
            given = str(node.value).removeprefix("Bearer ").removeprefix("Token ")
            spoken = re.search(r"(?i)your|token|key|test|example|dummy|fake|xxx|[<{\s]", given)
            if len(given) >= 16 and re.search(r"\d", given) and not spoken:
                yield Match(node, f"the credential of '{name}' is a literal")


def _is_fallback(name: str | None, default: object) -> bool:
    if not name or not _VARIABLE.search(name) or _ABOUT.search(name):
        return False
    return (
        isinstance(default, str)
        and len(default) >= 4
        and " " not in default
        and (not is_placeholder(default) or "change" in default.lower())
        and not default.startswith(("/", "http"))
    )


def _is_secret(name: str, text: object) -> bool:
    if not _NAME.search(name) or _ABOUT.search(name) or not isinstance(text, str | bytes):
        return False
    shown = text.decode("latin-1") if isinstance(text, bytes) else text
    if (
        _SIGNING.search(name)
        and len(shown) >= 4
        and (shown.isupper() is False)
        and " " not in shown
    ):
        return not re.search(r"[<>{}]|^\$|^[a-z]+(_[a-z]+)*$|your[-_]", shown) or shown in _BAD
    return is_known_token(shown) or (is_random(shown) and not is_placeholder(shown))


_BAD = frozenset(
    (
        "secret",
        "dev",
        "supersecret",
        "changeme",
        "secret_key",
        "super_secret",
        "mysecret",
        "super_secret_key",
        "mysecretkey",
        "my_secret_key",
        "secretkey",
    )
)


def _is_encoded(node: ast.expr | None) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "encode"
        and isinstance(node.func.value, ast.Constant)
    )


def _is_pem_public(text: object) -> bool:
    return isinstance(text, str | bytes) and "PUBLIC" in str(text)


RULE = FlowRule(
    id="hard-coded-secret",
    title="Secret in the program",
    cwes=(798, 547, 540),
    severity="medium",
    severity_reason="Everybody who has the program has the secret and can act or sign in its name.",
    fix="Read it from the environment (without a default) or a secret store.",
    reference="https://cwe.mitre.org/data/definitions/798.html",
    detectors=(_named, _signers, _defaults, _tokens, _headers),
    insecure=(
        """
import requests

def stock(item):
    headers = {"Authorization": "Bearer 7d1f0c52b86a94e3"}
    return requests.get(f"https://stock.example.org/{item}", headers=headers, timeout=5).json()
""",
        """
from flask import Flask

app = Flask(__name__)
app.secret_key = "dev-secret-1"
""",
        """
from flask import Flask

app = Flask(__name__)
app.config["SECRET_KEY"] = "supersecret"
""",
        """
import jwt

def token(user):
    return jwt.encode({"sub": user, "exp": 1_900_000_000}, "secret", algorithm="HS256")
""",
        """
import os
import jwt

SECRET = os.environ.get("JWT_SECRET", "fallback-secret")

def read(token):
    return jwt.decode(token, SECRET, algorithms=["HS256"])
""",
        """
import requests

API_KEY = "q8Zt4mX2vL9sK1wP7bN3"

def weather(city):
    return requests.get(
        "https://weather.example.com", params={"q": city}, headers={"X-Key": API_KEY}, timeout=5
    )
""",
        """
import os
from itsdangerous import URLSafeTimedSerializer

SECRET_KEY = os.getenv("SECRET_KEY") or "not-very-secret"
signer = URLSafeTimedSerializer(SECRET_KEY)
""",
    ),
    secure=(
        """
import os
import requests

def stock(item):
    headers = {"Authorization": "Bearer " + os.environ["STOCK_KEY"]}
    return requests.get(f"https://stock.example.org/{item}", headers=headers, timeout=5).json()
""",
        """
import os
from flask import Flask

app = Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]
""",
        """
import secrets
from flask import Flask

app = Flask(__name__)
app.config["SECRET_KEY"] = secrets.token_hex(32)
""",
        """
import os
import jwt

def token(user):
    return jwt.encode(
        {"sub": user, "exp": 1_900_000_000}, os.environ["JWT_SECRET"], algorithm="HS256"
    )
""",
        """
import os
import requests

API_KEY = os.environ.get("WEATHER_API_KEY", "")
TOKEN_URL = "https://weather.example.com/oauth2/token"
token_type = "bearer"

def weather(city):
    return requests.get(TOKEN_URL, params={"q": city}, headers={"X-Key": API_KEY}, timeout=5)
""",
        """
API_KEY = "<your api key here>"
SECRET_KEY_FILE = "/run/secrets/app_key"
token = "expression_statement"

def load():
    with open(SECRET_KEY_FILE) as file:
        return file.read()
""",
    ),
)
