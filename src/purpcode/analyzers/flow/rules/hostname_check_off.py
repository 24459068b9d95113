"""Certificates accepted although they were made for another host."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import argument_is, calls, stored_const, stores
from purpcode.analyzers.flow.rule import FlowRule, Match


def _no_name(code: Code) -> Iterator[Match]:
    """A client context that was made bare checks no name, and `ssl.wrap_socket` never does."""
    for call in code.calls_to(("ssl.wrap_socket",)):
        server = call.keywords.get("server_side")
        if server is None or server.const is not True:
            yield Match(call.node, "`ssl.wrap_socket` checks no host name")


RULE = FlowRule(
    id="hostname-check-off",
    title="Host name not checked",
    cwes=(297, 295),
    severity="medium",
    severity_reason="Whoever has a certificate for any host can answer in this one's name.",
    fix="Use `ssl.create_default_context()` and leave `check_hostname` on.",
    reference="https://cwe.mitre.org/data/definitions/297.html",
    detectors=(
        stores(("*.check_hostname",), "`check_hostname` is switched off", stored_const(False)),
        calls(("*",), "the host name is not asserted", argument_is(None, "assert_hostname", False)),
        calls(("*",), "the host name is not checked", argument_is(None, "check_hostname", False)),
        calls(
            ("*",), "the host name is not checked", argument_is(None, "ssl_check_hostname", False)
        ),
        calls(("*",), "host names may differ", argument_is(None, "tlsAllowInvalidHostnames", True)),
        _no_name,
    ),
    confidence="high",
    insecure=(
        """
import ssl

def context():
    made = ssl.create_default_context()
    made.check_hostname = False
    return made
""",
        """
import urllib3

def pool():
    return urllib3.PoolManager(cert_reqs="CERT_REQUIRED", assert_hostname=False)
""",
        """
import pymongo

def connect(address):
    return pymongo.MongoClient(address, tls=True, tlsAllowInvalidHostnames=True)
""",
        """
import socket
import ssl

def connect(host):
    plain = socket.create_connection((host, 443))
    return ssl.wrap_socket(plain, cert_reqs=ssl.CERT_REQUIRED, ca_certs="/etc/ssl/ca.pem")
""",
    ),
    secure=(
        """
import ssl

def context():
    made = ssl.create_default_context()
    made.check_hostname = True
    return made
""",
        """
import urllib3

def pool():
    return urllib3.PoolManager(cert_reqs="CERT_REQUIRED", ca_certs="/etc/ssl/ca.pem")
""",
        """
import socket
import ssl

def connect(host):
    plain = socket.create_connection((host, 443))
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
""",
    ),
)
