"""Secrets made by a generator that was never meant for secrets."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.purpose import function_around, purposes, words_of
from purpcode.analyzers.flow.rule import FlowRule, Match

_MEMBERS = (
    "random",
    "randint",
    "randrange",
    "choice",
    "choices",
    "sample",
    "getrandbits",
    "randbytes",
    "uniform",
    "shuffle",
    "normalvariate",
    "gauss",
    "betavariate",
    "triangular",
    "expovariate",
)
_RANDOM = (
    *(f"random.{name}" for name in _MEMBERS),
    *(f"random.Random().{name}" for name in _MEMBERS),
    *(f"numpy.random.{name}" for name in (*_MEMBERS, "rand", "bytes", "randn", "integers")),
    *(f"numpy.random.default_rng().{name}" for name in ("integers", "bytes", "choice", "random")),
)
_GUESSABLE = (
    "uuid.uuid1",
    "time.time",
    "time.time_ns",
    "os.getpid",
    "uuid.getnode",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
)
_SECRET = re.compile(
    r"(?i)passw(or)?d|passphrase|(^|_)pwd($|_)|(^|_)token($|_|[A-Z])|token$|secret(?!ary)|(^|_)m?otp(_|$)|"
    r"one_?time|(^|_)pin(_?code)?$|session|(^|_)sid$|^sess|nonce|(^|_)salt($|_)|(^|_)iv$|api_?key|"
    r"private_?key|(encryption|secret|aes|master|signing)_?key|generate_key$|gen_key$|csrf|"
    r"(verification|verify|confirmation|confirm|activation|reset|recovery|auth|access|security|login|"
    r"invite|invitation|backup|2fa|mfa|sms|email)_?(code|pin|key|link)|(^|_)auth($|_)|cookie|credential|"
    r"voucher|coupon|gift_?card|licen[cs]e_?key|set_cookie|remember"
)
_KEY = re.compile(r"(?i)^_?(make|generate|gen|create|new|get|build)?_?(\w+_)?key$")
_NOT_SECRET = re.compile(
    r"(?i)tokeniz|tokens$|num_|count|len(gth)?$|size|duration|delay|timeout|ttl|expir|interval|sleep|jitter|"
    r"session_(data|time|config|list|type|start|length|stats|num|factory|event)|(^|_)rate|prob|score|cookie_?jar|"
    r"(^|_)created|_at$|_on$|time(stamp)?$|sample|mask|fake|mock|test_|dummy|seed_data|start|last_|issued|"
    r"(^|_)iat$|(^|_)exp$|(^|_)nbf$|date|clean|valid|is_|secret_?(number|santa|word)|puzzle|next_token|"
    r"token_?id|special_token|maxage|usage|used|max_age|(^|_)age$|elapsed|check|verify_(otp|token|code)|requests?_session"
)

_LANGUAGE = ("torch", "tensorflow", "transformers", "nltk", "spacy", "sklearn", "jax", "tokenizers")
"""Libraries to whose users a token is a piece of text."""


def _weak(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_RANDOM):
        names = _purposes(code, call)
        picked = words_of(call.node.args[0]) if call.node.args else set()
        secret = sorted(
            name
            for name in names
            if _is_secret(name)
            and f"{name}s" not in picked  # one of those there already are
            and not (name == "token" and code.uses_module(*_LANGUAGE))
        )
        if secret:
            yield Match(call.node, f"'{secret[0]}' comes from `random`")


def _guessable(code: Code) -> Iterator[Match]:
    """Tokens made of the time, the process or the machine."""
    for call in code.calls_to(_GUESSABLE):
        names = purposes(code, call.node)
        secret = sorted(name for name in names if _is_secret(name) and not _expiry(names))
        if not secret:
            continue
        if call.fits("uuid.uuid1") or _alone(code, call):
            yield Match(call.node, f"'{secret[0]}' can be guessed", None, (340, 330))


def _alone(code: Code, call: Call) -> bool:
    """Whether nothing random is made in the same function, and the value is digested or shown."""
    function = function_around(code, call.node)
    if function is None or not re.search(
        r"(?i)token|session|otp|passw|secret|code|key|salt", function.name
    ):
        return False
    if not re.search(r"(?i)generat|creat|make|new|gen_|build|issue", function.name):
        return False
    inside = {
        name
        for one in code.calls_to(
            (
                "secrets.*",
                "os.urandom",
                "uuid.uuid4",
                "jwt.*",
                "hmac.*",
                "*.dumps",
                "*.generate_key",
                *_RANDOM,
            )
        )
        if one.scope.path == call.scope.path
        for name in one.names
    }
    return not inside


def _keys(code: Code) -> Iterator[Match]:
    """`def make_key(): return random.getrandbits(128)...`: bytes of a key's length."""
    for call in code.calls_to(
        ("random.getrandbits", "random.randbytes", "random.Random().getrandbits",
         "random.Random().randbytes", "numpy.random.bytes")
    ):  # fmt: skip
        function = function_around(code, call.node)
        size = call.argument(0)
        least = 64 if any(name.endswith("bits") for name in call.names) else 8
        large = size is not None and type(size.const) is int and size.const >= least
        if function is not None and large and _KEY.search(function.name):
            yield Match(call.node, "a key comes from `random`")


def _counted(code: Code) -> Iterator[Match]:
    """`session_id = str(next(counter))` and `len(sessions) + 1`."""
    for store in code.stores:
        name = (store.path or "").rpartition(".")[2]
        if not re.fullmatch(r"(?i)(session_?id|sid|session_?token|auth_?token|reset_?token)", name):
            continue
        text = ast.unparse(store.source) if store.source is not None else ""
        if re.fullmatch(r"(str|hex)?\(?(next\(\w+\)|len\(\w+\)( \+ 1)?)\)?", text):
            yield Match(store.node, f"'{name}' is counted up", None, (340, 330))


def _expiry(names: set[str]) -> bool:
    return any(
        re.search(r"(?i)expir|created|issued|timestamp|_at$|^(exp|iat|now)$", one) for one in names
    )


def _purposes(code: Code, call: Call) -> set[str]:
    names = purposes(code, call.node)
    if any(one.endswith(".shuffle") for one in call.names) and call.node.args:
        names |= purposes(code, call.node.args[0])
    function = function_around(code, call.node)
    if function is not None and re.search(
        r"(?i)^_?(generate|make|create|gen|new|get|random|issue|build)_\w*"
        r"(token|password|otp|secret|session_?id|api_?key|salt|nonce|pin|csrf|(reset|verification)_code)$",
        function.name,
    ):
        names.add(function.name)
    return names


def _is_secret(name: str) -> bool:
    return bool(_SECRET.search(name)) and not _NOT_SECRET.search(name)


RULE = FlowRule(
    id="weak-randomness",
    title="Secret from a guessable generator",
    cwes=(330, 338, 340),
    severity="medium",
    severity_reason="Who sees some of its numbers, or knows the time, computes the others.",
    fix="Use `secrets.token_urlsafe()`, `secrets.choice` or `secrets.SystemRandom`.",
    reference="https://docs.python.org/3/library/secrets.html",
    detectors=(_weak, _keys, _guessable, _counted),
    insecure=(
        """
import itertools

counter = itertools.count(1)
sessions = {}

def enter(user):
    session_id = str(next(counter))
    sessions[session_id] = user
    return session_id
""",
        """
import random

def make_key():
    return random.getrandbits(256).to_bytes(32, "big")
""",
        """
import random
import string

def reset_token():
    return "".join(random.choice(string.ascii_letters) for _ in range(32))
""",
        """
import random
from flask import Flask, make_response

app = Flask(__name__)
SESSIONS = {}

@app.route("/login", methods=["POST"])
def login():
    value = str(random.getrandbits(64))
    SESSIONS[value] = {"seen": 1}
    return make_response("welcome")
""",
        """
import random

class Sender:
    def send_code(self, phone):
        self.otp = f"{random.randint(0, 999999):06d}"
        self.sms(phone, self.otp)
""",
        """
import random
import string

def new_account(name):
    letters = random.sample(string.ascii_letters, 12)
    random.shuffle(letters)
    password = "".join(letters)
    return {"name": name, "password": password}
""",
        """
import uuid

def start(user):
    session_id = str(uuid.uuid1())
    return {"user": user, "session_id": session_id}
""",
        """
import hashlib
import time

def generate_token(user):
    return hashlib.sha256(f"{user}{time.time()}".encode()).hexdigest()
""",
        """
import numpy as np

def encryption_key():
    secret_key = np.random.bytes(32)
    return secret_key
""",
    ),
    secure=(
        """
import itertools

counter = itertools.count(1)

def number_order(order):
    order_id = str(next(counter))
    return order_id
""",
        """
import secrets

def reset_token():
    return secrets.token_urlsafe(32)
""",
        """
import random
import string

def new_account(name):
    generator = random.SystemRandom()
    password = "".join(generator.choice(string.ascii_letters) for _ in range(16))
    return {"name": name, "password": password}
""",
        """
import secrets

class Sender:
    def send_code(self, phone):
        self.otp = f"{secrets.randbelow(10**8):08d}"
        self.sms(phone, self.otp)
""",
        """
import random
import requests

def poll(urls, token):
    session = requests.Session()
    delay = random.uniform(1, 3)
    answer = session.get(random.choice(urls), headers={"Authorization": token}, timeout=delay)
    return answer
""",
        """
import random

def next_word(tokens, secret_word_count):
    token_count = random.randint(1, 5)
    words = random.sample(tokens, token_count)
    return words
""",
        """
import secrets
import time

def create_session(user):
    session_id = secrets.token_hex(16)
    created = time.time()
    return {"id": session_id, "user": user, "created": created}
""",
    ),
)
