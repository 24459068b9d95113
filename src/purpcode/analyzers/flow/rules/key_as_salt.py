"""The application's secret key given to a scheme that does not keep it."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import constant_parts
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_KEY = "SECRET_KEY"


def _given_away(code: Code) -> Iterator[Match]:
    """`Hashids(salt=settings.SECRET_KEY)`: the salt is computed from some of its ids."""
    for call in code.calls_to(("hashids.Hashids", "?Hashids")):
        salt = call.node_of(0, "salt")
        if salt is not None and (_KEY in constant_parts(salt) or _names_key(salt)):
            yield Match(call.node, "the ids that are shown give the secret key away")


def _names_key(node: ast.AST) -> bool:
    return any(
        (isinstance(one, ast.Attribute) and one.attr in (_KEY, "secret_key"))
        or (isinstance(one, ast.Name) and one.id == _KEY)
        for one in walk(node)
    )


RULE = FlowRule(
    id="key-as-salt",
    title="Secret key given away as a salt",
    cwes=(327, 522),
    severity="medium",
    severity_reason="Hashids hide nothing: with the key an attacker signs sessions and tokens.",
    fix="Give Hashids a salt of its own, and hide ids from guessing by random ones.",
    reference="https://cwe.mitre.org/data/definitions/327.html",
    detectors=(_given_away,),
    insecure=(
        """
from django.conf import settings
from hashids import Hashids

SHORT = Hashids(salt=settings.SECRET_KEY, min_length=8)
""",
        """
from flask import Flask
from hashids import Hashids

app = Flask(__name__)

def short(number):
    return Hashids(min_length=4, salt=app.config["SECRET_KEY"]).encode(number)
""",
        """
import os
from hashids import Hashids

SECRET_KEY = os.environ["SECRET_KEY"]

def short(number):
    return Hashids(SECRET_KEY).encode(number)
""",
    ),
    secure=(
        """
from hashids import Hashids

SHORT = Hashids(salt="orders", min_length=8)
""",
        """
import os
from hashids import Hashids

def short(number):
    return Hashids(min_length=4, salt=os.environ["ID_SALT"]).encode(number)
""",
        """
import os
from itsdangerous import URLSafeSerializer

SIGNER = URLSafeSerializer(os.environ["SECRET_KEY"])

def signed(number):
    return SIGNER.dumps(number)
""",
    ),
)
