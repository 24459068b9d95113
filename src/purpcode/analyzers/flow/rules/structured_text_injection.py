"""XML and JSON texts put together from outside data instead of by a writer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow, is_built
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.values import SourceKind, Value

_ELEMENT = r"<[a-zA-Z][\w.:-]*(?:\s[^<>]*)?>"
_XML = re.compile(rf"\A\s*(?:<\?xml\b[^>]*\?>\s*)?(?:<!DOCTYPE[^>]*>\s*)?{_ELEMENT}")
"""An element that is open where the outside data comes."""
_DOCUMENT = re.compile(rf"\A\s*(?:<\?xml\b|<\w+:Envelope\b|{_ELEMENT}\s*{_ELEMENT})")
"""More than one tag around a text, as prompts for language models have."""
_HTML = re.compile(
    r"(?i)\A\s*<!?(?:doctype|html|head|body|a|b|p|i|div|span|h[1-6]|t[dhr]|li|[uo]l|img|script|br"
    r"|input|form|title|hr|option|button|iframe|style|link|strong|em|pre|code|label|table|nav"
    r"|select|textarea|svg|section|article|footer|header|main|center|font|small|u|s|meta|figure)\b"
)
_JSON = re.compile(r'\A\s*\{\s*"[\w$.@-]+"\s*:\s*(?:"|.*[:\[,{]\s*"$)', re.DOTALL)
"""An object whose text value is open where the outside data comes."""
_USES = (
    *("*.fromstring", "*.parseString", "*.write", "*.send", "*.sendall", "*.post", "*.put"),
    *("*.request", "json.loads", "flask.Response", "django.http.HttpResponse", "*.create"),
    *("fastapi.Response", "starlette.responses.Response", "*.write_text", "*.publish", "*.XML"),
    *("*.write_bytes", "*.urlopen", "urllib.request.Request", "flask.make_response"),
)  # fmt: skip
_ESCAPES = (
    *("xml.sax.saxutils.*", "html.escape", "markupsafe.escape", "*escape*", "json.dumps", "repr"),
    *("*.hexdigest", "base64.*encode*", "urllib.parse.quote*", "urllib.parse.urlencode"),
    *("*quoteattr*",),
    *("*tostring*", "*dumps*", "*serialize*", "*encode_json*", "hash", "*.isoformat", "*.strftime"),
    *("*to_xml*", "*toxml*", "*render*", "*.prettify", "*to_json*"),
)
_LEVELS: dict[SourceKind, Level | None] = {
    "request": "medium", "network": "low", "cli": "low", "environment": None, "file": "low",
    "stored": "low", "parameter": "medium",
}  # fmt: skip
_MARKUP = Flow(
    sinks=(),
    what="is put into XML as it is, tags and all",
    harmless=_ESCAPES,
    severities=_LEVELS,
    parameter_when=lambda value: _DOCUMENT.match(value.prefix or "") is not None,
)
_OBJECT = Flow(
    sinks=(),
    what="is put into JSON as it is, quotes and all",
    harmless=_ESCAPES,
    severities=_LEVELS,
    parameter_when=is_built,
)


def _put_together(code: Code) -> Iterator[Match]:
    """Built texts that are returned, sent, written or parsed."""
    for one in code.returns:
        if not one.scope.name.startswith("__"):
            yield from _judge(one.node, one.value)
    for call in code.calls_to(_USES):
        for value in (*call.args, *call.keywords.values()):
            yield from _judge(call.node, value)


def _judge(node: object, value: Value) -> Iterator[Match]:
    begin = value.prefix or ""
    if not value.built or not value.taints or len(begin) < 3:
        return
    if _XML.match(begin) and not _HTML.match(begin):
        yield from _MARKUP.judge(node, value)
    elif _JSON.match(begin) and begin.count('"') % 2:
        for match in _OBJECT.judge(node, value):
            yield Match(match.node, match.message, match.severity, (116, 74))


RULE = FlowRule(
    id="structured-text-injection",
    title="XML or JSON built from outside data",
    cwes=(91, 116),
    severity="medium",
    severity_reason="A value with tags or quotes of its own changes the document: elements and"
    " fields appear that the program did not write.",
    fix="Build the document with a writer (xml.etree.ElementTree.SubElement(...).text = value,"
    " json.dumps) or escape the value with xml.sax.saxutils.escape.",
    reference="https://cwe.mitre.org/data/definitions/91.html",
    detectors=(_put_together,),
    insecure=(
        """
from flask import Flask, Response, request

app = Flask(__name__)

@app.post("/order")
def order():
    body = f"<order><item>{request.form['item']}</item><price>10</price></order>"
    return Response(body, mimetype="application/xml")
""",
        """
def note(author, text):
    document = '<?xml version="1.0"?><note><by>%s</by><text>%s</text></note>' % (author, text)
    with open("note.xml", "w", encoding="utf-8") as handle:
        handle.write(document)
""",
        """
import requests

def transfer(account):
    envelope = "<soap:Envelope><soap:Body><pay><to>" + account + "</to></pay></soap:Body>"
    envelope += "</soap:Envelope>"
    return requests.post("https://bank.example.com/soap", data=envelope, timeout=5)
""",
        """
def profile(name):
    return '{"name": "' + name + '", "role": "guest"}'
""",
    ),
    secure=(
        """
import xml.etree.ElementTree as ElementTree
from flask import Flask, Response, request

app = Flask(__name__)

@app.post("/order")
def order():
    root = ElementTree.Element("order")
    ElementTree.SubElement(root, "item").text = request.form["item"]
    return Response(ElementTree.tostring(root), mimetype="application/xml")
""",
        """
from xml.sax.saxutils import escape

def note(author, text):
    document = "<note><by>%s</by><text>%s</text></note>" % (escape(author), escape(text))
    with open("note.xml", "w", encoding="utf-8") as handle:
        handle.write(document)
""",
        """
import json

def profile(name):
    return json.dumps({"name": name, "role": "guest"})
""",
        """
class Node:
    def __init__(self, kind, size):
        self.kind = kind
        self.size = size

    def __repr__(self):
        return "<Node kind=%s>" % self.kind

    def total(self, count):
        return f"<total>{int(count)}</total>"
""",
    ),
)
