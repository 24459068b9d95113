"""Secrets hidden by a cipher of one's own: XOR, shifted letters."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_HIDES = re.compile(r"(?i)encrypt|decrypt|encipher|scramble|obfuscat|xor|cipher")
_SECRET = re.compile(
    r"(?i)passw(or)?d|secret(?!s$)|(^|_)token|credential|card|(^|_)ssn|api_?key|session"
)
_LEARNING = re.compile(
    r"(?i)caesar|vigenere|rot13|toy|demo|one_?time_?pad|block|round|mode|ctr|cbc|gcm"
)


def _home_made(code: Code) -> Iterator[Match]:
    for node in code.nodes_of(ast.FunctionDef, ast.AsyncFunctionDef):
        if not _HIDES.search(node.name) or _LEARNING.search(node.name):
            continue
        step = next((one for one in walk(node) if _mixes(one)), None)
        if step is None:
            continue
        given = {one.arg for one in node.args.args}
        secret = any(_SECRET.search(name) for name in (*given, node.name))
        what = "a secret is hidden by a cipher of one's own"
        yield Match(step, what, None if secret else "low")


def _mixes(node: ast.AST) -> bool:
    """A byte or letter XORed with a changing key, or shifted by one."""
    if not isinstance(node, ast.BinOp) or isinstance(node.right, ast.Constant):
        return False
    if isinstance(node.op, ast.BitXor):
        return True
    text = ast.unparse(node)
    return isinstance(node.op, ast.Add | ast.Sub) and "ord(" in text and "key" in text


RULE = FlowRule(
    id="own-cipher",
    title="Cipher of one's own",
    cwes=(1240, 327),
    severity="medium",
    severity_reason="Ciphers made by hand, XOR above all, are undone with pen and paper.",
    fix="Use `cryptography.fernet.Fernet` or AES-GCM; for passwords a password hash.",
    reference="https://cwe.mitre.org/data/definitions/1240.html",
    detectors=(_home_made,),
    insecure=(
        """
from itertools import cycle

def encrypt_password(password, key):
    return bytes(a ^ b for a, b in zip(password.encode(), cycle(key)))
""",
        """
def encrypt(secret, key):
    out = []
    for index, letter in enumerate(secret):
        out.append(chr(ord(letter) ^ ord(key[index % len(key)])))
    return "".join(out)
""",
        """
def scramble_token(text, key):
    return "".join(chr((ord(c) + ord(key[i % len(key)])) % 256) for i, c in enumerate(text))
""",
    ),
    secure=(
        """
from cryptography.fernet import Fernet

def encrypt_token(token, key):
    return Fernet(key).encrypt(token.encode())
""",
        """
def caesar_encrypt(text, shift):
    return "".join(chr((ord(c) - 97 + shift) % 26 + 97) for c in text if c.isalpha())
""",
        """
def parity(values):
    result = 0
    for value in values:
        result ^= value
    return result ^ len(values)
""",
        """
def same(secret_a, secret_b):
    difference = len(secret_a) ^ len(secret_b)
    for a, b in zip(secret_a, secret_b):
        difference |= a ^ b
    return difference == 0
""",
    ),
)
