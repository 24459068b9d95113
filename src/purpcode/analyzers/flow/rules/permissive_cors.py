"""Cross-origin sharing with everybody."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.detectors import Flow
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.values import Value

_ORIGIN = "access-control-allow-origin"
_CREDENTIALS = "access-control-allow-credentials"
_ANY = re.compile(r"(\^|\.\*|https\?|https?|:|/|\\|\(|\)|\$|\.\+|\*)*")
_SHARED = "any site's scripts may read answers with the visitor's credentials"
_REFLECTED = Flow(
    sinks=(),
    what="decides which origin may read answers",
    severities=dict.fromkeys(
        ("cli", "environment", "file", "stored", "network", "parameter"), None
    ),
    harmless=("+.endswith", "+.startswith", "+*origin*"),
)


def _is_any(value: Value | None) -> bool:
    """Whether a value allows every origin."""
    if value is None:
        return False
    texts = [one.text for one in value.items] if value.items else [value.text]
    return any(text in ("*", "null") for text in texts)


def _is_any_pattern(value: Value | None) -> bool:
    text = value.text if value is not None else None
    return bool(text) and ".*" in str(text) and _ANY.fullmatch(str(text)) is not None


def _is_on(value: Value | None) -> bool:
    return value is not None and (value.const is True or str(value.text).lower() == "true")


def _origins(call: Call) -> Iterator[Value]:
    for name in ("origins", "allow_origins"):
        if name in call.keywords:
            yield call.keywords[name]
    resources = call.keywords.get("resources")
    for options in (resources.fields or {}).values() if resources is not None else ():
        if options.fields and "origins" in options.fields:
            yield options.fields["origins"]


def _middleware(code: Code) -> Iterator[Match]:
    for call in code.calls_to(
        (
            "*.CORS",
            "*.cross_origin",
            "*.add_middleware",
            "*.CORSMiddleware",
            "*.Middleware",
            "?CORS",
        )
    ):
        credentials = call.keywords.get("allow_credentials") or call.keywords.get(
            "supports_credentials"
        )
        if not _is_on(credentials):
            continue
        flask = any(
            name.rpartition(".")[2] in ("CORS", "?CORS", "cross_origin") for name in call.names
        )
        given = list(_origins(call))
        open_pattern = _is_any_pattern(call.keywords.get("allow_origin_regex"))
        everybody = flask and not given and not call.spread and "resources" not in call.keywords
        if any(_is_any(one) for one in given) or open_pattern or everybody:
            yield Match(call.node, _SHARED)


def _settings(code: Code) -> Iterator[Match]:
    """django-cors-headers."""
    on = [one for one in code.stores if one.value.const is True]
    names = {name for one in on for name in one.names}
    for store in on:
        if store.names & {"CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"}:
            credentials = "CORS_ALLOW_CREDENTIALS" in names
            yield Match(store.node, _SHARED, "medium" if credentials else "low")


def _header_writes(code: Code) -> Iterator[tuple[ast.AST, str, Value, str]]:
    """(node, header, value, scope) of every response header that is set."""
    for store in code.stores:
        if isinstance(store.key, str):
            yield store.node, store.key.lower(), store.value, store.scope.path
    for call in code.calls_to(
        (
            "*.headers.add",
            "*.headers.set",
            "*.headers.setdefault",
            "*.send_header",
            "*.set_header",
            "*.setdefault",
        )
    ):
        name, value = call.argument(0), call.argument(1)
        if name is not None and name.text and value is not None:
            yield call.node, name.text.lower(), value, call.scope.path
    for display in code.displays:
        for key, value in (display.value.fields or {}).items():
            yield display.node, key.lower(), value, display.scope.path


def _headers(code: Code) -> Iterator[Match]:
    writes = [one for one in _header_writes(code) if one[1] in (_ORIGIN, _CREDENTIALS)]
    with_credentials = {one[3] for one in writes if one[1] == _CREDENTIALS and _is_on(one[2])}
    for node, header, value, scope in writes:
        if header != _ORIGIN:
            continue
        for match in _REFLECTED.judge(node, value):
            yield match if scope in with_credentials else Match(match.node, match.message, "low")
        if value.text in ("*", "null"):
            level: Level = "medium" if scope in with_credentials else "low"
            yield Match(node, _SHARED, level)


RULE = FlowRule(
    id="permissive-cors",
    title="Answers shared with every origin",
    cwes=(942, 346),
    severity="medium",
    severity_reason="A page of any site can act and read with the visitor's session.",
    fix="List the origins that may read answers, and allow credentials for those only.",
    reference="https://cwe.mitre.org/data/definitions/942.html",
    detectors=(_middleware, _settings, _headers),
    insecure=(
        """
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(
    CORSMiddleware, allow_origins=["*"], allow_credentials=True, allow_methods=["*"]
)
""",
        """
from flask import Flask
from flask_cors import CORS

app = Flask(__name__)
CORS(app, resources={r"/api/*": {"origins": "*"}}, supports_credentials=True)
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.after_request
def share(response):
    response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "")
    response.headers["Access-Control-Allow-Credentials"] = "true"
    return response
""",
        """
MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
CORS_ALLOW_ALL_ORIGINS = True
CORS_ALLOW_CREDENTIALS = True
""",
    ),
    secure=(
        """
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(
    CORSMiddleware, allow_origins=["https://app.example.com"], allow_credentials=True,
    allow_methods=["GET"],
)
""",
        """
from flask import Flask, request

app = Flask(__name__)
ORIGINS = {"https://app.example.com", "https://admin.example.com"}

@app.after_request
def share(response):
    origin = request.headers.get("Origin", "")
    if origin in ORIGINS:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
    return response
""",
        """
from flask import Flask
from flask_cors import CORS

app = Flask(__name__)
CORS(app, origins="*", supports_credentials=False)
""",
        """
CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
CORS_ALLOW_CREDENTIALS = True
""",
    ),
)
