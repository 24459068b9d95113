"""Passwords written into the program: given to a connection, kept in a variable."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.demonstration import hands_to_own_code, is_demonstration
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.secret_shapes import holds_password, is_placeholder, password_cwes

_POSITIONS = (
    ("*.login", 1, 2),
    ("requests.auth.HTTPBasicAuth", 1, 2),
    ("httpx.BasicAuth", 1, 2),
    ("aiohttp.BasicAuth", 1, 2),
    ("paramiko.SSHClient().connect", 3, 4),
    ("pymysql.connect", 2, 3),
    ("MySQLdb.connect", 2, 3),
    ("ftplib.FTP", 2, 3),
    ("ftplib.FTP_TLS", 2, 3),
)
_NOT_CALLS = re.compile(
    r"(?i)^(print|input|getpass|ask|prompt|Field|Column|String|TextField|CharField|PasswordField|label|"
    r"add_argument|StringField|Label|Entry|dict_keys|translate|_|format|replace|get|pop|getattr|setattr)$"
)


def _assigned(code: Code) -> Iterator[Match]:
    for store in code.stores:
        text = _literal(store.source)
        name = store.key if isinstance(store.key, str) else (store.path or "").rpartition(".")[2]
        if text is None or not holds_password(name, text):
            continue
        shown = isinstance(store.node, ast.Name) and (
            is_demonstration(code, store.node, store.scope)
            or hands_to_own_code(code, name, store.scope)
        )
        yield Match(
            store.node, f"'{name}' is a literal", "low" if shown else None, password_cwes(text)
        )


def _given(code: Code) -> Iterator[Match]:
    """`connect(user="app", password="...")`, `auth=("app", "...")`."""
    for call in code.calls:
        func = call.node.func
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        auth = call.keywords.get("auth")
        pair = auth.items or () if auth is not None else ()
        text = pair[1].text if len(pair) == 2 else None
        if text and not is_placeholder(text):
            yield Match(call.node, "the password is a literal", None, password_cwes(text))
        if _NOT_CALLS.search(name):
            continue
        for one in call.node.keywords:
            value = call.keywords.get(one.arg) if one.arg else None
            if value is not None and value.text and holds_password(str(one.arg), value.text):
                level = _level(code, call)
                yield Match(
                    one.value, f"'{one.arg}' is a literal", level, password_cwes(value.text)
                )


def _positional(code: Code) -> Iterator[Match]:
    """`server.login("app", "...")`, `client.connect(host, 22, "app", "...")`."""
    for name, position, length in _POSITIONS:
        for call in code.calls_to((name,)):
            value = call.argument(position)
            if value is None or len(call.args) < length or not value.text:
                continue
            if not is_placeholder(value.text):
                level = _level(code, call)
                yield Match(
                    call.node, "the password is a literal", level, password_cwes(value.text)
                )


def _level(code: Code, call: Call) -> Level | None:
    """Low where a test or an example gives a made-up password to the program's own code."""
    own = any(name.startswith("@") for name in call.names)
    test = is_demonstration(code, call.node, call.scope)
    return "low" if test and (own or code.uses_module("unittest", "pytest")) else None


def _displays(code: Code) -> Iterator[Match]:
    for display in code.displays:
        for key, one in zip(display.node.keys, display.node.values, strict=True):
            name = key.value if isinstance(key, ast.Constant) else None
            text = _literal(one)
            if not isinstance(name, str) or text is None or not (name.islower() or name.isupper()):
                continue
            if holds_password(name, text):
                yield Match(one, f"'{name}' is a literal", None, password_cwes(text))


def _parameters(code: Code) -> Iterator[Match]:
    """`def connect(password="...")`."""
    for node in code.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            positional = [*node.args.posonlyargs, *node.args.args]
            pairs = [
                *zip(reversed(positional), reversed(node.args.defaults), strict=False),
                *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
            ]
            for one, default in pairs:
                text = _literal(default)
                if text is not None and holds_password(one.arg, text):
                    yield Match(
                        one, f"'{one.arg}' has a literal default", None, password_cwes(text)
                    )


def _literal(node: ast.expr | None) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


RULE = FlowRule(
    id="hard-coded-password",
    title="Password in the program",
    cwes=(259, 798, 1392),
    severity="medium",
    severity_reason="Everybody who has the program has the password.",
    fix="Read it from the environment, a secret store or the user; store hashes of users' "
    "passwords.",
    reference="https://cwe.mitre.org/data/definitions/259.html",
    detectors=(_assigned, _given, _displays, _parameters, _positional),
    insecure=(
        """
import pymysql

def connect():
    return pymysql.connect(host="db", user="shop", password="Tr0ub4dor&3", database="shop")
""",
        """
DB_PASSWORD = "hunter2hunter2"

def settings():
    return {"user": "shop", "password": DB_PASSWORD}
""",
        """
import smtplib

def send(message):
    with smtplib.SMTP_SSL("mail.internal") as server:
        server.login("robot", "Xk29dd!k")
        server.send_message(message)
""",
        """
import requests

def stock():
    return requests.get("https://stock.internal/all", auth=("robot", "Xk29dd!k"), timeout=5)
""",
        """
import paramiko

def connect(host, user="deploy", password="d3ploy-now"):
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.connect(host, username=user, password=password)
    return client
""",
    ),
    secure=(
        """
import os
import pymysql

def connect():
    return pymysql.connect(
        host="db", user="shop", password=os.environ["DB_PASSWORD"], database="shop"
    )
""",
        """
PASSWORD_FIELD = "password"
password_hint = "at least twelve characters"
DB_PASSWORD_ENV = "DB_PASSWORD"

def labels():
    return {"password": "Password", "user": "User"}
""",
        """
import bcrypt

def hash_password(password):
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt())

if __name__ == "__main__":
    password = "wonder-1-land"
    print(hash_password(password))
""",
        """
import unittest
from accounts import Account

class AccountTest(unittest.TestCase):
    def test_login(self):
        account = Account("alice", password="wonder-1-land")
        self.assertTrue(account.check("wonder-1-land"))
""",
        """
import getpass
import smtplib

def send(message):
    with smtplib.SMTP_SSL("mail.internal") as server:
        server.login("robot", getpass.getpass("Password: "))
        server.send_message(message)
""",
        """
import argparse

def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--password", dest="password", help="the password")
    return parser.parse_args()
""",
    ),
)
