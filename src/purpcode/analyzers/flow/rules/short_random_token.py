"""Random tokens with so few possibilities that all of them can be tried."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.purpose import purposes
from purpcode.analyzers.flow.rule import FlowRule, Match

_BYTES = ("secrets.token_hex", "secrets.token_urlsafe", "secrets.token_bytes", "os.urandom",
          "*.get_random_bytes")  # fmt: skip
_TOKEN = re.compile(
    r"(?i)(^|_)token($|_)|token$|session_?id|(^|_)sid$|(secret|api|encryption|private|signing)_?key|csrf|"
    r"^secret$|cookie|(^|_)jti$|bearer|^_?(make|new|create|generate|random)_(secret_?)?key$"
)
_ID = re.compile(r"(?i)filename|suffix|prefix|boundary|request_id|trace|tmp|temp|short|nonce|test")
_LEAST_BYTES = 8


def _few_bytes(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_BYTES):
        size = call.argument(0, "nbytes")
        if size is not None and type(size.const) is int and 0 < size.const < _LEAST_BYTES:
            yield from _judge(code, call, size.const * 8, 40)


def _few_bits(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("secrets.randbits", "secrets.SystemRandom().getrandbits")):
        bits = call.argument(0, "k")
        if bits is not None and type(bits.const) is int and bits.const < _LEAST_BYTES * 8:
            yield from _judge(code, call, bits.const)
    for call in code.calls_to(("secrets.randbelow",)):
        below = call.argument(0)
        if below is not None and type(below.const) is int and 0 < below.const < 2**40:
            yield from _judge(code, call, below.const.bit_length())


def _judge(code: Code, call: Call, bits: int, few: int = 31) -> Iterator[Match]:
    names = sorted(purposes(code, call.node))
    secret = [name for name in names if _TOKEN.search(name)]
    if secret and not any(_ID.search(name) for name in names):
        yield Match(
            call.node, f"'{secret[0]}' has about {bits} bits", None if bits <= few else "low"
        )


RULE = FlowRule(
    id="short-random-token",
    title="Token too short",
    cwes=(334, 331),
    severity="medium",
    severity_reason="All tokens of that length can be tried.",
    fix="Make tokens of at least 16 random bytes: `secrets.token_urlsafe(32)`.",
    reference="https://cwe.mitre.org/data/definitions/334.html",
    detectors=(_few_bytes, _few_bits),
    insecure=(
        """
import os

def generate_key():
    return os.urandom(4)
""",
        """
import os

def new_session_id():
    session_id = os.urandom(4).hex()
    return session_id
""",
        """
import secrets

def reset_token():
    return secrets.token_hex(3)
""",
        """
import os

SESSIONS = {}

def start(user):
    session_id = os.urandom(2).hex()
    SESSIONS[session_id] = user
    return session_id
""",
        """
import secrets

def new_client(name):
    api_key = str(secrets.randbits(24))
    return {"name": name, "api_key": api_key}
""",
    ),
    secure=(
        """
import os

def generate_key():
    return os.urandom(32)
""",
        """
import os

def new_session_id():
    session_id = os.urandom(16).hex()
    return session_id
""",
        """
import secrets

def reset_token():
    return secrets.token_hex(32)
""",
        """
import os

SESSIONS = {}

def start(user):
    session_id = os.urandom(16).hex()
    SESSIONS[session_id] = user
    return session_id
""",
        """
import secrets

def upload_name(extension):
    suffix = secrets.token_hex(4)
    return f"upload-{suffix}.{extension}"
""",
    ),
)
