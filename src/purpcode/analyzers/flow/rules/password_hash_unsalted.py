"""Passwords hashed fast, without salt, or with too few rounds."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.key_material import is_fixed
from purpcode.analyzers.flow.purpose import function_around, words_of
from purpcode.analyzers.flow.rule import FlowRule, Match

_FAST = tuple(
    f"hashlib.{name}"
    for name in (
        "md5",
        "sha1",
        "sha224",
        "sha256",
        "sha384",
        "sha512",
        "sha3_256",
        "sha3_512",
        "blake2b",
        "blake2s",
        "new",
    )
) + tuple(f"{kit}.Hash.{name}.new" for kit in ("Crypto", "Cryptodome")
          for name in ("MD5", "SHA1", "SHA", "SHA224", "SHA256", "SHA512", "SHA3_256"))  # fmt: skip
_PASSWORD = re.compile(
    r"(?i)^(?!.*(hash|digest|length|_id$|reset|token|stored|salted|file|"
    r"breach|pwned))"
    r".*(passw(or)?d|passphrase|(^|_)pwd?($|_)|^pass$)"
)
_SALT = re.compile(r"(?i)salt|pepper|nonce")
_NOT_STORED = re.compile(
    r"(?i)pwned|breach|hibp|leak|derive|encrypt|decrypt|cipher|fernet|challenge|key$|digest_auth|"
    r"prehash|pre_hash|canary|fingerprint|zxcvbn"
)
_LEAST_ROUNDS = 100_000


def _fast(code: Code) -> Iterator[Match]:
    """`sha256(password.encode())`: salted or not, it is tried billions of times a second."""
    for call in code.calls_to(_FAST):
        given = [*call.node.args, *_updates(code, call)]
        words = set().union(*(words_of(one) for one in given)) if given else set()
        if not any(_PASSWORD.search(word) for word in words) or _feeds_slow(code, call):
            continue
        function = function_around(code, call.node)
        if function is not None and _NOT_STORED.search(function.name):
            continue
        if any(_SALT.search(word) for word in words):
            yield Match(
                call.node, "a password is hashed by one round of a fast hash", "medium", (916, 759)
            )
        else:
            yield Match(call.node, "a password is hashed without a salt")


def _updates(code: Code, call: Call) -> Iterator[ast.expr]:
    """What is fed into a hash object later: `h = sha256(); h.update(password)`."""
    around = code.parents.get(id(call.node))
    if isinstance(around, ast.Assign) and isinstance(around.targets[0], ast.Name):
        name = around.targets[0].id
        for other in code.calls_to(("*.update",)):
            func = other.node.func
            if (
                other.scope.path == call.scope.path
                and isinstance(func, ast.Attribute)
                and isinstance(func.value, ast.Name)
                and func.value.id == name
            ):
                yield from other.node.args


def _feeds_slow(code: Code, call: Call) -> bool:
    """Hashing before bcrypt or scrypt only makes a long password fit."""
    around: ast.AST | None = code.parents.get(id(call.node))
    while around is not None and not isinstance(around, ast.stmt):
        if isinstance(around, ast.Call):
            name = ast.unparse(around.func)
            if any(
                slow in name
                for slow in ("hashpw", "checkpw", "scrypt", "pbkdf2", "argon2", "hasher")
            ):
                return True
        around = code.parents.get(id(around))
    if not code.uses_module("bcrypt", "argon2"):
        return False
    return any(one.scope.path == call.scope.path for one in code.calls_to(("bcrypt.*", "*.hashpw")))


def _rounds(code: Code) -> Iterator[Match]:
    places = (
        ("hashlib.pbkdf2_hmac", 3, "iterations", _LEAST_ROUNDS),
        ("*.PBKDF2HMAC", 3, "iterations", _LEAST_ROUNDS),
        ("*.KDF.PBKDF2", 3, "count", _LEAST_ROUNDS),
        ("bcrypt.gensalt", 0, "rounds", 10),
        ("hashlib.scrypt", None, "n", 2**13),
        ("*.Scrypt", 2, "n", 2**13),
    )
    for name, position, keyword, least in places:
        for call in code.calls_to((name,)):
            rounds = call.argument(position, keyword)
            if rounds is not None and type(rounds.const) is int and rounds.const < least:
                yield Match(call.node, f"{rounds.const} rounds are few", None, (916,))
            elif name == "*.KDF.PBKDF2" and rounds is None and not call.spread:
                yield Match(call.node, "the default of 1,000 rounds is few", None, (916,))


def _constant_salts(code: Code) -> Iterator[Match]:
    places = (
        ("hashlib.pbkdf2_hmac", 2, "salt"),
        ("hashlib.scrypt", None, "salt"),
        ("*.PBKDF2HMAC", 2, "salt"),
        ("*.Scrypt", 0, "salt"),
        ("*.KDF.PBKDF2", 1, "salt"),
        ("*.KDF.scrypt", 1, "salt"),
        ("bcrypt.hashpw", 1, "salt"),
        ("crypt.crypt", 1, "salt"),
    )
    for name, position, keyword in places:
        for call in code.calls_to((name,)):
            salt = call.argument(position, keyword)
            if salt is not None and salt.const in (b"", ""):
                yield Match(call.node, "the salt is empty", None, (759,))
            elif is_fixed(code, call, position, keyword):
                yield Match(call.node, "the salt is the same for every password", None, (760,))
            elif _ACCOUNT.search(_said(call.node_of(position, keyword))):
                yield Match(call.node, "the salt follows from the user's name", None, (760,))


_ACCOUNT = re.compile(r"(?i)^(user_?)?(name|email|login)$")


def _said(node: ast.expr | None) -> str:
    """The variable that is turned into bytes and nothing else."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
        inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if isinstance(inner, ast.Name | ast.Call) and node.func.attr in ("encode", "lower"):  # type: ignore[union-attr]
            node = inner
        elif getattr(node.func, "id", "") in ("bytes", "str") and node.args:
            node = node.args[0]
        else:
            return ""
    return node.id if isinstance(node, ast.Name) else ""


def _keyed(code: Code) -> Iterator[Match]:
    """`hmac.new(salt, password, sha256)` is one round of a fast hash, too."""
    for call in code.calls_to(("hmac.new", "hmac.digest")):
        message = call.node_of(1, "msg")
        function = function_around(code, call.node)
        if message is None or function is None or _NOT_STORED.search(function.name):
            continue
        named = any(_PASSWORD.search(word) for word in words_of(message))
        if named and not _feeds_slow(code, call):
            yield Match(call.node, "a password is hashed by one round of a fast hash", None, (916,))


def _name_as_salt(code: Code) -> Iterator[Match]:
    """The user's name as salt: known beforehand, and the same at every site."""
    for name, position, keyword in (
        ("hashlib.pbkdf2_hmac", 2, "salt"),
        ("hashlib.scrypt", None, "salt"),
    ):
        for call in code.calls_to((name,)):
            node = call.node_of(position, keyword)
            words = words_of(node) if node is not None else set()
            if (
                words
                and any(re.fullmatch(r"(?i)user_?name|email|login|user_?id", one) for one in words)
            ) and not any(_SALT.search(one) for one in words):
                yield Match(call.node, "the salt is known to everybody", None, (760,))


RULE = FlowRule(
    id="password-hash-unsalted",
    title="Weak password hash",
    cwes=(759, 916, 760),
    severity="medium",
    severity_reason="Stolen hashes of this kind are turned back into passwords by guessing.",
    fix="Use argon2, bcrypt, scrypt or `hashlib.pbkdf2_hmac` with a random salt for each password "
    "and the recommended number of rounds.",
    reference="https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html",
    detectors=(_fast, _keyed, _rounds, _constant_salts, _name_as_salt),
    insecure=(
        """
from Crypto.Hash import SHA256

def register(users, name, password):
    users[name] = SHA256.new(password.encode()).hexdigest()
""",
        """
import hashlib

def hashed(username, password):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), username.encode(), 600_000)
""",
        """
import hashlib
import hmac

def kept(salt, password):
    return hmac.new(salt, password.encode(), hashlib.sha256).hexdigest()
""",
        """
import hashlib

def kept(username, password):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), username.encode(), 600_000)
""",
        """
import hashlib

def hash_password(password):
    return hashlib.sha256(password.encode()).hexdigest()
""",
        """
import hashlib

class User:
    def set_password(self, password):
        state = hashlib.sha512()
        state.update(password.encode("utf-8"))
        self.password_hash = state.hexdigest()
""",
        """
import hashlib
import os

def store(users, name, password):
    salt = os.urandom(16)
    users[name] = (salt, hashlib.sha256(salt + password.encode()).digest())
""",
        """
import hashlib

SALT = b"the-same-for-all"

def hash_password(password):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), SALT, 600_000)
""",
        """
import hashlib
import os

def hash_password(password):
    salt = os.urandom(16)
    return salt + hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1000)
""",
        """
import bcrypt

def hash_password(password):
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4))
""",
    ),
    secure=(
        """
import hashlib
import os

ROUNDS = 600_000

def hash_password(password):
    salt = os.urandom(16)
    return salt + hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
""",
        """
import bcrypt

def hash_password(password):
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt())
""",
        """
import base64
import hashlib
import bcrypt

def hash_password(password):
    short = base64.b64encode(hashlib.sha256(password.encode()).digest())
    return bcrypt.hashpw(short, bcrypt.gensalt(12))
""",
        """
from argon2 import PasswordHasher

hasher = PasswordHasher()

def hash_password(password):
    return hasher.hash(password)
""",
        """
import hashlib

def file_hash(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
""",
        """
import hashlib
import os

def hash_password(password):
    salt = os.urandom(16)
    return salt + hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)
""",
    ),
)
