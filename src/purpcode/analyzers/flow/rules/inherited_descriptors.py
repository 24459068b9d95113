"""Open files and sockets handed down to other programs."""

from __future__ import annotations

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_RUNNERS = tuple(f"subprocess.{name}" for name in
                 ("run", "call", "check_call", "check_output", "Popen"))  # fmt: skip


def _handed_down(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_RUNNERS):
        closed = call.keywords.get("close_fds")
        if closed is not None and closed.const is False:
            yield Match(call.node, "the program gets every inheritable descriptor")
    for call in code.calls_to(("os.set_inheritable", "*.set_inheritable")):
        wanted = call.args[-1].const if call.args else None
        passed = any("pass_fds" in one.keywords for one in code.calls_to(_RUNNERS))
        if wanted is True and not passed:
            yield Match(call.node, "every program started later gets this descriptor")


RULE = FlowRule(
    id="inherited-descriptors",
    title="Descriptors handed to other programs",
    cwes=(403, 402),
    severity="low",
    severity_reason="The other program can read and write files and connections not meant for it.",
    fix="Keep close_fds=True and pass the descriptors it needs with pass_fds.",
    reference="https://cwe.mitre.org/data/definitions/403.html",
    detectors=(_handed_down,),
    confidence="high",
    insecure=(
        """
import subprocess

def start(tool):
    return subprocess.Popen([tool], close_fds=False)
""",
        """
import os

def share(handle):
    os.set_inheritable(handle.fileno(), True)
""",
        """
import socket
import subprocess

def serve(command):
    server = socket.create_server(("127.0.0.1", 7000))
    server.set_inheritable(True)
    return server, subprocess.Popen(command)
""",
    ),
    secure=(
        """
import subprocess

def start(tool):
    return subprocess.Popen([tool], close_fds=True)
""",
        """
import os

def keep(handle):
    os.set_inheritable(handle.fileno(), False)
""",
        """
import socket
import subprocess

def serve(command):
    server = socket.create_server(("127.0.0.1", 7000))
    return server, subprocess.Popen(command, pass_fds=(server.fileno(),))
""",
    ),
)
