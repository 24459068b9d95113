"""Network calls that may wait for ever."""

from __future__ import annotations

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Level, Match

_VERBS = ("get", "post", "put", "delete", "patch", "head", "options", "request")
_REQUESTS = tuple(f"requests.{verb}" for verb in _VERBS)
_SESSION = tuple(f"requests.Session().{verb}" for verb in _VERBS)
_HTTPX = (
    *(f"httpx.{verb}" for verb in _VERBS),
    *(f"httpx.Client().{verb}" for verb in _VERBS),
    *("httpx.Client", "httpx.AsyncClient"),
)
_OTHERS: dict[str, tuple[int, str]] = {
    "urllib.request.urlopen": (2, "timeout"),
    "smtplib.SMTP": (3, "timeout"),
    "smtplib.SMTP_SSL": (5, "timeout"),
    "ftplib.FTP": (4, "timeout"),
    "ftplib.FTP_TLS": (6, "timeout"),
    "imaplib.IMAP4_SSL": (5, "timeout"),
    "poplib.POP3_SSL": (4, "timeout"),
    "telnetlib.Telnet": (2, "timeout"),
    "http.client.HTTPConnection": (2, "timeout"),
    "http.client.HTTPSConnection": (4, "timeout"),
    "socket.create_connection": (1, "timeout"),
    "psycopg2.connect": (99, "connect_timeout"),
    "pymysql.connect": (99, "connect_timeout"),
}
"""Functions that wait without a limit by default; where and how the limit is given."""


def _waits(call: Call, position: int, keyword: str) -> bool:
    if call.spread and keyword not in call.keywords:
        return False
    value = call.argument(position, keyword)
    return value is None or value.const is None


def _without_limit(code: Code) -> Iterator[Match]:
    if any(True for _ in code.calls_to(("socket.setdefaulttimeout",))):
        return
    for call in code.calls_to(_REQUESTS):
        if _waits(call, 99, "timeout"):
            yield Match(call.node, "waits for the answer without a limit")
    for call in code.calls_to(_SESSION):
        if _waits(call, 99, "timeout"):
            yield Match(call.node, "waits for the answer without a limit", "low")
    for call in code.calls_to(_HTTPX):
        value = call.keywords.get("timeout")
        if value is not None and value.const is None:
            yield Match(call.node, "its limit of 5 seconds is switched off")
    for call in code.calls_to(tuple(_OTHERS)):
        for name in call.names & _OTHERS.keys():
            if _waits(call, *_OTHERS[name]) and not _limited_later(code, call):
                level: Level = "low"
                yield Match(call.node, "waits for the other side without a limit", level)


def _limited_later(code: Code, call: Call) -> bool:
    """A timeout set on the connection afterwards, as `sock.settimeout(5)`."""
    return any(one.scope.node is call.scope.node for one in code.calls_to(("*.settimeout",)))


RULE = FlowRule(
    id="missing-timeout",
    title="Network call without a time limit",
    cwes=(400, 1088),
    severity="medium",
    severity_reason="A peer that never answers holds the thread for ever; a few such calls stop the"
    " service.",
    fix="Pass timeout= (seconds) to every request and connection.",
    reference="https://requests.readthedocs.io/en/latest/user/advanced/#timeouts",
    detectors=(_without_limit,),
    confidence="high",
    insecure=(
        """
import requests

def rates(day):
    answer = requests.get(f"https://rates.example.com/{day}")
    answer.raise_for_status()
    return answer.json()
""",
        """
import requests as http

def send(report):
    return http.post("https://api.example.com/reports", json=report, timeout=None).status_code
""",
        """
import httpx

def fetch(name):
    with httpx.Client(timeout=None) as client:
        return client.get(f"https://api.example.com/items/{name}").json()
""",
    ),
    secure=(
        """
import requests

def rates(day):
    answer = requests.get(f"https://rates.example.com/{day}", timeout=10)
    answer.raise_for_status()
    return answer.json()
""",
        """
import requests as http

OPTIONS = {"timeout": 5, "allow_redirects": False}

def send(report):
    return http.post("https://api.example.com/reports", json=report, **OPTIONS).status_code
""",
        """
import httpx

def fetch(name):
    with httpx.Client() as client:
        return client.get(f"https://api.example.com/items/{name}").json()
""",
        """
import socket

def probe(host):
    with socket.create_connection((host, 80), 3.0) as link:
        link.sendall(b"HEAD / HTTP/1.0\\r\\n\\r\\n")
        return link.recv(64)
""",
    ),
)
