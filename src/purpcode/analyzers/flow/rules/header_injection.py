"""Line ends from outside data in HTTP headers."""

import re
from collections.abc import Iterator
from dataclasses import replace

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_FLOW = Flow(
    sinks=(
        Sink(
            (
                "?self.send_header",
                "http.server.BaseHTTPRequestHandler().send_header",
                "http.server.SimpleHTTPRequestHandler().send_header",
                "BaseHTTPServer.BaseHTTPRequestHandler().send_header",
            ),
            (0, 1),
        ),
        Sink(("?start_response",), (1,)),
        Sink(
            ("socket.socket().send", "socket.socket().sendall"),
            (0,),
            holds=lambda value: value.starts_with().startswith(("HTTP/1", "GET ", "POST ")),
        ),
    ),
    what="is written into an HTTP header, line ends and all",
    harmless=(
        *(".replace:\n", ".replace:\r", ".replace:\r\n", "-in:\n", "-in:\r", "urllib.parse.quote*"),
        *(
            "*.splitlines",
            "re.sub",
            "repr",
            "json.dumps",
            "base64.*encode*",
            "werkzeug.utils.secure_filename",
        ),
        *(
            "urllib.parse.urlencode",
            "-*.intersection",
            "*.hexdigest",
            "mimetypes.*",
            "os.path.getsize",
        ),
    ),
    severities={
        "cli": "low",
        "environment": "low",
        "file": "low",
        "stored": "low",
        "network": "low",
    },
)


_WIRE = replace(
    _FLOW,
    what="is written into a head or command on the wire, line ends and all",
    sinks=(
        Sink(
            ("*.send", "*.sendall", "*.write"),
            (0,),
            holds=lambda value: _is_head(value),
        ),
    ),
    severities={**_FLOW.severities, "parameter": "medium"},
)
_HEAD = re.compile(r"\A(?:HTTP/1\.\d |[A-Z]{3,7} \S*\Z|[A-Z]{3,7} \S* HTTP/1\.\d\r\n)")


def _is_head(value: Value) -> bool:
    """Whether a text begins as a request or answer does on the wire."""
    return value.built and _HEAD.match(value.starts_with()) is not None


def _returned_heads(code: Code) -> Iterator[Match]:
    """A function that writes the head of an answer: `"HTTP/1.1 200 OK\\r\\nX: " + value`."""
    for one in code.returns:
        begin = one.value.starts_with()
        line = one.value.built and begin.startswith(("Set-Cookie: ", "Location: "))
        if line or (_is_head(one.value) and "\r\n" in begin):
            yield from _WIRE.judge(one.node, one.value)


_OWN_MEANING = frozenset(
    ("set-cookie", "location", "refresh", "content-security-policy", "content-type", "link",
     "strict-transport-security", "x-accel-redirect", "x-sendfile")
)  # fmt: skip
"""Headers whose whole value must not be the sender's, line ends or none."""


def _header_stores(code: Code) -> Iterator[Match]:
    """`response.headers["X"] = value`: the frameworks refuse line ends, so this is only noted."""
    for store in code.stores:
        if isinstance(store.key, str) and any(".headers[]" in name for name in store.names):
            if store.key.lower() in ("access-control-allow-origin", "vary"):
                continue
            for match in _FLOW.judge(store.node, _of_requests(store.value)):
                whole = store.key.lower() in _OWN_MEANING and not store.value.prefix
                yield Match(match.node, match.message, "medium" if whole else "low")


def _of_requests(value: Value) -> Value:
    return Value(frozenset(t for t in value.taints if t.kind == "request"), built=value.built)


RULE = FlowRule(
    id="header-injection",
    title="Header with outside data",
    cwes=(113, 93),
    severity="medium",
    severity_reason="A line end in the value adds headers or a whole second answer.",
    fix="Remove line ends (or refuse values with them) before the value becomes a header, or encode"
    " it with urllib.parse.quote.",
    reference="https://cwe.mitre.org/data/definitions/113.html",
    detectors=(_FLOW, _WIRE, _header_stores, _returned_heads),
    insecure=(
        """
def answer(author):
    return "HTTP/1.1 200 OK\\r\\nX-Author: " + author + "\\r\\n\\r\\n"
""",
        """
from flask import Flask, make_response, request

app = Flask(__name__)

@app.get("/remember")
def remember():
    response = make_response("kept")
    response.headers["Set-Cookie"] = request.args["state"]
    return response
""",
        """
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlparse

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        query = parse_qs(urlparse(self.path).query)
        self.send_response(200)
        self.send_header("X-Language", query["lang"][0])
        self.end_headers()
""",
        """
from urllib.parse import parse_qs

def app(environ, start_response):
    query = parse_qs(environ["QUERY_STRING"])
    start_response("302 Found", [("Location", "/show/" + query["page"][0])])
    return []
""",
        """
from http.server import BaseHTTPRequestHandler

class Echo(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers["Content-Length"]), 4096)).decode()
        self.send_response(204)
        self.send_header("X-Echo", "got " + body)
        self.end_headers()
""",
    ),
    secure=(
        """
def answer(author):
    author = author.replace("\\r", "").replace("\\n", "")
    return "HTTP/1.1 200 OK\\r\\nX-Author: " + author + "\\r\\n\\r\\n"
""",
        """
from flask import Flask, make_response, request

app = Flask(__name__)

@app.get("/remember")
def remember():
    response = make_response("kept")
    response.set_cookie("state", request.args["state"], secure=True, httponly=True)
    return response
""",
        """
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlparse

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        query = parse_qs(urlparse(self.path).query)
        language = query["lang"][0].replace("\\r", "").replace("\\n", "")
        self.send_response(200)
        self.send_header("X-Language", language)
        self.end_headers()
""",
        """
from urllib.parse import parse_qs, quote

def app(environ, start_response):
    query = parse_qs(environ["QUERY_STRING"])
    start_response("302 Found", [("Location", "/show/" + quote(query["page"][0]))])
    return []
""",
        """
from http.server import BaseHTTPRequestHandler

class Echo(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers["Content-Length"]), 4096)).decode()
        if "\\n" in body or "\\r" in body:
            self.send_error(400)
            return
        self.send_response(204)
        self.send_header("X-Echo", "got " + body)
        self.end_headers()
""",
    ),
)
