"""Line ends from outside data in HTTP headers."""

from collections.abc import Iterator

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
            "base64.*",
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


def _header_stores(code: Code) -> Iterator[Match]:
    """`response.headers["X"] = value`: the frameworks refuse line ends, so this is only noted."""
    for store in code.stores:
        if isinstance(store.key, str) and any(".headers[]" in name for name in store.names):
            if store.key.lower() in ("access-control-allow-origin", "vary"):
                continue
            for match in _FLOW.judge(store.node, _of_requests(store.value)):
                yield Match(match.node, match.message, "low")


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
    detectors=(_FLOW, _header_stores),
    insecure=(
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
