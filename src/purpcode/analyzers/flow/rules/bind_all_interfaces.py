"""Services that listen on every network interface."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_EVERYWHERE = ("0.0.0.0", "::", "[::]", "0", "*", "tcp://*", "tcp://0.0.0.0")
_SERVERS = (
    *("http.server.HTTPServer", "http.server.ThreadingHTTPServer", "socketserver.TCPServer"),
    *(
        "socketserver.ThreadingTCPServer",
        "socketserver.UDPServer",
        "xmlrpc.server.SimpleXMLRPCServer",
    ),
    *(
        "wsgiref.simple_server.make_server",
        "socket.create_server",
        "multiprocessing.connection.Listener",
    ),
)
_RUNNERS = (
    *("flask.Flask().run", "uvicorn.run", "bottle.run", "aiohttp.web.run_app", "waitress.serve"),
    *("asyncio.start_server", "*.create_server", "hypercorn.run", "*.run_simple", "*.listen"),
    *("websockets.serve", "fastapi.FastAPI().run", "grpc.server().add_insecure_port"),
)


def _listens_for_neighbours(call: Call) -> bool:
    """Discovery by multicast or broadcast has to be bound everywhere."""
    text = ast.unparse(call.scope.node)
    return any(word in text for word in ("IP_ADD_MEMBERSHIP", "SO_BROADCAST", "IPV6_JOIN_GROUP"))


def _host(value: Value | None) -> str | None:
    if value is None:
        return None
    return value.items[0].text if value.items else value.text


def _bound(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("*.bind",)):
        if not any("sock" in name or name.startswith(("@", "zmq")) for name in call.names):
            continue
        address = call.argument(0, "address")
        host = _host(address) if address is not None and address.items else None
        if host in ("", *_EVERYWHERE) and not _listens_for_neighbours(call):
            free = address is not None and address.items is not None and len(address.items) > 1
            if free and address is not None and address.items and address.items[1].const == 0:
                continue  # asks for a free port, not for visitors
            yield Match(call.node, "is bound to every interface")


def _served(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_SERVERS):
        host = _host(call.argument(0, "server_address"))
        if call.fits("*.create_server") and "address" in call.keywords:
            host = _host(call.keywords["address"])
        if host in _EVERYWHERE:
            yield Match(call.node, "listens on every interface")
        elif host == "" and call.argument(0) is not None:
            yield Match(call.node, "listens on every interface", "low")
    for call in code.calls_to(_RUNNERS):
        hosts = [call.keywords.get("host"), call.keywords.get("address"), call.keywords.get("bind")]
        if call.fits("*.listen"):
            hosts = [call.keywords.get("address")]
        elif call.fits("*.start_server") or call.fits("*.serve") or call.fits("*.create_server"):
            hosts.append(call.argument(1))
        elif call.fits("*.run") or call.fits("*.run_simple"):
            hosts.append(call.argument(0))
        if any(_host(one) in _EVERYWHERE for one in hosts):
            yield Match(call.node, "listens on every interface")


RULE = FlowRule(
    id="bind-all-interfaces",
    title="Service open to every network",
    cwes=(1327, 605),
    severity="medium",
    severity_reason="The service answers on networks it was never meant for.",
    fix='Bind to the address that is needed, such as "127.0.0.1", or read it from the settings.',
    reference="https://cwe.mitre.org/data/definitions/1327.html",
    detectors=(_bound, _served),
    insecure=(
        """
import socket

def serve(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.bind(("", port))
        server.listen()
        return server.accept()
""",
        """
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run(host="0.0.0.0", port=8000)
""",
        """
import uvicorn
from fastapi import FastAPI

app = FastAPI()
ADDRESS = "0.0.0.0"

def main():
    uvicorn.run(app, host=ADDRESS, port=8000)
""",
        """
from http.server import BaseHTTPRequestHandler, HTTPServer

def main():
    HTTPServer(("0.0.0.0", 8080), BaseHTTPRequestHandler).serve_forever()
""",
    ),
    secure=(
        """
import socket

def serve(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.bind(("127.0.0.1", port))
        server.listen()
        return server.accept()
""",
        """
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run(host="127.0.0.1", port=8000)
""",
        """
import os
import uvicorn
from fastapi import FastAPI

app = FastAPI()

def main():
    uvicorn.run(app, host=os.environ.get("HOST", "127.0.0.1"), port=8000)
""",
        """
import socket

def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]
""",
    ),
)
