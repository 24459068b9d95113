"""Passwords and secrets sent over connections that anybody on the way can read."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.form import called_name
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.sensitive_names import is_secret, shown_secrets
from purpcode.analyzers.flow.tree import walk

_HTTP = tuple(
    f"{client}.{verb}"
    for client in (
        "requests",
        "httpx",
        "requests.Session()",
        "httpx.Client()",
        "httpx.AsyncClient()",
        "aiohttp.ClientSession()",
        "?session",
        "?client",
    )
    for verb in ("get", "post", "put", "patch", "delete", "request")
)
_NEAR = re.compile(
    r"^http://(localhost|127\.|\[?::1|0\.0\.0\.0|10\.|192\.168\.|host\.docker|minio|test)"
)
_LINES = ("http.client.HTTPConnection().request", "socket.socket().send", "socket.socket().sendall")
_PERSON = re.compile(r"(?i)user|member|account|customer|person|employee|student")
_WORD = re.compile(r"(?i)passw|pwd|secret|card|cvv|ssn|token")
_MAIL = ("poplib.POP3().pass_", "poplib.POP3().user", "imaplib.IMAP4().login")


def _requests(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_HTTP):
        address = next(
            (
                v
                for v in (call.argument(0, "url"), call.argument(1))
                if v is not None and v.starts_with().lower().startswith("http://")
            ),
            None,
        )
        if address is None or _NEAR.search(address.starts_with()):
            continue
        if "auth" in call.keywords and call.keywords["auth"].const is not None:
            yield Match(call.node, "a password is sent over plain HTTP")
        elif _sends_secret(call):
            yield Match(call.node, "a secret is sent over plain HTTP")


def _sends_secret(call: Call) -> bool:
    for one in call.node.keywords:
        if one.arg in ("data", "json", "params", "headers", "cookies"):
            value = call.keywords.get(one.arg)
            keys = set(value.fields or {}) if value is not None else set()
            if any(
                re.fullmatch(
                    r"(?i)passw(or)?d|pwd|authorization|(access_)?token|api_?key|"
                    r"x-api-key|secret",
                    key,
                )
                for key in keys
            ) or next(shown_secrets(one.value), None):
                return True
    return False


def _mail(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("smtplib.SMTP().login",)):
        if not any(one.fits("*.starttls") for one in code.calls):
            yield Match(call.node, "the password is sent without TLS")
    for call in code.calls_to(_MAIL):
        if not any(one.fits("*.starttls") or one.fits("*.stls") for one in code.calls):
            yield Match(call.node, "the password is sent without TLS")


def _plain_lines(code: Code) -> Iterator[Match]:
    """Secrets written to a socket, or sent by `http.client`, without TLS."""
    for call in code.calls_to(_LINES):
        if any("wrap_socket" in name or "ssl" in name for name in call.receiver.names):
            continue
        if "wrap_socket" in code.text or _is_local(code):
            continue
        given = [*call.node.args, *(one.value for one in call.node.keywords)]
        shown = [name for one in given for name in _told(one) if _WORD.search(name)]
        if shown:
            yield Match(call.node, f"'{shown[0]}' is sent unencrypted")


def _told(node: ast.expr) -> Iterator[str]:
    """Secrets shown by an expression, also as an entry of a text in JSON."""
    yield from shown_secrets(node)
    if isinstance(node, ast.Call) and called_name(node) in ("dumps", "urlencode") and node.args:
        given = node.args[0]
        yield from shown_secrets(given)
        for key in given.keys if isinstance(given, ast.Dict) else ():
            if isinstance(key, ast.Constant) and is_secret(str(key.value)):
                yield str(key.value)


def _is_local(code: Code) -> bool:
    return re.search(r"localhost|127\.0\.0\.1|AF_UNIX", code.text) is not None


def _mailed(code: Code) -> Iterator[Match]:
    """`Your password is {user.password}` in a mail, which is kept readable on the way."""
    for call in code.calls_to(
        ("*.sendmail", "django.core.mail.send_mail", "flask_mail.Message", "*.set_content",
         "email.mime.text.MIMEText")
    ):  # fmt: skip
        given = [*call.node.args, *(one.value for one in call.node.keywords)]
        for one in (part for node in given for part in walk(node)):
            kept = isinstance(one, ast.Attribute) and re.fullmatch(r"(?i)passw(or)?d|pwd", one.attr)
            owner = one.value if isinstance(one, ast.Attribute) else None
            if kept and isinstance(owner, ast.Name) and _PERSON.search(owner.id):
                yield Match(call.node, "a user's password is mailed", None, (522, 319))
                break


def _old_protocols(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("telnetlib.Telnet", "telnetlib3.open_connection")):
        yield Match(call.node, "telnet shows everything that is typed")
    for call in code.calls_to(("ftplib.FTP().login",)):
        if call.argument(1, "passwd") is not None:
            yield Match(call.node, "FTP sends the password readable")
    for call in code.calls_to(("ftplib.FTP",)):
        if call.argument(2, "passwd") is not None:
            yield Match(call.node, "FTP sends the password readable")


def _directories(code: Code) -> Iterator[Match]:
    """A simple bind over `ldap://` without StartTLS."""
    if any(one.fits("*.start_tls_s") or one.fits("*.start_tls") for one in code.calls):
        return
    for call in code.calls_to(
        (
            "ldap.initialize().simple_bind_s",
            "ldap.initialize().bind_s",
            "ldap.initialize().simple_bind",
        )
    ):
        opened = [one.argument(0, "uri") for one in code.calls_to(("ldap.initialize",))]
        plain = any(one is not None and one.starts_with().startswith("ldap://") for one in opened)
        password = call.argument(1)
        near = any(one is not None and "localhost" in one.starts_with() for one in opened)
        if plain and not near and password is not None and password.const != "":
            yield Match(call.node, "the password is sent without TLS")
    servers = [one.argument(0, "host") for one in code.calls_to(("ldap3.Server",))]
    if any(one is not None and one.starts_with().startswith("ldap://") for one in servers):
        for call in code.calls_to(("ldap3.Connection",)):
            bound = call.keywords.get("auto_bind")
            upgraded = bound is not None and any("TLS" in name for name in bound.names)
            if call.argument(2, "password") is not None and not upgraded:
                yield Match(call.node, "the password is sent without TLS")


RULE = FlowRule(
    id="cleartext-transmission",
    title="Secret sent in plain text",
    cwes=(319, 523),
    severity="medium",
    severity_reason="Everybody on the way reads the secret.",
    fix="Use the protocol's TLS form: https, `SMTP_SSL` or `starttls`, `FTP_TLS`, "
    "`IMAP4_SSL`, ldaps, SSH.",
    reference="https://cwe.mitre.org/data/definitions/319.html",
    detectors=(_requests, _mail, _plain_lines, _mailed, _old_protocols, _directories),
    insecure=(
        """
from django.core.mail import send_mail

def remind(user):
    send_mail("Reminder", f"Your password is {user.password}", "club@example.com", [user.email])
""",
        """
import http.client
import json

def pay(number):
    link = http.client.HTTPConnection("till.example.com")
    link.request("POST", "/pay", json.dumps({"card_number": number}))
    return link.getresponse().status
""",
        """
import ldap3

def bind(user, password):
    server = ldap3.Server("ldap://people.example.com")
    return ldap3.Connection(server, user=user, password=password).bind()
""",
        """
import socket

def enter(name, password):
    link = socket.socket()
    link.connect(("club.example.com", 7000))
    link.sendall(f"{name} {password}".encode())
    link.close()
""",
        """
import requests

def login(user, password):
    return requests.post(
        "http://accounts.example.com/login", data={"user": user, "password": password}, timeout=5
    )
""",
        """
import smtplib

def send(user, password, message):
    with smtplib.SMTP("mail.example.com", 25) as server:
        server.login(user, password)
        server.send_message(message)
""",
        """
from ftplib import FTP

def upload(host, user, password, file):
    ftp = FTP(host)
    ftp.login(user, password)
    ftp.storbinary("STOR report.csv", file)
""",
        """
import ldap

def bind(name, password):
    connection = ldap.initialize("ldap://directory.example.com")
    connection.simple_bind_s(name, password)
    return connection
""",
        """
import imaplib

def inbox(user, password):
    box = imaplib.IMAP4("mail.example.com")
    box.login(user, password)
    return box.select()
""",
        """
import httpx

BASE = "http://api.example.com"

def orders(api_key):
    return httpx.get(f"{BASE}/orders", headers={"Authorization": f"Bearer {api_key}"})
""",
    ),
    secure=(
        """
from django.core.mail import send_mail

def remind(user, link):
    send_mail("Reminder", f"Choose a new one: {link}", "club@example.com", [user.email])
""",
        """
import socket
import ssl

def enter(name, password):
    context = ssl.create_default_context()
    with socket.create_connection(("club.example.com", 7000)) as raw:
        with context.wrap_socket(raw, server_hostname="club.example.com") as link:
            link.sendall(f"{name} {password}".encode())
""",
        """
import requests

def login(user, password):
    return requests.post(
        "https://accounts.example.com/login", data={"user": user, "password": password}, timeout=5
    )
""",
        """
import smtplib
import ssl

def send(user, password, message):
    with smtplib.SMTP("mail.example.com", 587) as server:
        server.starttls(context=ssl.create_default_context())
        server.login(user, password)
        server.send_message(message)
""",
        """
from ftplib import FTP_TLS

def upload(host, user, password, file):
    ftp = FTP_TLS(host)
    ftp.login(user, password)
    ftp.prot_p()
    ftp.storbinary("STOR report.csv", file)
""",
        """
from ftplib import FTP

def fetch(host, name, file):
    ftp = FTP(host)
    ftp.login()
    ftp.retrbinary(f"RETR {name}", file.write)
""",
        """
import requests

def news():
    return requests.get("http://news.example.com/feed.xml", timeout=5).text
""",
        """
import imaplib

def inbox(user, password):
    box = imaplib.IMAP4_SSL("mail.example.com")
    box.login(user, password)
    return box.select()
""",
    ),
)
