"""Ciphers that are broken or have keys and blocks too small."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_PYCRYPTO = ("DES", "DES3", "ARC2", "ARC4", "Blowfish", "CAST", "XOR")
_HAZMAT = ("TripleDES", "ARC4", "Blowfish", "IDEA", "CAST5", "SEED", "RC2")
_NAMES = (
    *(f"*.Cipher.{name}.new" for name in _PYCRYPTO),
    *(f"?{name}.new" for name in _PYCRYPTO),
    *(f"*.algorithms.{name}" for name in _HAZMAT),
    *(f"?algorithms.{name}" for name in _HAZMAT),
    *("pyDes.des", "pyDes.triple_des", "?arc4.ARC4", "arc4.ARC4", "?rc4.RC4", "?RC4.new"),
)


def _weak(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_NAMES):
        name = sorted(call.names)[0].removesuffix(".new").rpartition(".")[2].lstrip("?")
        yield Match(call.node, f"{name} encrypts")


RULE = FlowRule(
    id="weak-cipher",
    title="Broken cipher",
    cwes=(327,),
    severity="medium",
    severity_reason="What these ciphers hide is uncovered with known attacks.",
    fix="Use AES-GCM or ChaCha20-Poly1305, or `cryptography.fernet.Fernet`.",
    reference="https://cwe.mitre.org/data/definitions/327.html",
    detectors=(_weak,),
    confidence="high",
    insecure=(
        """
from Crypto.Cipher import DES
from Crypto.Random import get_random_bytes

def seal(key, text):
    iv = get_random_bytes(8)
    return iv + DES.new(key, DES.MODE_CBC, iv).encrypt(text)
""",
        """
from Cryptodome.Cipher import ARC4 as stream

def seal(key, text):
    return stream.new(key).encrypt(text)
""",
        """
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

def seal(key, iv, text):
    encryptor = Cipher(algorithms.TripleDES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(text) + encryptor.finalize()
""",
        """
from cryptography.hazmat.decrepit.ciphers.algorithms import Blowfish
from cryptography.hazmat.primitives.ciphers import Cipher, modes

def open_sealed(key, iv, sealed):
    decryptor = Cipher(Blowfish(key), modes.CFB(iv)).decryptor()
    return decryptor.update(sealed) + decryptor.finalize()
""",
    ),
    secure=(
        """
import os
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

def seal(key, text):
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, text, None)
""",
        """
from cryptography.fernet import Fernet

def seal(key, text):
    return Fernet(key).encrypt(text)
""",
        """
from Crypto.Cipher import ChaCha20_Poly1305

def seal(key, text):
    cipher = ChaCha20_Poly1305.new(key=key)
    sealed, tag = cipher.encrypt_and_digest(text)
    return cipher.nonce + tag + sealed
""",
        """
from legacy import DES

def describe():
    return {"DES": "no longer used", "code": DES}
""",
    ),
)
