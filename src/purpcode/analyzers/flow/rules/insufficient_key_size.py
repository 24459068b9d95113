"""Keys too short to withstand today's computers."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.purpose import function_around
from purpcode.analyzers.flow.rule import FlowRule, Match

_SIZES: tuple[tuple[str, int, str, int], ...] = (
    ("*rsa.generate_private_key", 1, "key_size", 2048),
    ("*dsa.generate_private_key", 0, "key_size", 2048),
    ("*dsa.generate_parameters", 0, "key_size", 2048),
    ("*dh.generate_parameters", 1, "key_size", 2048),
    ("*RSA.generate", 0, "bits", 2048),
    ("*DSA.generate", 0, "bits", 2048),
    ("*ElGamal.generate", 0, "bits", 2048),
    ("rsa.newkeys", 0, "nbits", 2048),
    ("paramiko.RSAKey.generate", 0, "bits", 2048),
    ("paramiko.DSSKey.generate", 0, "bits", 2048),
    ("*.PKey().generate_key", 1, "bits", 2048),
    ("*AESGCM.generate_key", 0, "bit_length", 128),
)
_CURVES = ("SECP192R1", "SECT163K1", "SECT163R2", "BrainpoolP160R1", "SECP160R1", "SECP160K1")
_CURVE_NAMES = frozenset(("p-192", "p192", "nist p-192", "prime192v1", "secp192r1", "secp160r1"))


def _short(code: Code) -> Iterator[Match]:
    for name, position, keyword, least in _SIZES:
        for call in code.calls_to((name,)):
            size = call.argument(position, keyword)
            bits = size.const if size is not None and size.known else None
            if bits is None:
                bits = _default_of(code, call, call.node_of(position, keyword))
            if type(bits) is int and 0 < bits < least:
                yield Match(call.node, f"a key of {bits} bits is made")


def _default_of(code: Code, call: Call, node: ast.expr | None) -> object:
    """The literal that a parameter is when the caller says nothing."""
    function = function_around(code, call.node)
    if not isinstance(node, ast.Name) or function is None:
        return None
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    defaults = zip(positional[len(positional) - len(given.defaults) :], given.defaults, strict=True)
    for one, default in (*defaults, *zip(given.kwonlyargs, given.kw_defaults, strict=True)):
        if one.arg == node.id and isinstance(default, ast.Constant):
            return default.value
    return None


def _curves(code: Code) -> Iterator[Match]:
    for call in code.calls_to(tuple(f"*ec.{name}" for name in _CURVES)):
        yield Match(call.node, "the curve is too small")
    for call in code.calls_to(("*ECC.generate", "ecdsa.SigningKey.generate")):
        for one in (*call.args, *call.keywords.values()):
            small = any(
                name.endswith(("NIST192p", "SECP160r1", "BRAINPOOLP160r1")) for name in one.names
            )
            if small or (one.text or "").lower() in _CURVE_NAMES:
                yield Match(call.node, "the curve is too small")


RULE = FlowRule(
    id="insufficient-key-size",
    title="Key too short",
    cwes=(326,),
    severity="medium",
    severity_reason="Such keys can be computed from what is public.",
    fix="Use RSA, DSA and DH keys of at least 2048 bits (3072 for new ones) and curves of 256 "
    "bits.",
    reference="https://cwe.mitre.org/data/definitions/326.html",
    detectors=(_short, _curves),
    confidence="high",
    insecure=(
        """
from cryptography.hazmat.primitives.asymmetric import rsa

def new_key(bits=1024):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)
""",
        """
from cryptography.hazmat.primitives.asymmetric import rsa

def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)
""",
        """
from Crypto.PublicKey import RSA

BITS = 512 * 2

def new_key():
    return RSA.generate(BITS)
""",
        """
from cryptography.hazmat.primitives.asymmetric import ec

def new_key():
    return ec.generate_private_key(ec.SECP192R1())
""",
        """
from OpenSSL import crypto

def new_key():
    key = crypto.PKey()
    key.generate_key(crypto.TYPE_RSA, 1024)
    return key
""",
        """
from cryptography.hazmat.primitives.asymmetric import dh

def exchange(size=1024):
    return dh.generate_parameters(generator=2, key_size=1024)
""",
    ),
    secure=(
        """
from cryptography.hazmat.primitives.asymmetric import rsa

def new_key(bits=3072):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)
""",
        """
from cryptography.hazmat.primitives.asymmetric import rsa

def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=3072)
""",
        """
from Crypto.PublicKey import RSA

def new_key(bits=2048):
    return RSA.generate(bits)
""",
        """
from cryptography.hazmat.primitives.asymmetric import ec

def new_key():
    return ec.generate_private_key(ec.SECP256R1())
""",
        """
from cryptography.hazmat.primitives.asymmetric import ed25519

def new_key():
    return ed25519.Ed25519PrivateKey.generate()
""",
    ),
)
