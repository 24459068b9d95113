"""Outside data in HTML that nobody escaped."""

from collections.abc import Iterator
from dataclasses import replace

from purpcode.analyzers.flow.code import Call, Code, Scope
from purpcode.analyzers.flow.detectors import Flow, Sink, argument_is
from purpcode.analyzers.flow.markup import HTML_ESCAPES, looks_like_html
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.values import SourceKind, Value

_RESPONSES = (
    "flask.make_response",
    "flask.Response",
    "fastapi.responses.HTMLResponse",
    "werkzeug.Response",
    "werkzeug.wrappers.Response",
    "pyramid.response.Response",
    "webob.Response",
    *(
        f"django.http.HttpResponse{kind}"
        for kind in ("", "BadRequest", "NotFound", "Forbidden", "ServerError", "Gone")
    ),
)
_SINKS = (
    Sink(_RESPONSES, (0, "response", "content"), when=lambda call: _sends_html(call, "text/html")),
    Sink(("fastapi.Response",), (0, "content"), when=lambda call: _sends_html(call, "")),
    Sink(("aiohttp.web.Response",), ("text", "body"), when=lambda call: _sends_html(call, "")),
    Sink(
        (
            "markupsafe.Markup",
            "django.utils.safestring.mark_safe",
            "*.mark_safe",
            "django.utils.safestring.SafeString",
        ),
        (0,),
    ),
    Sink(("sanic.response.html", "sanic.html"), (0, "body")),
    Sink(
        ("streamlit.markdown", "streamlit.write"),
        (0, "body"),
        when=argument_is(1, "unsafe_allow_html", True),
    ),
    Sink(("*.send_html", "http.server.BaseHTTPRequestHandler().wfile.write"), (0,)),
    Sink(
        ("tornado.web.RequestHandler().write", "*.response.out.write", "*.response.write"),
        (0,),
        holds=lambda value: value.built,
    ),
)
_LEVELS: dict[SourceKind, Level | None] = {
    "cli": "low",
    "environment": "low",
    "file": "low",
    "network": "low",
    "stored": "low",
    "parameter": "medium",
}
_FLOW = Flow(
    sinks=_SINKS,
    what="is part of a page without being escaped",
    harmless=HTML_ESCAPES,
    severities=_LEVELS,
    parameter_when=looks_like_html,
)
_PAGES = replace(_FLOW, sinks=(), severities={**_LEVELS, "stored": "medium"})
"""Of what a handler answers with: stored data in its HTML came from visitors, too."""


def _sends_html(call: Call, default: str) -> bool:
    kind: Value | None = None
    for name in ("mimetype", "content_type", "media_type"):
        value = call.keywords.get(name)
        kind = value if value is not None else kind
    text = default if kind is None else kind.text
    return text is None or "html" in text or "svg" in text


def _returned_html(code: Code) -> Iterator[Match]:
    """A function that builds HTML around its parameters without escaping them."""
    for one in code.returns:
        value = one.value
        if value.items and len(value.items) == 1:  # a WSGI answer
            value = value.items[0]
        if value.fields is not None and "body" in value.fields:  # an answer of AWS Lambda
            value = value.fields["body"]
        if looks_like_html(value) and not one.scope.name.startswith("__"):
            yield from (_PAGES if _shows_rows(one.scope, value) else _FLOW).judge(one.node, value)


def _shows_rows(scope: Scope, value: Value) -> bool:
    """Whether a handler shows rows of a table; a single row may be no more than a count."""
    return scope.handler and any(one.origin.endswith("fetchall") for one in value.taints)


def _answers(scope: Scope) -> bool:
    return scope.handler or any(one.endswith(".errorhandler") for one in scope.decorators)


def _returned_by_handlers(code: Code) -> Iterator[Match]:
    """A text that a Flask-like request handler returns is sent as HTML."""
    if not code.uses_module("flask", "quart", "bottle", "sanic"):
        return
    for one in code.returns:
        if not _answers(one.scope):
            continue
        value = one.value
        body = value.items[0] if value.items else value
        if body.fields is not None or (value.items is not None and not body.taints):
            continue
        texts = [t for t in body.taints if t.kind == "request"]
        if texts and (body.built or "<" in body.starts_with() or _is_text(body)):
            yield from _FLOW.judge(one.node, Value(frozenset(texts), body.names, built=body.built))


def _is_text(value: Value) -> bool:
    """Whether a value is request text itself or made HTML, not an object made with it."""
    return not value.names or any(
        name.startswith("web.request.") or name in ("markdown.markdown()", "mistune.html()")
        for name in value.names
    )


RULE = FlowRule(
    id="cross-site-scripting",
    title="Outside data in HTML",
    cwes=(79, 80, 116),
    severity="high",
    severity_reason="A script in the page acts with the rights of whoever looks at it.",
    fix="Render with an auto-escaping template (render_template), or escape the value"
    " (markupsafe.escape, html.escape) before it becomes HTML.",
    reference="https://cwe.mitre.org/data/definitions/79.html",
    detectors=(
        _FLOW,
        _returned_by_handlers,
        _returned_html,
    ),
    insecure=(
        """
import tornado.web

class Greeting(tornado.web.RequestHandler):
    def get(self):
        self.write("<p>Hello " + self.get_argument("name", "") + "</p>")
""",
        """
import sqlite3
from flask import Flask

app = Flask(__name__)

@app.get("/notes")
def notes():
    page = "<ul>"
    for author, text in sqlite3.connect("notes.db").execute("SELECT * FROM notes").fetchall():
        page += f"<li><b>{author}</b>: {text}</li>"
    return page + "</ul>"
""",
        """
from urllib.parse import parse_qs

def application(environ, start_response):
    name = parse_qs(environ["QUERY_STRING"]).get("name", [""])[0]
    start_response("200 OK", [("Content-Type", "text/html")])
    return [("<h1>Hello %s</h1>" % name).encode("utf-8")]
""",
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
import tornado.escape
import tornado.web

class Greeting(tornado.web.RequestHandler):
    def get(self):
        name = tornado.escape.xhtml_escape(self.get_argument("name", ""))
        self.write("<p>Hello " + name + "</p>")
""",
        """
import sqlite3
from flask import Flask, request

app = Flask(__name__)

@app.get("/notes/<int:year>")
def notes(year):
    page = request.args.get("page", default=1, type=int)
    query = "SELECT COUNT(*) FROM notes WHERE year = ?"
    count = sqlite3.connect("notes.db").execute(query, (year,)).fetchone()[0]
    return f"<p>{count} notes in {year}, page {page}</p>"
""",
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
