"""Hash functions for which collisions are easily made: MD5, SHA-1 and older."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.purpose import function_around, purposes, words_of
from purpcode.analyzers.flow.rule import FlowRule, Level, Match

_DIRECT = (
    "hashlib.md5",
    "hashlib.sha1",
    "*.Hash.MD5.new",
    "*.Hash.SHA1.new",
    "*.Hash.SHA.new",
    "*.Hash.MD4.new",
    "*.Hash.MD2.new",
    "*.hashes.MD5",
    "*.hashes.SHA1",
    "?MD5.new",
    "?SHA1.new",
    "md5.new",
    "sha.new",
    "passlib.hash.hex_md5.hash",
    "passlib.hash.hex_sha1.hash",
    "?hashes.MD5",
    "?hashes.SHA1",
)
_WEAK = re.compile(r"(?i)(md[245]|sha-?1?|ripemd-?160|whirlpool-?t)")
_CHECKSUM = re.compile(
    r"(?i)check_?sum|etag|cache|finger_?print|dedup|duplicate|(content|file|image|row|data)_?(hash|md5)|"
    r"chunk|md5_?sum|sha1_?sum|bucket|shard|partition|gravatar|avatar|colou?r|bloom|file_?name|"
    r"(^|_)path$|version|revision|change|ring|minhash|simhash|feature|slug|commit|blob|object_?id|"
    r"(call|row|url|query|name|prompt|text|config|schema)_hash$|short_?id|cache_?key|"
    r"locat|seed|digest_file|ident|accept|websocket|pack|integrity|content$"
)
_SECURITY = re.compile(
    r"(?i)passw|(^|_)pwd|token|secret|sign|session|auth|credential|otp|api_?key|licen[cs]e|hmac|(^|_)mac$"
)
_AROUND_HARMLESS = frozenset(("HMAC", "MGF1", "OAEP", "TOTP", "HOTP", "PBKDF2HMAC", "UUID"))


def _weak_hashes(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_DIRECT):
        if not _excused(code, call):
            yield Match(call.node, "MD5 or SHA-1 is computed", _level(code, call))
    for call in code.calls_to(("hashlib.new", "*.hashlib.new")):
        name = call.argument(0, "name")
        if name is not None and _WEAK.fullmatch(name.text or "") and not _excused(code, call):
            yield Match(call.node, f"{name.text} is computed", _level(code, call))


def _hash_classes(code: Code) -> Iterator[Match]:
    """A signature over a hash that is handed on by name."""
    for call in code.calls_to(
        (
            "OpenSSL.crypto.sign",
            "*.X509().sign",
            "*.X509Req().sign",
            "OpenSSL.crypto.X509().sign",
            "OpenSSL.crypto.X509Req().sign",
        )
    ):
        for one in (*call.args, *call.keywords.values()):
            if _WEAK.fullmatch(one.text or ""):
                yield Match(call.node, f"a signature is made over {one.text}")


def _excused(code: Code, call: Call) -> bool:
    flag = call.keywords.get("usedforsecurity")
    if flag is not None and flag.const is False:
        return True
    around: ast.AST | None = code.parents.get(id(call.node))
    if isinstance(around, ast.keyword):
        around = code.parents.get(id(around))
    if isinstance(around, ast.Dict):
        return True  # a table of algorithms uses none of them
    if isinstance(around, ast.Call):
        name = around.func.attr if isinstance(around.func, ast.Attribute) else ""
        name = around.func.id if isinstance(around.func, ast.Name) else name
        return name in _AROUND_HARMLESS
    return False


def _level(code: Code, call: Call) -> Level | None:
    """Low where the names around say that it is a checksum and nothing to do with security."""
    names = purposes(code, call.node)
    for one in call.node.args:
        names |= words_of(one)
    function = function_around(code, call.node)
    if function is not None:
        names.add(function.name)
        names |= {one.arg for one in function.args.args}
        if call.scope.owner:
            names.add(call.scope.owner)
    if any(_SECURITY.search(name) for name in names):
        return None
    return "low" if any(_CHECKSUM.search(name) for name in names) else None


RULE = FlowRule(
    id="weak-hash",
    title="Broken hash function",
    cwes=(328, 327),
    severity="medium",
    severity_reason="Different inputs with the same MD5 or SHA-1 are made at will.",
    fix="Use SHA-256 or BLAKE2 (`hashlib.sha256`); for a mere checksum pass "
    "`usedforsecurity=False`.",
    reference="https://cwe.mitre.org/data/definitions/328.html",
    detectors=(_weak_hashes, _hash_classes),
    insecure=(
        """
import hashlib

def sign(message: bytes, secret: bytes) -> str:
    return hashlib.md5(secret + message).hexdigest()
""",
        """
import hashlib

ALGORITHM = "sha1"

def reset_token(user):
    digest = hashlib.new(ALGORITHM)
    digest.update(user.email.encode())
    return digest.hexdigest()
""",
        """
from cryptography.hazmat.primitives import hashes

def digest(document):
    state = hashes.Hash(hashes.SHA1())
    state.update(document)
    return state.finalize()
""",
        """
from Crypto.Hash import MD5

def seal(message):
    state = MD5.new()
    state.update(message)
    return state.hexdigest()
""",
        """
from OpenSSL import crypto

def sign(key, data):
    return crypto.sign(key, data, "sha1")
""",
        """
import hashlib
from flask import Flask, request

app = Flask(__name__)

@app.route("/vote", methods=["POST"])
def vote():
    receipt = getattr(hashlib, "md5")(request.get_data())
    return receipt.hexdigest()
""",
    ),
    secure=(
        """
import hashlib
import hmac

def sign(message: bytes, secret: bytes) -> str:
    return hmac.new(secret, message, hashlib.sha256).hexdigest()
""",
        """
import hashlib

def cache_key(url):
    return hashlib.md5(url.encode(), usedforsecurity=False).hexdigest()
""",
        """
from cryptography.hazmat.primitives import hashes

def digest(document):
    state = hashes.Hash(hashes.SHA256())
    state.update(document)
    return state.finalize()
""",
        """
import hashlib

def file_checksum(path):
    state = hashlib.md5()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(65536), b""):
            state.update(chunk)
    return state.hexdigest()
""",
        """
import hashlib

def reset_token(user, name="sha512"):
    digest = hashlib.new(name)
    digest.update(user.nonce)
    return digest.hexdigest()
""",
        """
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from cryptography.hazmat.primitives.hashes import SHA1

def code(key, now):
    return TOTP(key, 6, SHA1(), 30).generate(now)
""",
    ),
)
