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


def _none_given(code: Code) -> Iterator[Match]:
    """`cert_reqs=ssl.CERT_NONE`, `cert_reqs="CERT_NONE"`, `ctx.set_verify(VERIFY_NONE, ...)`."""
    for call in code.calls:
        value = call.keywords.get("cert_reqs") or call.keywords.get("tls_verify")
        if value is not None and (value.names & _CERT_NONE or value.text == "CERT_NONE"):
            yield Match(call.node, "no certificate is asked for")
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
        _callbacks,
    ),
    confidence="high",
    insecure=(
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
