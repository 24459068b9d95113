"""TLS connections whose peer shows no valid certificate."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import argument_is, calls, stored_const, stores
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_CLIENTS = (
    *("requests.*", "requests.Session().*", "httpx.*", "httpx.Client().*", "httpx.AsyncClient().*"),
    *("*.session.*", "?self.session.*", "?session.*", "?client.*", "niquests.*", "boto3.client"),
    *("boto3.resource", "hvac.Client", "urllib3.*"),
)
_SSL_FALSE = (
    "aiohttp.*",
    "aiohttp.ClientSession().*",
    "?session.*",
    "?self.session.*",
    "*._session.*",
)
_CERT_NONE = frozenset(
    ("ssl.CERT_NONE", "?CERT_NONE", "OpenSSL.SSL.VERIFY_NONE", "?SSL.VERIFY_NONE")
)
_UNSURE = frozenset(("ssl.CERT_OPTIONAL", "?CERT_OPTIONAL"))
_MADE = frozenset(("ssl.SSLContext()",))
_CONNECTS = (
    *("asyncio.open_connection", "urllib.request.urlopen", "*.HTTPSConnection", "*.starttls"),
    *("*.create_connection", "smtplib.SMTP_SSL", "ftplib.FTP_TLS", "imaplib.IMAP4_SSL"),
)
_BARE = frozenset(("ssl.PROTOCOL_TLS", "ssl.PROTOCOL_SSLv23"))


def _none_given(code: Code) -> Iterator[Match]:
    """`cert_reqs=ssl.CERT_NONE`, `cert_reqs="CERT_NONE"`, `ctx.set_verify(VERIFY_NONE, ...)`."""
    for call in code.calls:
        value = call.keywords.get("cert_reqs") or call.keywords.get("tls_verify")
        if value is not None and (value.names & _CERT_NONE or value.text in ("CERT_NONE", "NONE")):
            yield Match(call.node, "no certificate is asked for")
        elif value is not None and value.names & _UNSURE and call.fits("urllib3.*"):
            yield Match(call.node, "a peer without a certificate passes")
        if call.fits("*.set_verify") and call.args and call.args[0].names & _CERT_NONE:
            yield Match(call.node, "no certificate is asked for")


def _stored_none(code: Code) -> Iterator[Match]:
    for store in code.stores_to(("*.verify_mode", "*.cert_reqs")):
        if store.value.names & _CERT_NONE or (
            store.value.const == 0 and "verify_mode" in str(store.path)
        ):
            yield Match(store.node, "no certificate is asked for")
    for store in code.stores_to(("ssl._create_default_https_context",)):
        if any("unverified" in name for name in store.value.names):
            yield Match(store.node, "certificates are no longer checked anywhere")


def _bare_contexts(code: Code) -> Iterator[Match]:
    """`SSLContext(PROTOCOL_TLS)` of a client asks for no certificate until it is told to."""
    told = any(True for _ in code.stores_to(("*.verify_mode",)))
    serves = any(True for _ in code.calls_to(("*.load_cert_chain",)))
    if told or serves:
        return
    for call in code.calls_to(("ssl.SSLContext().wrap_socket", *_CONNECTS)):
        context = call.keywords.get("ssl") or call.keywords.get("context")
        if call.receiver.names.isdisjoint(_MADE) and (
            context is None or context.names.isdisjoint(_MADE)
        ):
            continue
        served = call.keywords.get("server_side")
        if served is not None and served.const is not False:
            continue
        for made in code.calls_to(("ssl.SSLContext",)):
            protocol = made.argument(0, "protocol")
            if protocol is None or protocol.names & _BARE:
                yield Match(call.node, "the context asks for no certificate")
                break


def _curl(code: Code) -> Iterator[Match]:
    """`curl.setopt(pycurl.SSL_VERIFYPEER, 0)`."""
    for call in code.calls_to(("*.setopt",)):
        option = call.node_of(0, "option")
        value = call.argument(1, "value")
        if (
            isinstance(option, ast.Attribute)
            and value is not None
            and value.known
            and option.attr in ("SSL_VERIFYPEER", "SSL_VERIFYHOST")
            and not value.const
        ):
            yield Match(call.node, "the certificate is not verified")


def _callbacks(code: Code) -> Iterator[Match]:
    """A verification callback of pyOpenSSL that always agrees."""
    always = {
        node.name
        for node in code.nodes
        if isinstance(node, ast.FunctionDef) and _only_true(node.body)
    }
    for call in code.calls_to(("*.set_verify",)):
        callback = call.node_of(1, "callback")
        agrees = isinstance(callback, ast.Name) and callback.id in always
        if isinstance(callback, ast.Lambda):
            agrees = isinstance(callback.body, ast.Constant) and callback.body.value is True
        if agrees:
            yield Match(call.node, "the callback accepts every certificate", None, (295, 299))


def _only_true(body: list[ast.stmt]) -> bool:
    found = [one for statement in body for one in walk(statement) if isinstance(one, ast.Return)]
    return (
        bool(found)
        and all(isinstance(one.value, ast.Constant) and one.value.value is True for one in found)
        and not any(isinstance(one, ast.If | ast.Raise) for one in body)
    )


RULE = FlowRule(
    id="tls-verification-off",
    title="Certificate not checked",
    cwes=(295, 299),
    severity="medium",
    severity_reason="Anybody on the way can answer in the peer's name and read everything.",
    fix='Leave verification on; for an own authority give its certificate (`verify="ca.pem"`).',
    reference="https://cwe.mitre.org/data/definitions/295.html",
    detectors=(
        calls(_CLIENTS, "`verify=False`", argument_is(None, "verify", False)),
        calls(_SSL_FALSE, "`ssl=False`", argument_is(None, "ssl", False)),
        calls(_SSL_FALSE, "`verify_ssl=False`", argument_is(None, "verify_ssl", False)),
        calls(
            ("ssl._create_unverified_context", "ssl._create_stdlib_context"), "nothing is verified"
        ),
        calls(
            ("*.HTTPSConnection", "*.Redis", "pymongo.MongoClient", "elasticsearch.Elasticsearch"),
            "certificates are not verified",
            lambda call: any(
                (value := call.keywords.get(name)) is not None and value.const is bad
                for name, bad in (
                    ("verify_certs", False),
                    ("tlsAllowInvalidCertificates", True),
                    ("tlsInsecure", True),
                )
            ),
        ),
        stores(
            (
                "requests.Session().verify",
                "*session.verify",
                "*.session.verify",
                "httpx.Client().verify",
                "?self.verify",
            ),
            "`verify` is switched off",
            stored_const(False),
        ),
        stores(("*.tlsAllowInvalidCertificates",), "invalid certificates pass", stored_const(True)),
        _none_given,
        _stored_none,
        _bare_contexts,
        _curl,
        _callbacks,
    ),
    confidence="high",
    insecure=(
        """
import asyncio
import ssl

async def connect(host):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    return await asyncio.open_connection(host, 443, ssl=context)
""",
        """
import ssl
from urllib3 import PoolManager

POOL = PoolManager(cert_reqs=ssl.CERT_OPTIONAL)
""",
        """
import pycurl

def fetch():
    curl = pycurl.Curl()
    curl.setopt(curl.URL, "https://shop.example.com")
    curl.setopt(pycurl.SSL_VERIFYPEER, 0)
    curl.perform()
""",
        """
import socket
import ssl

def reach(host):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    return context.wrap_socket(socket.create_connection((host, 443)))
""",
        """
import requests

def stock(url):
    return requests.get(url, verify=False, timeout=5).json()
""",
        """
import requests

def open_session():
    session = requests.Session()
    session.verify = False
    return session
""",
        """
import ssl
from urllib.request import urlopen

def load(url):
    context = ssl._create_unverified_context()
    return urlopen(url, context=context, timeout=5).read()
""",
        """
import ssl

def context():
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made
""",
        """
import aiohttp

async def stock(url):
    async with aiohttp.ClientSession() as session:
        async with session.get(url, ssl=False) as answer:
            return await answer.json()
""",
        """
from OpenSSL import SSL

def accept(connection, certificate, error, depth, ok):
    return True

def context():
    made = SSL.Context(SSL.TLS_CLIENT_METHOD)
    made.set_verify(SSL.VERIFY_PEER, accept)
    return made
""",
    ),
    secure=(
        """
import asyncio
import ssl

async def connect(host):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    return await asyncio.open_connection(host, 443, ssl=context)
""",
        """
import socket
import ssl

def reach(host):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    context.load_default_certs()
    return context.wrap_socket(socket.create_connection((host, 443)), server_hostname=host)
""",
        """
import requests

def stock(url):
    return requests.get(url, verify="/etc/ssl/own-ca.pem", timeout=5).json()
""",
        """
import ssl
from urllib.request import urlopen

def load(url):
    context = ssl.create_default_context()
    return urlopen(url, context=context, timeout=5).read()
""",
        """
import httpx

def stock(url):
    with httpx.Client(verify=True) as client:
        return client.get(url).json()
""",
        """
from OpenSSL import SSL

def accept(connection, certificate, error, depth, ok):
    return bool(ok)

def context():
    made = SSL.Context(SSL.TLS_CLIENT_METHOD)
    made.set_verify(SSL.VERIFY_PEER, accept)
    return made
""",
        """
def login(session, token):
    return session.decode(token, verify=True)
""",
    ),
)
