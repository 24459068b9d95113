"""HTML built around outside data and handed on: to mails, contexts, formats, a script's output."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow, Sink, is_built
from purpcode.analyzers.flow.markup import HTML_ESCAPES, looks_like_html
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.values import SourceKind, Value

_LEVELS: dict[SourceKind, Level | None] = {
    **dict.fromkeys(("cli", "environment", "file", "network", "stored")),
    "parameter": "medium",
}
_FORMATS = Flow(
    sinks=(
        Sink(
            ("django.utils.html.format_html", "django.utils.html.format_html_join"),
            (0,),
            holds=is_built,
        ),
    ),
    what="is put into the format itself, which is taken for HTML",
    harmless=tuple(one for one in HTML_ESCAPES if not one.startswith("django.utils.html")),
    severities=_LEVELS,
    parameter_when=is_built,
)
_KEPT = Flow(
    sinks=(),
    what="is part of HTML without being escaped",
    harmless=HTML_ESCAPES,
    severities=_LEVELS,
)


def _printed(code: Code) -> Iterator[Match]:
    """What a CGI script prints is its page."""
    if code.uses_module("cgi"):
        for call in code.calls_to(("print", "sys.stdout.write")):
            for value in call.args[:1]:
                texts = frozenset(t for t in value.taints if t.kind == "request")
                if value.built and not (value.prefix or "").lower().startswith("content-"):
                    yield from _KEPT.judge(call.node, Value(texts, built=True))


_PLACES = re.compile(r"(?i)html|\bresp(onse)?\.(text|body|data)$")


def _kept_html(code: Code) -> Iterator[Match]:
    """HTML built around a request's data and kept as `context["html"]`, `html_message=` ..."""
    for store in code.stores:
        spelled = str(store.key) if isinstance(store.key, str) else (store.path or "")
        kept = isinstance(store.node, ast.Subscript | ast.Attribute)
        if kept and _PLACES.search(spelled) and looks_like_html(store.value):
            yield from _KEPT.judge(store.node, _of_requests(store.value))
    for call in code.calls:
        for name, value in call.keywords.items():
            if "html" in name and looks_like_html(value):
                yield from _KEPT.judge(call.node, _of_requests(value))


def _of_requests(value: Value) -> Value:
    return Value(frozenset(one for one in value.taints if one.kind == "request"), built=True)


RULE = FlowRule(
    id="unescaped-html-text",
    title="HTML built from outside data",
    cwes=(79, 80, 116),
    severity="medium",
    severity_reason="Whoever looks at the page or mail runs the scripts that are in the value.",
    fix="Escape the value (html.escape), or give it to format_html or a template as an argument.",
    reference="https://cwe.mitre.org/data/definitions/79.html",
    detectors=(_FORMATS, _printed, _kept_html),
    insecure=(
        """
from django.utils.html import format_html

def profile_link(user):
    return format_html("<a href='/users/%s'>%s</a>" % (user.id, user.name))
""",
        """
import cgi

form = cgi.FieldStorage()
print("Content-Type: text/html\\n")
print("<h1>Hello %s</h1>" % form.getvalue("name"))
""",
        """
from django.core.mail import send_mail

def confirm(request):
    page = "<p>Thank you, " + request.POST["name"] + "</p>"
    send_mail("Thanks", "", "shop@example.com", [request.user.email], html_message=page)
""",
        """
from django.shortcuts import render

def label(request):
    context = {}
    context["html"] = f'<a href="/tags/{request.GET["tag"]}">tag</a>'
    return render(request, "label.html", context)
""",
    ),
    secure=(
        """
from django.utils.html import format_html

def profile_link(user):
    return format_html("<a href='/users/{}'>{}</a>", user.id, user.name)
""",
        """
import cgi
import html

form = cgi.FieldStorage()
print("Content-Type: text/html\\n")
print("<h1>Hello %s</h1>" % html.escape(form.getvalue("name", "")))
""",
        """
from django.core.mail import send_mail
from django.template.loader import render_to_string

def confirm(request):
    page = render_to_string("thanks.html", {"name": request.POST["name"]})
    send_mail("Thanks", "", "shop@example.com", [request.user.email], html_message=page)
""",
        """
def show(values):
    for value in values:
        print("<td>%s</td>" % value)
""",
    ),
)
