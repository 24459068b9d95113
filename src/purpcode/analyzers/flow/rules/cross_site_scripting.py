"""Outside data in HTML that nobody escaped."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_ESCAPES = (
    *("html.escape", "markupsafe.escape", "cgi.escape", "bleach.clean", "*escape*", "nh3.clean"),
    *("django.utils.html.*", "json.dumps", "flask.jsonify", "urllib.parse.quote*", "*render*"),
    *("urllib.parse.urlencode", "flask.render_template", "*.to_json", "base64.*", "flask.url_for"),
    *("*.hexdigest", "django.utils.http.urlencode", "repr", "xml.sax.saxutils.*", "*.dict"),
)
_FLOW = Flow(
    sinks=(
        Sink(
            (
                "flask.make_response",
                "flask.Response",
                "django.http.HttpResponse",
                "fastapi.responses.HTMLResponse",
                "werkzeug.Response",
                "werkzeug.wrappers.Response",
            ),
            (0, "response", "content"),
            when=lambda call: _sends_html(call),
        ),
        Sink(("aiohttp.web.Response",), ("text", "body"), when=lambda call: _sends_html(call)),
        Sink(
            (
                "markupsafe.Markup",
                "django.utils.safestring.mark_safe",
                "*.mark_safe",
                "django.utils.safestring.SafeString",
            ),
            (0,),
        ),
        Sink(("*.send_html", "http.server.BaseHTTPRequestHandler().wfile.write"), (0,)),
    ),
    what="is part of a page without being escaped",
    harmless=_ESCAPES,
    severities={
        "cli": "low",
        "environment": "low",
        "file": "low",
        "network": "low",
        "stored": "low",
        "parameter": "medium",
    },
    parameter_when=lambda value: _looks_like_html(value),
)


def _sends_html(call: object) -> bool:
    kind = None
    for name in ("mimetype", "content_type", "media_type"):
        value = call.keywords.get(name)  # type: ignore[attr-defined]
        kind = value if value is not None else kind
    return kind is None or kind.text is None or "html" in kind.text or "svg" in kind.text


_TAG = re.compile(
    r"(?i)<(?:a|b|p|i|div|span|h[1-6]|t[dhr]|li|[uo]l|img|script|html|body|input|form|title|br|hr"
    r"|option|button|iframe|style|link|strong|em|pre|code|label|table)\b"
)


def _looks_like_html(value: Value) -> bool:
    return value.built and _TAG.search(value.prefix or "") is not None


def _returned_html(code: Code) -> Iterator[Match]:
    """A function that builds HTML around its parameters without escaping them."""
    for one in code.returns:
        if _looks_like_html(one.value) and not one.scope.name.startswith("__"):
            yield from _FLOW.judge(one.node, one.value)


def _returned_by_handlers(code: Code) -> Iterator[Match]:
    """A text that a Flask-like request handler returns is sent as HTML."""
    if not code.uses_module("flask", "quart", "bottle", "sanic"):
        return
    for one in code.returns:
        if not one.scope.handler:
            continue
        value = one.value
        body = value.items[0] if value.items else value
        if body.fields is not None or (value.items is not None and not body.taints):
            continue
        texts = [t for t in body.taints if t.kind == "request"]
        if texts and (body.built or "<" in body.starts_with() or _is_text(body)):
            yield from _FLOW.judge(one.node, Value(frozenset(texts), body.names, built=body.built))


def _is_text(value: Value) -> bool:
    """Whether a value is request text itself, not an object made with it."""
    return any(name.startswith("web.request.") for name in value.names) or not value.names


RULE = FlowRule(
    id="cross-site-scripting",
    title="Outside data in HTML",
    cwes=(79, 80, 116),
    severity="high",
    severity_reason="A script in the page acts with the rights of whoever looks at it.",
    fix="Render with an auto-escaping template (render_template), or escape the value"
    " (markupsafe.escape, html.escape) before it becomes HTML.",
    reference="https://cwe.mitre.org/data/definitions/79.html",
    detectors=(_FLOW, _returned_by_handlers, _returned_html),
    insecure=(
        """
from flask import Flask, request

app = Flask(__name__)

@app.route("/hello")
def hello():
    name = request.args.get("name", "")
    return "<h1>Hello " + name + "</h1>"
""",
        """
from django.http import HttpResponse

def search(request):
    query = request.GET.get("q")
    return HttpResponse(f"<p>Results for {query}</p>")
""",
        """
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

app = FastAPI()

@app.get("/greet/{name}")
def greet(name: str):
    return HTMLResponse("<b>" + name + "</b>")
""",
        """
from markupsafe import Markup

def badge(label):
    return Markup("<span>%s</span>" % label)
""",
    ),
    secure=(
        """
from flask import Flask, request
from markupsafe import escape

app = Flask(__name__)

@app.route("/hello")
def hello():
    return f"<h1>Hello {escape(request.args.get('name', ''))}</h1>"
""",
        """
from django.shortcuts import render

def search(request):
    return render(request, "search.html", {"query": request.GET.get("q")})
""",
        """
from flask import Flask, jsonify, request

app = Flask(__name__)

@app.route("/echo")
def echo():
    return jsonify({"echo": request.args.get("text")})
""",
        """
from markupsafe import Markup, escape

def badge(label):
    return Markup("<span>%s</span>") % escape(label)
""",
    ),
)
