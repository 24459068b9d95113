"""Signal handlers that do what must not happen in the middle of anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import called_name, dotted, functions
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_BLOCKING = frozenset(("acquire", "wait", "sleep", "input", "put", "get", "recv"))
_WRITING = frozenset(("commit", "execute", "write", "dump", "rmtree", "remove", "send", "sendall"))


def _handlers(code: Code) -> Iterator[ast.AST]:
    named = {scope.name: scope.node for scope in functions(code)}
    for call in code.calls_to(("signal.signal",)):
        given = call.node_of(1, "handler")
        if isinstance(given, ast.Lambda):
            yield given
        elif given is not None:
            found = named.get(dotted(given).rpartition(".")[2])
            if found is not None:
                yield found


def _shared_locks(code: Code) -> set[str]:
    return {
        dotted(target)
        for node in code.nodes
        if isinstance(node, ast.Assign)
        and called_name(node.value) in ("Lock", "Condition", "Semaphore")
        for target in node.targets
    }


def _unsafe(code: Code) -> Iterator[Match]:
    if not code.uses_module("signal"):
        return
    locks = _shared_locks(code)
    for handler in _handlers(code):
        for node in walk(handler):
            name = called_name(node)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = dotted(node.func.value)
                if name == "acquire" and owner in locks:
                    yield Match(node, "waits for a lock that the interrupted code may hold")
                elif name in _WRITING and not owner.startswith(("sys.", "os", "log")):
                    yield Match(node, "changes what the interrupted code may be changing", "low")
                elif name in _BLOCKING and owner in ("queue", "time") and name != "get":
                    yield Match(node, "waits inside a signal handler", "low")
            for item in node.items if isinstance(node, ast.With | ast.AsyncWith) else ():
                if dotted(item.context_expr) in locks:
                    yield Match(node, "waits for a lock that the interrupted code may hold")


RULE = FlowRule(
    id="unsafe-signal-handler",
    title="Signal handler that can block or corrupt",
    cwes=(828, 364, 479),
    severity="medium",
    severity_reason="The handler runs between any two steps of the program; a lock taken there may"
    " already be held, and the program hangs.",
    fix="Only set a flag (or threading.Event) in the handler and do the work in the main loop.",
    reference="https://cwe.mitre.org/data/definitions/828.html",
    detectors=(_unsafe,),
    insecure=(
        """
import signal
import threading

lock = threading.Lock()
state = {}

def on_hangup(number, frame):
    with lock:
        state.clear()

signal.signal(signal.SIGHUP, on_hangup)
""",
        """
import signal
import threading

class Service:
    def __init__(self):
        self.guard = threading.Lock()
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, number, frame):
        self.guard.acquire()
        try:
            self.running = False
        finally:
            self.guard.release()
""",
        """
import signal
from threading import Condition

ready = Condition()

def wake(number, frame):
    with ready:
        ready.notify_all()

def main():
    signal.signal(signal.SIGUSR1, wake)
""",
    ),
    secure=(
        """
import signal
import threading

wanted = threading.Event()

def on_hangup(number, frame):
    wanted.set()

signal.signal(signal.SIGHUP, on_hangup)
""",
        """
import signal

class Service:
    def __init__(self):
        self.running = True
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, number, frame):
        self.running = False
""",
        """
import signal
import sys
import threading

lock = threading.Lock()

def leave(number, frame):
    sys.exit(0)

def work(items):
    signal.signal(signal.SIGINT, leave)
    with lock:
        return sum(items)
""",
    ),
)
