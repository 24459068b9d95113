"""Initialisation vectors and nonces that are fixed, used again, or guessable."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code, Store
from purpcode.analyzers.flow.key_material import is_fixed
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_BLOCK = tuple(
    f"*{name}.new"
    for name in (
        "AES",
        "DES",
        "DES3",
        "Blowfish",
        "ARC2",
        "CAST",
        "ChaCha20",
        "Salsa20",
        "ChaCha20_Poly1305",
    )
)
_MODES = tuple(f"*modes.{name}" for name in ("CBC", "CTR", "GCM", "CFB", "OFB", "CFB8", "XTS"))
_AEAD = tuple(
    f"*{name}().encrypt"
    for name in ("AESGCM", "AESCCM", "ChaCha20Poly1305", "AESOCB3", "AESGCMSIV", "AESSIV")
)
_FRESH = frozenset(("AESGCMSIV", "AESSIV"))
"""Modes made to bear a nonce used twice."""


def _places(code: Code) -> Iterator[tuple[Call, int | None, str]]:
    """Calls and where they take their IV or nonce."""
    for call in code.calls_to(_BLOCK):
        for keyword in ("iv", "nonce", "IV", "initial_value"):
            if keyword in call.keywords:
                yield call, None, keyword
        if len(call.args) > 2:
            yield call, 2, "iv"
    for call in code.calls_to(_MODES):
        yield call, 0, "nonce" if "nonce" in call.keywords else "initialization_vector"
    for call in code.calls_to(("*algorithms.ChaCha20",)):
        yield call, 1, "nonce"
    for call in code.calls_to(_AEAD):
        if not any(mode in name for name in call.names for mode in _FRESH):
            yield call, 0, "nonce"
    for call in code.calls_to(("nacl.secret.SecretBox().encrypt", "*.SecretBox().encrypt")):
        if len(call.args) > 1 or "nonce" in call.keywords:
            yield call, 1, "nonce"


def _counters(code: Code) -> Iterator[Match]:
    """`Counter.new(128)` starts at one for every message, as does the key stream."""
    for call in code.calls_to(("Crypto.Util.Counter.new", "Cryptodome.Util.Counter.new")):
        start = call.argument(3, "initial_value")
        prefix = call.argument(1, "prefix")
        fixed = start is None or type(start.const) is int
        if fixed and (prefix is None or prefix.const == b"") and not call.spread:
            yield Match(call.node, "the counter starts at the same value for every message")


def _fixed(code: Code) -> Iterator[Match]:
    for call, position, keyword in _places(code):
        if is_fixed(code, call, position, keyword):
            yield Match(call.node, "the IV or nonce is always the same")
            continue
        node = call.node_of(position, keyword)
        value = call.argument(position, keyword)
        if node is None or value is None:
            continue
        if any(name.startswith("random.") for name in value.names):
            yield Match(call.node, "the IV comes from a guessable generator", None, (1204, 338))
        elif _is_the_time(code, call, node):
            yield Match(call.node, "the IV is the time, which others know", None, (1204, 329))
        elif _is_the_key(call, node):
            yield Match(call.node, "the IV is the key itself")
        elif _made_once(code, call, node):
            yield Match(
                call.node, "every message is encrypted with the same nonce", None, (323, 329)
            )


def _is_the_time(code: Code, call: Call, node: ast.expr) -> bool:
    """`iv = struct.pack(">QQ", int(time.time()), 0)`, without anything random in it."""
    sources = [node]
    if isinstance(node, ast.Name):
        sources = [
            one.source
            for one in code.stores
            if one.path == node.id and one.scope.path == call.scope.path and one.source is not None
        ]
    texts = [ast.unparse(one) for one in sources]
    return bool(texts) and all(
        "time(" in one and "random" not in one and "token" not in one for one in texts
    )


def _is_the_key(call: Call, node: ast.expr) -> bool:
    """`AES.new(key, MODE_CBC, key[:16])`."""
    if not call.node.args or not any(call.fits(name) for name in _BLOCK):
        return False
    part = node.value if isinstance(node, ast.Subscript) else node
    return isinstance(part, ast.Name) and ast.dump(part) == ast.dump(call.node.args[0])


def _made_once(code: Code, call: Call, node: ast.expr) -> bool:
    """A nonce made at the top of the module or with the object, used where messages are
    encrypted."""
    function = call.scope.node
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    if function.name == "__init__" or "decrypt" in function.name.lower():
        return False
    if "encrypt" not in ast.unparse(function).lower():
        return False
    path = ast.unparse(node)
    made = [one for one in code.stores if one.path == path]
    if isinstance(node, ast.Attribute):
        return bool(made) and all(one.scope.name == "__init__" for one in made) and _random(made)
    local = any(one.scope.path == call.scope.path for one in made)
    parameter = any(one.arg == path for one in walk(function.args) if isinstance(one, ast.arg))
    return (
        bool(made)
        and not local
        and not parameter
        and _random(made)
        and all(one.scope.path == "" for one in made)
    )


def _random(made: list[Store]) -> bool:
    return all(
        one.source is not None
        and (
            "urandom" in (text := ast.unparse(one.source))
            or "random_bytes" in text
            or "token_bytes" in text
        )
        for one in made
    )


RULE = FlowRule(
    id="static-iv-or-nonce",
    title="Initialisation vector or nonce used again",
    cwes=(329, 323, 1204),
    severity="medium",
    severity_reason="With the same IV equal messages look equal; a nonce used twice undoes "
    "GCM and CTR.",
    fix="Make a fresh one for every message with `os.urandom` and send it along.",
    reference="https://cwe.mitre.org/data/definitions/329.html",
    detectors=(_fixed, _counters),
    confidence="high",
    insecure=(
        """
import struct
import time
from Crypto.Cipher import AES

def hidden(key, text):
    iv = struct.pack(">QQ", int(time.time()), 0)
    return iv + AES.new(key, AES.MODE_CBC, iv).encrypt(text)
""",
        """
from Crypto.Cipher import AES
from Crypto.Util import Counter

def hidden(key, text):
    return AES.new(key, AES.MODE_CTR, counter=Counter.new(128)).encrypt(text)
""",
        """
from Crypto.Cipher import AES
from Crypto.Util.Padding import pad

IV = b"\\x00" * 16

def seal(key, text):
    return AES.new(key, AES.MODE_CBC, IV).encrypt(pad(text, 16))
""",
        """
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

def seal(key, text):
    encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return encryptor.update(text) + encryptor.finalize()
""",
        """
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

def seal(key, text):
    return AESGCM(key).encrypt("unique nonce".encode(), text, None)
""",
        """
import os
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

class Box:
    def __init__(self, key):
        self.cipher = ChaCha20Poly1305(key)
        self.nonce = os.urandom(12)

    def encrypt(self, text):
        return self.cipher.encrypt(self.nonce, text, None)
""",
        """
from Crypto.Cipher import AES

def encrypt(key, text):
    return AES.new(key, AES.MODE_CFB, key[:16]).encrypt(text)
""",
        """
import random
from Crypto.Cipher import AES

def encrypt(key, text):
    iv = random.randbytes(16)
    return iv + AES.new(key, AES.MODE_CFB, iv=iv).encrypt(text)
""",
    ),
    secure=(
        """
import os
from Crypto.Cipher import AES
from Crypto.Util import Counter

def hidden(key, text):
    start = os.urandom(8)
    counter = Counter.new(64, prefix=start)
    return start + AES.new(key, AES.MODE_CTR, counter=counter).encrypt(text)
""",
        """
import os
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

def seal(key, text):
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, text, None)
""",
        """
from Crypto.Cipher import AES
from Crypto.Random import get_random_bytes

def seal(key, text):
    nonce = get_random_bytes(12)
    cipher = AES.new(key, AES.MODE_GCM, nonce=nonce)
    sealed, tag = cipher.encrypt_and_digest(text)
    return nonce + tag + sealed
""",
        """
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

def unseal(key, sealed):
    nonce, rest = sealed[:12], sealed[12:]
    return AESGCM(key).decrypt(nonce, rest, None)
""",
        """
import os
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

class Box:
    def __init__(self, key):
        self.cipher = ChaCha20Poly1305(key)

    def encrypt(self, text):
        self.nonce = os.urandom(12)
        return self.nonce + self.cipher.encrypt(self.nonce, text, None)
""",
    ),
)
