"""Block ciphers in ECB mode, which shows equal blocks as equal."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_BLOCK = tuple(f"*{name}.new" for name in ("AES", "DES", "DES3", "Blowfish", "ARC2", "CAST"))


def _pycrypto(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_BLOCK):
        if _is_cipher(call.names):
            mode = call.argument(1, "mode")
            if mode is not None and _is_ecb(mode):
                yield Match(call.node, "every block is encrypted on its own")


def _hazmat(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("*.modes.ECB", "?modes.ECB", "pyaes.AESModeOfOperationECB")):
        yield Match(call.node, "every block is encrypted on its own")


def _is_cipher(names: frozenset[str]) -> bool:
    return any(".Cipher." in name or name.startswith("?") for name in names)


def _is_ecb(mode: Value) -> bool:
    return (type(mode.const) is int and mode.const == 1) or any(
        name.endswith("MODE_ECB") for name in mode.names
    )


RULE = FlowRule(
    id="ecb-mode",
    title="Encryption in ECB mode",
    cwes=(327,),
    severity="medium",
    severity_reason="Equal blocks stay equal, so patterns show, and blocks can be moved about.",
    fix="Use an authenticated mode such as GCM with a fresh nonce for each message.",
    reference="https://cwe.mitre.org/data/definitions/327.html",
    detectors=(_pycrypto, _hazmat),
    confidence="high",
    insecure=(
        """
import pyaes

def hidden(key, block):
    return pyaes.AESModeOfOperationECB(key).encrypt(block)
""",
        """
from Crypto.Cipher import AES
from Crypto.Util.Padding import pad

def seal(key, text):
    return AES.new(key, AES.MODE_ECB).encrypt(pad(text, 16))
""",
        """
from Cryptodome.Cipher import AES

class Box:
    mode = AES.MODE_ECB

    def __init__(self, key):
        self.cipher = AES.new(key, self.mode)
""",
        """
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

def seal(key, text):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(text) + encryptor.finalize()
""",
    ),
    secure=(
        """
from Crypto.Cipher import AES

def seal(key, text):
    cipher = AES.new(key, AES.MODE_GCM)
    sealed, tag = cipher.encrypt_and_digest(text)
    return cipher.nonce + tag + sealed
""",
        """
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
import os

def seal(key, text):
    nonce = os.urandom(13)
    return nonce + AESCCM(key).encrypt(nonce, text, None)
""",
        """
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
import os

def seal(key, text):
    nonce = os.urandom(12)
    encryptor = Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()
    sealed = encryptor.update(text) + encryptor.finalize()
    return nonce + encryptor.tag + sealed
""",
    ),
)
