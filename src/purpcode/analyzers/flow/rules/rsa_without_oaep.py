"""RSA encryption with the old padding, or none."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.purpose import function_around, words_of
from purpcode.analyzers.flow.rule import FlowRule, Match


def _old_padding(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("*.encrypt", "*.decrypt")):
        padding = call.argument(1, "padding")
        if padding is not None and any(name.endswith("PKCS1v15()") for name in padding.names):
            yield Match(call.node, "the padding is PKCS #1 v1.5")
    for call in code.calls_to(("*.Cipher.PKCS1_v1_5.new",)):
        yield Match(call.node, "the padding is PKCS #1 v1.5")
    for call in code.calls_to(("rsa.encrypt", "rsa.decrypt")):
        if code.uses_module("rsa"):
            yield Match(call.node, "this library pads with PKCS #1 v1.5")


def _no_padding(code: Code) -> Iterator[Match]:
    """`pow(message, e, n)`: textbook RSA; noted only, since it is also taught."""
    for call in code.calls_to(("pow",)):
        if len(call.node.args) != 3:
            continue
        function = function_around(code, call.node)
        words = words_of(call.node.args[1]) | words_of(call.node.args[2])
        named = function is not None and re.search(r"(?i)encrypt|rsa", function.name)
        if named and words & {"e", "public_exponent"} and words & {"n", "modulus"}:
            yield Match(call.node, "nothing pads the message", "low")


RULE = FlowRule(
    id="rsa-without-oaep",
    title="RSA without OAEP",
    cwes=(780,),
    severity="medium",
    severity_reason="Answers to changed ciphertexts give away what was encrypted.",
    fix="Pad with OAEP: `padding.OAEP(mgf=..., algorithm=hashes.SHA256(), label=None)`.",
    reference="https://cwe.mitre.org/data/definitions/780.html",
    detectors=(_old_padding, _no_padding),
    confidence="high",
    insecure=(
        """
from cryptography.hazmat.primitives.asymmetric import padding

def seal(public_key, text):
    return public_key.encrypt(text, padding.PKCS1v15())
""",
        """
from Crypto.Cipher import PKCS1_v1_5
from Crypto.PublicKey import RSA

def seal(pem, text):
    return PKCS1_v1_5.new(RSA.import_key(pem)).encrypt(text)
""",
        """
import rsa

def seal(public_key, text):
    return rsa.encrypt(text.encode(), public_key)
""",
    ),
    secure=(
        """
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

def seal(public_key, text):
    chosen = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    return public_key.encrypt(text, chosen)
""",
        """
from Crypto.Cipher import PKCS1_OAEP
from Crypto.PublicKey import RSA

def seal(pem, text):
    return PKCS1_OAEP.new(RSA.import_key(pem)).encrypt(text)
""",
        """
from Crypto.Hash import SHA256
from Crypto.Signature import PKCS1_v1_5

def sign(key, text):
    return PKCS1_v1_5.new(key).sign(SHA256.new(text))
""",
        """
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

def verify(public_key, signature, text):
    public_key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
""",
    ),
)
