"""Folders whose contents a server lists."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.detectors import any_of, argument_is, calls
from purpcode.analyzers.flow.rule import FlowRule, Match

_SERVERS = (
    "http.server.HTTPServer",
    "http.server.ThreadingHTTPServer",
    "socketserver.TCPServer",
    "socketserver.ThreadingTCPServer",
    "http.server.test",
)
_LISTING = frozenset(
    (
        "http.server.SimpleHTTPRequestHandler",
        "SimpleHTTPServer.SimpleHTTPRequestHandler",
        "?SimpleHTTPRequestHandler",
        "http.server.CGIHTTPRequestHandler",
    )
)
_HERE = ("127.0.0.1", "localhost", "::1")


def _lists(call: Call) -> bool:
    handler = call.argument(1, "RequestHandlerClass")
    address = call.argument(0, "server_address")
    host = address.items[0].const if address is not None and address.items else ""
    return handler is not None and bool(handler.names & _LISTING) and host not in _HERE


def _servers(code: Code) -> Iterator[Match]:
    """Python's simple server lists every folder without an index page."""
    for call in code.calls_to(_SERVERS):
        if _lists(call):
            yield Match(call.node, "the server lists its folders to the whole network")


RULE = FlowRule(
    id="directory-listing",
    title="Folders are listed",
    cwes=(548,),
    severity="medium",
    severity_reason="A listing shows files that no page links to, such as backups and keys.",
    fix="Serve named files only, switch listings off, or answer this machine alone.",
    reference="https://cwe.mitre.org/data/definitions/548.html",
    detectors=(
        calls(
            ("*.add_static", "aiohttp.web.static"),
            "folders are listed",
            argument_is(None, "show_index", True),
        ),
        calls(
            ("*.static", "sanic.Sanic().static"),
            "folders are listed",
            argument_is(None, "directory_view", True),
        ),
        calls(
            ("flask_autoindex.AutoIndex",),
            "folders are listed",
            any_of(lambda call: bool(call.args)),
        ),
        _servers,
    ),
    insecure=(
        """
from aiohttp import web

app = web.Application()
app.router.add_static("/files", "/srv/files", show_index=True)
web.run_app(app)
""",
        """
from sanic import Sanic

app = Sanic("files")
app.static("/files", "/srv/files", directory_view=True)
""",
        """
import socketserver
from http.server import SimpleHTTPRequestHandler

with socketserver.TCPServer(("0.0.0.0", 8000), SimpleHTTPRequestHandler) as server:
    server.serve_forever()
""",
    ),
    secure=(
        """
from aiohttp import web

app = web.Application()
app.router.add_static("/files", "/srv/files", show_index=False)
web.run_app(app)
""",
        """
from sanic import Sanic

app = Sanic("files")
app.static("/files", "/srv/files")
""",
        """
import socketserver
from http.server import SimpleHTTPRequestHandler

class Handler(SimpleHTTPRequestHandler):
    def list_directory(self, path):
        self.send_error(404)

with socketserver.TCPServer(("files.example.com", 8000), Handler) as server:
    server.serve_forever()
""",
        """
import socketserver
from http.server import SimpleHTTPRequestHandler

with socketserver.TCPServer(("127.0.0.1", 8000), SimpleHTTPRequestHandler) as server:
    server.serve_forever()
""",
    ),
)
