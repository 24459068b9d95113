"""TLS versions and cipher suites that no longer protect."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_OLD = re.compile(
    r"^(ssl|\?ssl|OpenSSL\.SSL|\?SSL|\?)\.?(PROTOCOL_(SSLv2|SSLv3|TLSv1|TLSv1_1)|(SSLv2|SSLv3|TLSv1|TLSv1_1)_METHOD|"
    r"TLSVersion\.(SSLv3|TLSv1|TLSv1_1|MINIMUM_SUPPORTED)|TLS1_VERSION|TLS1_1_VERSION|SSL3_VERSION)$"
)
_WEAK_SUITE = re.compile(
    r"(?i)(?<![!A-Z0-9-])(RC4|DES-CBC3|3DES|DES|MD5|aNULL|eNULL|NULL|"
    r"EXPORT|EXP|ADH|AECDH|LOW)"
    r"(?![a-z])"
)
_MINIMUM = ("*.minimum_version", "*.ssl_version", "*.maximum_version")


def _is_old(value: Value | None) -> bool:
    return value is not None and any(_OLD.search(name) for name in value.names)


def _given(code: Code) -> Iterator[Match]:
    for call in code.calls:
        for keyword in ("ssl_version", "ssl_minimum_version", "minimum_version", "protocol"):
            if _is_old(call.keywords.get(keyword)):
                yield Match(call.node, "an old version of TLS is asked for")
        if (
            (
                call.fits("*SSLContext")
                or call.fits("*SSL.Context")
                or call.fits("*.set_min_proto_version")
            )
            and call.args
            and _is_old(call.args[0])
        ):
            yield Match(call.node, "an old version of TLS is asked for")


def _stored(code: Code) -> Iterator[Match]:
    for store in code.stores_to(_MINIMUM):
        if _is_old(store.value):
            yield Match(store.node, "an old version of TLS is allowed")


def _suites(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("*.set_ciphers", "*.set_cipher_list", "*create_urllib3_context")):
        for one in (*call.args, *call.keywords.values()):
            text = one.const.decode("latin-1") if isinstance(one.const, bytes) else one.text
            if text and _WEAK_SUITE.search(text):
                yield Match(call.node, "broken cipher suites are allowed", None, (327,))


RULE = FlowRule(
    id="old-tls-version",
    title="Old TLS",
    cwes=(327, 757, 326),
    severity="medium",
    severity_reason="SSL 3, TLS 1.0 and 1.1 and their suites have known attacks.",
    fix="Use `ssl.create_default_context()` with `minimum_version = ssl.TLSVersion.TLSv1_2` "
    "and its suites.",
    reference="https://cwe.mitre.org/data/definitions/757.html",
    detectors=(_given, _stored, _suites),
    confidence="high",
    insecure=(
        """
import ssl

def context():
    return ssl.SSLContext(ssl.PROTOCOL_TLSv1)
""",
        """
import ssl

def context():
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1
    return made
""",
        """
import ssl

def context():
    made = ssl.create_default_context()
    made.set_ciphers("RC4-SHA:AES128-SHA")
    return made
""",
        """
from OpenSSL import SSL

METHOD = SSL.SSLv3_METHOD

def context():
    return SSL.Context(METHOD)
""",
    ),
    secure=(
        """
import ssl

def context():
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made
""",
        """
import ssl

def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_default_certs()
    made.set_ciphers("ECDHE+AESGCM:!aNULL:!MD5:!RC4:!3DES")
    return made
""",
        """
from OpenSSL import SSL

def context():
    made = SSL.Context(SSL.TLS_CLIENT_METHOD)
    made.set_min_proto_version(SSL.TLS1_2_VERSION)
    return made
""",
    ),
)
