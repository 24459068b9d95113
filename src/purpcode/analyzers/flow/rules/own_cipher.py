"""Secrets hidden by a cipher of one's own: XOR, shifted letters."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.sensitive_names import shown_secrets
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
        given = _given(node)
        secret = any(_SECRET.search(name) for name in (*given, node.name))
        what = "a secret is hidden by a cipher of one's own"
        plain = re.search(r"(?i)^_?encrypt(_(data|text|message|string|file|bytes))?$", node.name)
        keyed = any("key" in name.lower() for name in given)
        yield Match(step, what, None if secret or (plain and keyed) else "low")


def _shifted(code: Code) -> Iterator[Match]:
    """Letters of a password moved by a number, and ROT13 of a secret."""
    for node in code.nodes_of(ast.FunctionDef, ast.AsyncFunctionDef):
        if not re.search(r"(?i)encrypt|protect|hide|obfuscat|scramble", node.name):
            continue
        if not any(_SECRET.search(name) for name in (*_given(node), node.name)):
            continue
        for one in walk(node):
            if (
                isinstance(one, ast.Call)
                and ast.unparse(one).startswith("chr(")
                and "ord(" in (ast.unparse(one))
            ):
                yield Match(one, "a secret is hidden by shifting its letters")
                break
    for call in code.calls_to(("codecs.encode",)):
        way = call.argument(1, "encoding")
        shown = list(shown_secrets(call.node.args[0])) if call.node.args else []
        if way is not None and (way.text or "").replace("_", "") == "rot13" and shown:
            yield Match(call.node, "a secret is hidden by shifting its letters")


def _given(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    return {one.arg for one in node.args.args}


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
    detectors=(_home_made, _shifted),
    insecure=(
        """
def encrypt(text, key):
    return "".join(chr(ord(c) ^ ord(key[i % len(key)])) for i, c in enumerate(text))
""",
        """
def protect_password(password, shift=3):
    return "".join(chr((ord(letter) + shift) % 256) for letter in password)
""",
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
def caesar(text, shift):
    return "".join(chr((ord(letter) - 97 + shift) % 26 + 97) for letter in text)
""",
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
