"""Services inside the machine that take orders from whoever connects."""

from __future__ import annotations

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.detectors import calls
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_LISTENERS = {
    "multiprocessing.connection.Listener": (3, "authkey"),
    "multiprocessing.managers.BaseManager": (1, "authkey"),
    "multiprocessing.managers.SyncManager": (1, "authkey"),
}


def _on_network(address: Value | None) -> bool:
    """Whether an address is (host, port); a path or none at all stays on this machine."""
    return address is not None and address.items is not None


def _keys(code: Code) -> Iterator[Match]:
    for call in code.calls_to((*_LISTENERS, "*.Listener")):
        if not _on_network(call.argument(0, "address")):
            continue
        names = call.names & _LISTENERS.keys()
        if not names:
            continue
        key = call.argument(*_LISTENERS[next(iter(names))])
        missing = key is None and not call.spread and not call.fits("*Manager")
        if missing or (key is not None and key.const is None):
            yield Match(call.node, "unpickles messages from whoever connects (no authkey)")
        elif key is not None and isinstance(key.const, bytes | str):
            yield Match(call.node, "its key stands in the program", "medium", (798, 321))


def _powerful_rpc(code: Code) -> Iterator[Match]:
    """XML-RPC servers that offer functions of the system, or every dotted attribute."""
    for call in code.calls_to(("*.register_function", "*.register_instance")):
        if not code.uses_module("xmlrpc", "SimpleXMLRPCServer"):
            return
        given = call.argument(0)
        dots = call.keywords.get("allow_dotted_names") or call.argument(1)
        if call.fits("*.register_instance") and dots is not None and dots.const is True:
            yield Match(call.node, "every attribute behind the object can be called")
        elif given is not None and given.names & _SYSTEM:
            yield Match(call.node, "anybody who connects may call a function of the system")


_SYSTEM = frozenset(
    (
        *("os.system", "eval", "exec", "os.popen", "subprocess.run", "os.remove", "open"),
        *("subprocess.check_output", "subprocess.getoutput", "shutil.rmtree", "os"),
    )
)


def _checked(call: Call) -> bool:
    return "verify" in call.keywords


RULE = FlowRule(
    id="unauthenticated-service",
    title="Service that obeys whoever connects",
    cwes=(306, 502, 749),
    severity="high",
    severity_reason="Anyone who reaches the port runs code or functions of the program.",
    fix="Ask for a key from outside the program (authkey=..., verify=...), and listen on a local"
    " socket.",
    reference="https://cwe.mitre.org/data/definitions/306.html",
    detectors=(
        _keys,
        _powerful_rpc,
        calls(
            ("logging.config.listen",),
            "runs settings sent by whoever connects",
            when=lambda call: not _checked(call),
            severity="medium",
        ),
    ),
    insecure=(
        """
from multiprocessing.connection import Listener

def serve():
    with Listener(("127.0.0.1", 6000)) as listener:
        with listener.accept() as link:
            return link.recv()
""",
        """
import os
from xmlrpc.server import SimpleXMLRPCServer

def serve():
    server = SimpleXMLRPCServer(("localhost", 8000))
    server.register_function(os.system, "run")
    server.serve_forever()
""",
        """
import logging.config

def start():
    thread = logging.config.listen(9030)
    thread.start()
    return thread
""",
        """
from multiprocessing.managers import BaseManager

def serve():
    manager = BaseManager(address=("10.0.0.5", 50000), authkey=b"abracadabra")
    manager.get_server().serve_forever()
""",
    ),
    secure=(
        """
import os
from multiprocessing.connection import Listener

def serve():
    key = os.environ["SERVICE_KEY"].encode()
    with Listener(("127.0.0.1", 6000), authkey=key) as listener:
        with listener.accept() as link:
            return link.recv()
""",
        """
from xmlrpc.server import SimpleXMLRPCServer

def add(left, right):
    return left + right

def serve():
    server = SimpleXMLRPCServer(("localhost", 8000))
    server.register_function(add, "add")
    server.serve_forever()
""",
        """
import logging.config
from signatures import signed_part

def start():
    thread = logging.config.listen(9030, verify=signed_part)
    thread.start()
    return thread
""",
        """
from multiprocessing.connection import Listener

def serve():
    with Listener("/run/service/control.sock") as listener:
        with listener.accept() as link:
            return link.recv()
""",
    ),
)
