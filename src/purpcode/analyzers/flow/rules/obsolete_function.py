"""Functions and modules that are no longer maintained."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import calls
from purpcode.analyzers.flow.rule import FlowRule, Match

_MODULES = frozenset(
    (
        "cgi",
        "cgitb",
        "crypt",
        "imp",
        "telnetlib",
        "asyncore",
        "asynchat",
        "smtpd",
        "pipes",
        "nntplib",
        "popen2",
        "commands",
        "md5",
        "sha",
        "rexec",
        "Bastion",
        "distutils",
        "uu",
        "xdrlib",
        "nis",
        "spwd",
        "formatter",
        "parser",
        "symbol",
        "dummy_threading",
    )
)
_CALLS = (
    *("os.popen2", "os.popen3", "os.popen4", "os.tempnam", "os.tmpnam", "tempfile.mktemp"),
    *("ssl.wrap_socket", "ssl.match_hostname", "inspect.getargspec", "platform.popen"),
    *("asyncio.coroutine", "time.clock", "datetime.datetime.utcnow", "locale.format"),
    *("xml.etree.ElementTree.Element().getchildren", "string.maketrans", "os.errno"),
)


def _imported(code: Code) -> Iterator[Match]:
    for node in code.nodes:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            if name in _MODULES or name.partition(".")[0] in _MODULES:
                yield Match(node, f"{name} is obsolete and has left or leaves the library")


RULE = FlowRule(
    id="obsolete-function",
    title="Obsolete function",
    cwes=(477,),
    severity="low",
    severity_reason="Faults in it are no longer mended, and newer interpreters do not have it.",
    fix="Use its successor: subprocess, importlib, ssl.SSLContext, email.message, shlex.",
    reference="https://cwe.mitre.org/data/definitions/477.html",
    detectors=(_imported, calls(_CALLS, "this function is obsolete")),
    insecure=(
        """
import cgi

def fields():
    return cgi.FieldStorage()
""",
        """
import socket
import ssl

def secure(connection: socket.socket):
    return ssl.wrap_socket(connection)
""",
        """
import imp

def load(path):
    return imp.load_source("plugin", path)
""",
    ),
    secure=(
        """
from urllib.parse import parse_qs

def fields(query):
    return parse_qs(query)
""",
        """
import socket
import ssl

def secure(connection: socket.socket, host):
    return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
""",
        """
import importlib.util

def load(path):
    spec = importlib.util.spec_from_file_location("plugin", path)
    return importlib.util.module_from_spec(spec)
""",
    ),
)
