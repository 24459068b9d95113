"""One-time codes of so few digits that they are guessed."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.purpose import function_around, purposes
from purpcode.analyzers.flow.rule import FlowRule, Match

_CODE = re.compile(
    r"(?i)(^|_)m?otp(_|$)|one_?time|(reset|recovery|verification|confirm(ation)?|login|auth|security|2fa|mfa)_?"
    r"(code|pin)|(^|_)pin(_?code)?$"
)
_DRAWS = (
    "secrets.randbelow",
    "random.randint",
    "random.randrange",
    "secrets.SystemRandom().randint",
    "secrets.SystemRandom().randrange",
)
_LEAST = 900_000


def _few_digits(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_DRAWS):
        many = _possibilities(call)
        if many is None or not 100 <= many < _LEAST:
            continue
        function = function_around(code, call.node)
        names = purposes(code, call.node) | ({function.name} if function else set())
        if any(_CODE.search(name) for name in names):
            yield Match(call.node, f"there are only {many:,} codes")


def _possibilities(call: Call) -> int | None:
    given = [one.const for one in call.args if type(one.const) is int]
    if len(given) != len(call.args) or not given:
        return None
    numbers = [one for one in given if isinstance(one, int)]
    if len(numbers) == 1:
        return numbers[0]
    return numbers[1] - numbers[0] + any(name.endswith("randint") for name in call.names)


RULE = FlowRule(
    id="short-one-time-code",
    title="One-time code too short",
    cwes=(640, 334),
    severity="low",
    severity_reason="Four digits are guessed in minutes unless tries are limited, which is "
    "not seen here.",
    fix="Use at least six digits with few tries and a short life, or a random token in a link.",
    reference="https://cwe.mitre.org/data/definitions/640.html",
    detectors=(_few_digits,),
    insecure=(
        """
import secrets

def send_reset_code(mailer, user):
    reset_code = f"{secrets.randbelow(10_000):04d}"
    mailer.send(user, reset_code)
""",
        """
import random

def new_otp():
    return random.SystemRandom().randint(1000, 9999)
""",
        """
from secrets import randbelow

class Door:
    def issue(self):
        self.pin = randbelow(9000) + 1000
""",
    ),
    secure=(
        """
import secrets

def send_reset_code(mailer, user):
    reset_code = f"{secrets.randbelow(10**8):08d}"
    mailer.send(user, reset_code)
""",
        """
import random

def new_otp():
    return random.SystemRandom().randint(100_000, 999_999)
""",
        """
import random

def roll_dice():
    return random.randint(1, 6) + random.randint(100, 2000)
""",
    ),
)
