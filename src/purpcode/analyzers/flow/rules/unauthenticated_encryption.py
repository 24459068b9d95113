"""Encryption that does not notice when somebody changes what was encrypted."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_MODES = tuple(f"*modes.{name}" for name in ("CBC", "CTR", "CFB", "OFB", "CFB8"))
_PLAIN = ("MODE_CBC", "MODE_CTR", "MODE_CFB", "MODE_OFB", "MODE_OPENPGP")
_TAGGED = ("MODE_GCM", "MODE_EAX", "MODE_CCM", "MODE_OCB", "MODE_SIV")
_AUTHENTICATES = (
    "hmac.*",
    "*.HMAC",
    "*.HMAC.new",
    "*.CMAC",
    "*.CMAC.new",
    "*.poly1305.*",
    "*.blake2b",
    "*.blake2s",
    "*.compare_digest",
)


def _unauthenticated(code: Code) -> Iterator[Match]:
    if any(True for _ in code.calls_to(_AUTHENTICATES)):
        return
    for call in code.calls_to(_MODES):
        yield Match(call.node, "the mode does not authenticate, and no MAC is computed")
    for call in code.calls_to(("*AES.new",)):
        mode = call.argument(1, "mode")
        if mode is not None and any(name.endswith(_PLAIN) for name in mode.names):
            yield Match(call.node, "the mode does not authenticate, and no MAC is computed")


def _unread_tags(code: Code) -> Iterator[Match]:
    """`AES.new(key, MODE_GCM, nonce).decrypt(...)` gives the text out before its tag is checked."""
    if "verify" in code.text:
        return
    opened = [
        made
        for made in code.calls_to(("*AES.new", "*ChaCha20_Poly1305.new"))
        if (mode := made.argument(1, "mode")) is not None
        and any(name.endswith(_TAGGED) for name in mode.names)
    ]
    for call in code.calls_to(("*AES.new().decrypt",)) if opened else ():
        yield Match(call.node, "the tag is never checked", "medium", (347, 353))


RULE = FlowRule(
    id="unauthenticated-encryption",
    title="Encryption without authentication",
    cwes=(353, 345),
    severity="low",
    severity_reason="Who can change the ciphertext changes the text; whether anybody can is "
    "not seen here.",
    fix="Use AES-GCM, ChaCha20-Poly1305 or Fernet, or compute an HMAC over IV and ciphertext.",
    reference="https://cwe.mitre.org/data/definitions/353.html",
    detectors=(_unauthenticated, _unread_tags),
    insecure=(
        """
from Crypto.Cipher import AES

def shown(key, nonce, hidden):
    return AES.new(key, AES.MODE_GCM, nonce=nonce).decrypt(hidden)
""",
        """
import os
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

def seal(key, text):
    iv = os.urandom(16)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return iv + encryptor.update(text) + encryptor.finalize()
""",
        """
from Crypto.Cipher import AES

def seal(key, text):
    cipher = AES.new(key, AES.MODE_CTR)
    return cipher.nonce + cipher.encrypt(text)
""",
        """
from Cryptodome.Cipher import AES
from Cryptodome.Random import get_random_bytes

def seal(key, text):
    iv = get_random_bytes(16)
    return iv + AES.new(key, mode=AES.MODE_CFB, iv=iv).encrypt(text)
""",
    ),
    secure=(
        """
from Crypto.Cipher import AES

def shown(key, nonce, hidden, tag):
    return AES.new(key, AES.MODE_GCM, nonce=nonce).decrypt_and_verify(hidden, tag)
""",
        """
from cryptography.fernet import Fernet

def seal(key, text):
    return Fernet(key).encrypt(text)
""",
        """
from Crypto.Cipher import AES

def seal(key, text):
    cipher = AES.new(key, AES.MODE_EAX)
    sealed, tag = cipher.encrypt_and_digest(text)
    return cipher.nonce + tag + sealed
""",
        """
import hashlib
import hmac
import os
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

def seal(key, mac_key, text):
    iv = os.urandom(16)
    encryptor = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
    sealed = iv + encryptor.update(text) + encryptor.finalize()
    return sealed + hmac.new(mac_key, sealed, hashlib.sha256).digest()
""",
    ),
)
