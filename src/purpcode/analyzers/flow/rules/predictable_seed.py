"""Generators of secrets started from a known or guessable number."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.purpose import purposes
from purpcode.analyzers.flow.rule import FlowRule, Match

_SEEDS = (
    "random.seed",
    "random.Random",
    "numpy.random.seed",
    "numpy.random.default_rng",
    "random.Random().seed",
)
_DRAWS = ("random.*", "random.Random().*", "numpy.random.*", "numpy.random.default_rng().*")
_SECRET = re.compile(
    r"(?i)passw(or)?d|(^|_)token($|_)|(^|_)otp|session_?id|nonce|(^|_)salt$|(secret|private|encryption|api)_?key|"
    r"(reset|verification|access|activation|recovery)_?code|csrf|voucher|coupon|(^|_)secret$|(^|_)pin$"
)
_TIME = re.compile(r"^(time\.|datetime\.|os\.getpid)")

_LANGUAGE = ("torch", "tensorflow", "transformers", "nltk", "spacy", "sklearn", "jax", "tokenizers")
"""Libraries to whose users a token is a piece of text."""


def _seeded(code: Code) -> Iterator[Match]:
    secret = _drawn_secret(code)
    if secret is None or (secret == "token" and code.uses_module(*_LANGUAGE)):
        return
    for call in code.calls_to(_SEEDS):
        seed = call.argument(0, "seed") or call.argument(None, "a")
        if seed is None or seed.const is None:
            continue
        if isinstance(seed.const, int | str | bytes):
            yield Match(call.node, f"'{secret}' is the same in every run", None, (336, 335))
        elif any(_TIME.search(name) for name in seed.names) or _of_time(code, call):
            yield Match(call.node, f"'{secret}' follows from the time", None, (337, 335, 339))


def _of_time(code: Code, call: Call) -> bool:
    """`random.seed(int(time.time()))`."""
    lines = range(call.node.lineno, (call.node.end_lineno or call.node.lineno) + 1)
    return any(
        one.node.lineno in lines
        and one is not call
        and any(_TIME.search(name) for name in one.names)
        for one in code.calls
    )


def _drawn_secret(code: Code) -> str | None:
    for call in code.calls_to(_DRAWS):
        if not any(name.endswith(("seed", "Random", "default_rng")) for name in call.names):
            for name in sorted(purposes(code, call.node)):
                if _SECRET.search(name) and not re.search(r"(?i)len|count|num_|test", name):
                    return name
    return None


RULE = FlowRule(
    id="predictable-seed",
    title="Secret from a known seed",
    cwes=(335, 336, 337, 339),
    severity="medium",
    severity_reason="Who knows or tries the seed gets every secret the generator will make.",
    fix="Use `secrets`, which needs no seed.",
    reference="https://cwe.mitre.org/data/definitions/335.html",
    detectors=(_seeded,),
    insecure=(
        """
import random

random.seed(1234)

def reset_token():
    token = random.getrandbits(128)
    return f"{token:x}"
""",
        """
import random
import time

def new_password(letters):
    random.seed(int(time.time()))
    password = "".join(random.choices(letters, k=16))
    return password
""",
        """
import random

GENERATOR = random.Random("company name")

def invite():
    access_code = GENERATOR.randrange(10**12)
    return access_code
""",
    ),
    secure=(
        """
import secrets

def reset_token():
    token = secrets.randbits(128)
    return f"{token:x}"
""",
        """
import random

random.seed(1234)

def split(rows):
    random.shuffle(rows)
    cut = len(rows) // 5
    return rows[cut:], rows[:cut]
""",
        """
import random
import secrets

def new_password(letters):
    generator = random.SystemRandom()
    generator.seed(7)  # has no effect
    password = "".join(secrets.choice(letters) for _ in range(16))
    return password
""",
    ),
)
