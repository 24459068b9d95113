"""Pages that any site may put into a frame."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_OPEN = re.compile(r"(?i)^\s*(allow-?all|allow-from\s+\*|\*)\s*$")
_FRAMED = "any site may show the page in a frame"


def _is_open(header: str, value: Value) -> bool:
    begin = value.starts_with()
    if header == "x-frame-options":
        return _OPEN.match(begin) is not None
    if header == "content-security-policy":
        return (
            re.search(r"(?i)frame-ancestors\s+([^;]*\s)?\*\s*(;|$)", value.text or "") is not None
        )
    return False


def _headers(code: Code) -> Iterator[Match]:
    for store in code.stores:
        if isinstance(store.key, str) and _is_open(store.key.lower(), store.value):
            yield Match(store.node, _FRAMED)
    for call in code.calls_to(("*.send_header", "*.set_header", "*.headers.set", "*.headers.add")):
        name, value = call.argument(0), call.argument(1)
        if name is not None and value is not None and _is_open((name.text or "").lower(), value):
            yield Match(call.node, _FRAMED)


def _settings(code: Code) -> Iterator[Match]:
    for store in code.stores_to(("X_FRAME_OPTIONS",)):
        if _is_open("x-frame-options", store.value):
            yield Match(store.node, _FRAMED)
    for store in code.stores_to(("MIDDLEWARE", "MIDDLEWARE_CLASSES")):
        texts = [one.text or "" for one in store.value.items or ()]
        if "django.contrib.sessions.middleware.SessionMiddleware" in texts and not any(
            "XFrameOptions" in text or not text for text in texts
        ):
            yield Match(store.node, "XFrameOptionsMiddleware is missing from the middleware", "low")


def _exempt(code: Code) -> Iterator[Match]:
    for scope in code.scopes:
        if any(name.endswith("xframe_options_exempt") for name in scope.decorators):
            acts = any("login" in name or "permission" in name for name in scope.decorators)
            yield Match(scope.node, _FRAMED, "medium" if acts else "low")
    for call in code.calls_to(("flask_talisman.Talisman",)):
        value = call.keywords.get("frame_options")
        if value is not None and value.known and value.const is None:
            yield Match(call.node, _FRAMED)


RULE = FlowRule(
    id="clickjacking-unprotected",
    title="Page open to framing",
    cwes=(1021,),
    severity="medium",
    severity_reason="A foreign page lays itself over the frame and steers the visitor's clicks.",
    fix="Send X-Frame-Options: DENY (or SAMEORIGIN) or frame-ancestors with the sites that may.",
    reference="https://cwe.mitre.org/data/definitions/1021.html",
    detectors=(_headers, _settings, _exempt),
    insecure=(
        """
from flask import Flask

app = Flask(__name__)

@app.after_request
def mark(response):
    response.headers["X-Frame-Options"] = "ALLOWALL"
    return response
""",
        """
X_FRAME_OPTIONS = "ALLOWALL"
SECURE_CONTENT_TYPE_NOSNIFF = True
""",
        """
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.views.decorators.clickjacking import xframe_options_exempt

@login_required
@xframe_options_exempt
def close_account(request):
    return HttpResponse("<form method=post><button>Close</button></form>")
""",
        """
from fastapi import FastAPI, Response

app = FastAPI()

@app.get("/panel")
def panel(response: Response):
    response.headers["Content-Security-Policy"] = "default-src 'self'; frame-ancestors *"
    return {"ok": True}
""",
    ),
    secure=(
        """
from flask import Flask

app = Flask(__name__)

@app.after_request
def mark(response):
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response
""",
        """
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
""",
        """
from fastapi import FastAPI, Response

app = FastAPI()

@app.get("/panel")
def panel(response: Response):
    policy = "img-src *; frame-ancestors 'self' https://*.example.com"
    response.headers["Content-Security-Policy"] = policy
    return {"ok": True}
""",
    ),
)
