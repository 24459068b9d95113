"""Passwords typed where everybody sees them."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.purpose import purposes
from purpcode.analyzers.flow.rule import FlowRule, Match

_PASSWORD = re.compile(
    r"(?i)^(new_|old_|user_|current_|confirm_|master_)?(passw(or)?d|passphrase|pwd)$"
)
_PROMPT = re.compile(r"(?i)\b(password|passphrase)\b[^?]*:?\s*$")
_NOT = re.compile(r"(?i)length|how|number|many|site|generate|check|\(y/n\)|y/n")


def _typed(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("input", "raw_input", "typer.prompt", "click.prompt")):
        hidden = call.keywords.get("hide_input")
        if hidden is not None and hidden.const is not False:
            continue
        prompt = call.argument(0)
        shown = (prompt.text or "") if prompt is not None else ""
        named = any(_PASSWORD.search(name) for name in purposes(code, call.node))
        if (named or _PROMPT.search(shown)) and not _NOT.search(shown):
            yield Match(call.node, "the password is shown while it is typed")


def _fields(code: Code) -> Iterator[Match]:
    """A web form's password in a field that shows it."""
    for store in code.stores:
        name = (store.path or "").rpartition(".")[2]
        if _PASSWORD.search(name) and store.names and store.source is not None:
            call = code.call_at(store.source)
            if call is not None and call.fits("wtforms.StringField"):
                yield Match(store.node, "the field shows the password")


RULE = FlowRule(
    id="password-echo",
    title="Password shown while typed",
    cwes=(549,),
    severity="low",
    severity_reason="Somebody must look at the screen to profit.",
    fix="Use `getpass.getpass()`, `hide_input=True` or a `PasswordField`.",
    reference="https://cwe.mitre.org/data/definitions/549.html",
    detectors=(_typed, _fields),
    insecure=(
        """
def ask():
    user = input("User: ")
    password = input("Password: ")
    return user, password
""",
        """
import click

def ask():
    return click.prompt("Passphrase")
""",
        """
from wtforms import Form, StringField

class Login(Form):
    user = StringField("User")
    password = StringField("Password")
""",
    ),
    secure=(
        """
from getpass import getpass

def ask():
    user = input("User: ")
    password = getpass("Password: ")
    return user, password
""",
        """
import click

def ask():
    return click.prompt("Passphrase", hide_input=True)
""",
        """
def ask():
    length = int(input("Password length: "))
    return length
""",
        """
from wtforms import Form, PasswordField, StringField

class Login(Form):
    user = StringField("User")
    password = PasswordField("Password")
""",
    ),
)
