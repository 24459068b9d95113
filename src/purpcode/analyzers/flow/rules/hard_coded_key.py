"""Cryptographic keys written into the program."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.key_material import is_fixed, is_literal
from purpcode.analyzers.flow.purpose import words_of
from purpcode.analyzers.flow.rule import FlowRule, Match

_CIPHERS = (
    "AES",
    "DES",
    "DES3",
    "Blowfish",
    "ARC2",
    "ARC4",
    "CAST",
    "ChaCha20",
    "ChaCha20_Poly1305",
    "Salsa20",
)
_TAKES_KEY: tuple[tuple[str, int, str], ...] = (
    *((f"*{name}.new", 0, "key") for name in _CIPHERS),
    *(
        (f"*algorithms.{name}", 0, "key")
        for name in (
            "AES",
            "AES256",
            "AES128",
            "ChaCha20",
            "TripleDES",
            "Camellia",
            "SM4",
            "ARC4",
            "Blowfish",
        )
    ),
    *(
        (f"*aead.{name}", 0, "key")
        for name in ("AESGCM", "AESCCM", "ChaCha20Poly1305", "AESSIV", "AESGCMSIV", "AESOCB3")
    ),
    ("*.Fernet", 0, "key"),
    ("?Fernet", 0, "key"),
    ("nacl.secret.SecretBox", 0, "key"),
    ("hmac.new", 0, "key"),
    ("hmac.digest", 0, "key"),
    ("hashlib.pbkdf2_hmac", 1, "password"),
    ("*PBKDF2HMAC().derive", 0, "key_material"),
    ("*Scrypt().derive", 0, "key_material"),
    ("*HKDF().derive", 0, "key_material"),
    ("*.KDF.PBKDF2", 0, "password"),
    ("*.KDF.scrypt", 0, "password"),
)
_KEY_NAME = re.compile(
    r"(?i)^(.*_)?(encryption|encrypt|cipher|aes|crypto|fernet|hmac|signing|master|private)_?key(_bytes|_b64)?$"
)
_PEM = re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[\s\\n]+[A-Za-z0-9+/=\s\\]{48,}")
_PLACEHOLDER = re.compile(
    r"(?i)your[-_ ]|<.*>|change[-_ ]?me|placeholder|example|x{4,}|"
    r"\.\.\.|\{|\$|/|\.pem|"
    r"^[a-z]+(_[a-z]+)*_?key$|^[A-Z]+(_[A-Z]+)+$"
)
_SECRET = re.compile(r"(?i)token|secret|key|seed|salt")


def _used(code: Code) -> Iterator[Match]:
    for name, position, keyword in _TAKES_KEY:
        for call in code.calls_to((name,)):
            if not is_fixed(code, call, position, keyword):
                continue
            if name.startswith("hmac.") and _SECRET.search(
                " ".join(words_of(call.node_of(1, "msg")))
            ):
                continue  # protocols derive keys from a secret under a fixed label
            yield Match(call.node, "the key is written into the program")


def _named(code: Code) -> Iterator[Match]:
    """`ENCRYPTION_KEY = b"..."`."""
    for store in code.stores:
        text = store.value.const
        if not isinstance(text, str | bytes) or len(text) < 8 or not is_literal(store.value):
            continue
        shown = text.decode("latin-1") if isinstance(text, bytes) else text
        path = (store.path or "").rpartition(".")[2]
        name = store.key if isinstance(store.key, str) else path
        if _KEY_NAME.search(name) and not _PLACEHOLDER.search(shown) and " " not in shown:
            yield Match(store.node, f"'{name}' is written into the program")


def _private_keys(code: Code) -> Iterator[Match]:
    for node in code.nodes_of(ast.Constant):
        if isinstance(node.value, str | bytes):
            text = node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
            if "PRIVATE KEY" in text and _PEM.search(text):
                yield Match(node, "a private key is written into the program")


RULE = FlowRule(
    id="hard-coded-key",
    title="Key in the program",
    cwes=(321, 798),
    severity="medium",
    severity_reason="Everybody who has the program has the key, and changing it means a new "
    "program.",
    fix="Load the key from the environment or a secret store; make it with `os.urandom` or "
    "`Fernet.generate_key()`.",
    reference="https://cwe.mitre.org/data/definitions/321.html",
    detectors=(_used, _named, _private_keys),
    insecure=(
        """
from Crypto.Cipher import AES

KEY = b"0123456789abcdef"

def seal(text):
    cipher = AES.new(KEY, AES.MODE_GCM)
    return cipher.nonce, *cipher.encrypt_and_digest(text)
""",
        """
import base64
import hashlib
from cryptography.fernet import Fernet

def seal(text):
    key = base64.urlsafe_b64encode(hashlib.sha256(b"open sesame").digest())
    return Fernet(key).encrypt(text)
""",
        """
import hashlib
import hmac

class Signer:
    key = "not so secret".encode()

    def sign(self, message):
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()
""",
        """
import os
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

def _seal(key, text):
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, text, None)

def seal_note(text):
    return _seal(bytes.fromhex("000102030405060708090a0b0c0d0e0f"), text)
""",
        """
ENCRYPTION_KEY = "pA9vX2mQ7sLw4Zt8"

def settings():
    return {"key": ENCRYPTION_KEY}
""",
    ),
    secure=(
        """
import os
from Crypto.Cipher import AES

def seal(text):
    cipher = AES.new(bytes.fromhex(os.environ["NOTES_KEY"]), AES.MODE_GCM)
    return cipher.nonce, *cipher.encrypt_and_digest(text)
""",
        """
from cryptography.fernet import Fernet

def seal(text):
    key = Fernet.generate_key()
    return key, Fernet(key).encrypt(text)
""",
        """
import hashlib
import hmac

def check(message, bot_token, shown):
    key = hmac.new(b"WebAppData", bot_token.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(hmac.new(key, message, hashlib.sha256).hexdigest(), shown)
""",
        """
ENCRYPTION_KEY_NAME = "notes/encryption"
ENCRYPTION_KEY = "ENCRYPTION_KEY"

def load(vault):
    return vault.read(ENCRYPTION_KEY_NAME)[ENCRYPTION_KEY]
""",
        """
def is_private_key(text):
    return text.startswith("-----BEGIN PRIVATE KEY-----")
""",
    ),
)
