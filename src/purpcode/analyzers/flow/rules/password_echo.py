"""Passwords typed where everybody sees them."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.purpose import purposes
from purpcode.analyzers.flow.rule import FlowRule, Match

_PASSWORD = re.compile(
    r"(?i)^(new_|old_|user_|current_|confirm_|master_)?(passw(or)?d|passphrase|pwd)$"
)
_PROMPT = re.compile(r"(?i)\b(password|passphrase)\b[^?]*:?\s*$")
_INPUT = re.compile(r"(?i)<input\b[^>]*\bname\s*=\s*[\"']?(?:password|passwd|pwd)[\"'\s>][^>]*>?")
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
            if call is None:
                continue
            if call.fits("wtforms.StringField") or (
                call.fits("django.forms.CharField")
                and "widget" not in call.keywords
                and not _sets_widget(code, name)
            ):
                yield Match(store.node, "the field shows the password", "medium")


def _sets_widget(code: Code, name: str) -> bool:
    """Whether a form names its widgets apart from its fields."""
    return "widgets" in code.text or f"['{name}'].widget" in code.text.replace('"', "'")


def _pages(code: Code) -> Iterator[Match]:
    """`<input type="text" name="password">` in a page the program writes."""
    for node in code.nodes_of(ast.Constant):
        text = node.value if isinstance(node.value, str) and "<input" in node.value else ""
        if "`" in text or re.search(r"(?m)^(from|import|def|class|[A-Z]+ =) ", text):
            continue  # about a page, or a program that has one
        for tag in _INPUT.findall(text):
            kind = re.search(r"(?i)\btype\s*=\s*[\"']?(\w+)", tag)
            if kind is None or kind[1].lower() == "text":
                yield Match(node, "the field shows the password", "medium")


def _windows(code: Code) -> Iterator[Match]:
    """`password_entry = tk.Entry(root)` without `show="*"`."""
    for store in code.stores:
        name = (store.path or "").rpartition(".")[2]
        call = code.call_at(store.source) if store.source is not None else None
        if call is None or not re.fullmatch(
            r"(?i)(entry_?)?(password|passwd|pwd)(_?(entry|field|box|input|edit))?", name
        ):
            continue
        hidden = re.search(rf"{name}\.(config(ure)?\([^)]*show|setEchoMode|\w*\[.show)", code.text)
        if call.fits("tkinter.Entry") or call.fits("tkinter.ttk.Entry"):
            if "show" not in call.keywords and not call.spread and not hidden:
                yield Match(store.node, "the field shows the password", "medium")
        elif any(one.endswith(".QLineEdit") for one in call.names) and not hidden:
            yield Match(store.node, "the field shows the password", "medium")


RULE = FlowRule(
    id="password-echo",
    title="Password shown while typed",
    cwes=(549,),
    severity="low",
    severity_reason="Somebody must look at the screen to profit.",
    fix="Use `getpass.getpass()`, `hide_input=True` or a `PasswordField`.",
    reference="https://cwe.mitre.org/data/definitions/549.html",
    detectors=(_typed, _fields, _pages, _windows),
    insecure=(
        """
import tkinter

window = tkinter.Tk()
password_entry = tkinter.Entry(window)
""",
        """
PAGE = '<form method="post"><input type="text" name="password"></form>'
""",
        """
from django import forms

class Entrance(forms.Form):
    name = forms.CharField()
    password = forms.CharField()
""",
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
import tkinter

window = tkinter.Tk()
password_entry = tkinter.Entry(window, show="*")
""",
        """
PAGE = '<form method="post"><input type="password" name="password"></form>'
""",
        """
from django import forms

class Entrance(forms.Form):
    name = forms.CharField()
    password = forms.CharField(widget=forms.PasswordInput)
""",
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
