"""Debuggers that visitors or peers can reach."""

from __future__ import annotations

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.detectors import calls
from purpcode.analyzers.flow.rule import FlowRule, Match

_REMOTE = (
    *("rpdb.set_trace", "rpdb.Rpdb", "remote_pdb.set_trace", "remote_pdb.RemotePdb"),
    *("debugpy.listen", "ptvsd.enable_attach", "web_pdb.set_trace"),
    *("celery.contrib.rdb.set_trace", "pydevd.settrace", "pydevd_pycharm.settrace"),
)
_LOCAL = ("127.0.0.1", "localhost", "::1")


def _address(call: Call) -> tuple[bool, str | None]:
    """(whether an address is given, its host)."""
    given = (
        call.argument(0, "address") or call.argument(None, "host") or call.argument(None, "addr")
    )
    if given is None:
        return False, None
    if given.items:
        return True, given.items[0].text
    return True, given.text


def _remote(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_REMOTE):
        given, host = _address(call)
        if host in ("0.0.0.0", "::", ""):
            yield Match(call.node, "a debugger listens on every interface", cwes=(489, 306, 1327))
        elif call.fits("ptvsd.enable_attach") and not given:
            yield Match(call.node, "a debugger listens on every interface by default")
        else:
            local = host is None or host in _LOCAL
            yield Match(call.node, "a remote debugger is left in", "low" if local else None)


def _console(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("werkzeug.debug.DebuggedApplication",)):
        evalex = call.argument(1, "evalex")
        if evalex is not None and evalex.const is True:
            yield Match(call.node, "error pages carry a console that runs Python")
    for call in code.calls_to(("werkzeug.serving.run_simple", "*.run_simple")):
        wanted = call.keywords.get("use_debugger")
        if wanted is not None and wanted.const is True:
            yield Match(call.node, "error pages carry a console that runs Python")
    for call in code.calls_to(
        ("code.interact", "code.InteractiveConsole", "IPython.embed", "IPython.embed_kernel")
    ):
        if call.scope.handler:
            yield Match(call.node, "an interactive console opens while answering a request")


def _in_handlers(code: Code) -> Iterator[Match]:
    """A breakpoint stops every request that comes by."""
    for call in code.calls_to(("pdb.set_trace", "breakpoint", "ipdb.set_trace")):
        if call.scope.handler:
            yield Match(call.node, "a breakpoint stops the answer to a request", "medium")


RULE = FlowRule(
    id="exposed-debugger",
    title="Debugger left in reach",
    cwes=(489, 306),
    severity="high",
    severity_reason="Whoever reaches the debugger runs any code in the program.",
    fix="Remove the debugger, or start it only by an explicit option and on 127.0.0.1.",
    reference="https://werkzeug.palletsprojects.com/en/stable/debug/",
    detectors=(
        _remote,
        _console,
        _in_handlers,
        calls(
            ("pdb.set_trace", "breakpoint", "ipdb.set_trace", "pudb.set_trace"),
            "a breakpoint is left in",
            severity="low",
        ),
    ),
    confidence="high",
    insecure=(
        """
from flask import Flask

app = Flask(__name__)

@app.route("/")
def home():
    breakpoint()
    return "welcome"
""",
        """
from flask import Flask
from werkzeug.debug import DebuggedApplication

app = Flask(__name__)
app.wsgi_app = DebuggedApplication(app.wsgi_app, evalex=True)
""",
        """
import debugpy

def start(service):
    debugpy.listen(("0.0.0.0", 5678))
    service.run()
""",
        """
from werkzeug.serving import run_simple
from shop import application

run_simple("127.0.0.1", 5000, application, use_debugger=True)
""",
    ),
    secure=(
        """
from flask import Flask
from werkzeug.debug import DebuggedApplication

app = Flask(__name__)
app.wsgi_app = DebuggedApplication(app.wsgi_app, evalex=False)
""",
        """
import faulthandler

def start(service):
    faulthandler.enable()
    service.run()
""",
        """
from werkzeug.serving import run_simple
from shop import application

run_simple("127.0.0.1", 5000, application, use_debugger=False)
""",
        """
import logging

def charge(card, amount):
    logging.debug("charging %s", amount)
    return card.charge(amount)
""",
    ),
)
