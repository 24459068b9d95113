"""Passwords kept as they are, in a database or a file."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.sensitive_names import shown_secrets
from purpcode.analyzers.flow.stored_secrets import is_protected, kept

_PASSWORD = re.compile(r"(?i)passw(or)?d|passphrase|(^|_)pwd($|_)")
_HASHES = re.compile(
    r"(?i)hash|bcrypt|argon2|scrypt|pwd_context|make_password|set_password|"
    r"set_unusable|"
    r"\.setter|encrypt|PasswordType|validates\(|\.create_user"
)
_KEPT = re.compile(r"(?i)(users?|accounts|credentials|passwords|logins)\w*(\[|\.get\()")
_GRAVE = re.compile(r"(?i)\.(add|save|create|commit|put|insert)\(")

_ACCOUNTS = re.compile(r"(?i)(self\.)?_?(users?|accounts|credentials|passwords|logins)(_db)?\b")


def _is_password(name: str) -> bool:
    return bool(_PASSWORD.search(name))


def _kept(code: Code) -> Iterator[Match]:
    for call, name, where in kept(code, _is_password):
        yield Match(call.node, f"'{name}' goes into {where} as it is")


def _mapped(code: Code) -> Iterator[Match]:
    """`User(password=password)` that is then added to the database; a class that hashes what it is
    given shows it somewhere in the program."""
    added = ("*.session.add", "?session.add", "?db.add", "*.save", "*.Session().add", "*.add")
    if not any(True for _ in code.calls_to(added)):
        return
    if _HASHES.search(code.text) or not _GRAVE.search(code.text):
        return
    for call in code.calls:
        func = call.node.func
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        if not re.match(
            r"_?(User|Account|Member|Customer|Person|Admin|Login|Employee|Student)", name
        ):
            continue
        for one in call.node.keywords:
            if (
                one.arg
                and _is_password(one.arg)
                and any(map(_is_password, shown_secrets(one.value)))
            ) and not is_protected(code, one.arg, call.scope.path):
                yield Match(call.node, f"'{one.arg}' goes into the database as it is")


def _in_memory(code: Code) -> Iterator[Match]:
    """`users[name] = password` lives as long as the program; it is only noted."""
    for store in code.stores:
        if (
            isinstance(store.node, ast.Subscript)
            and isinstance(store.source, ast.Name | ast.Dict)
            and _ACCOUNTS.match(ast.unparse(store.node))
        ):
            for name in shown_secrets(store.source):
                if _is_password(name) and not is_protected(code, name, store.scope.path):
                    level: Level = "medium" if _compared(code) else "low"
                    yield Match(store.node, f"'{name}' is kept as it is", level)


def _compared(code: Code) -> bool:
    """Whether a login compares what is kept with what is given: the password itself is kept."""
    return not _HASHES.search(code.text) and any(
        isinstance(one.operator, ast.Eq | ast.NotEq)
        and all(
            _PASSWORD.search(ast.unparse(side)) or _KEPT.search(ast.unparse(side))
            for side in (one.node.left, one.node.comparators[0])
        )
        and not (one.left.known or one.right.known)
        for one in code.comparisons
    )


def _attributes(code: Code) -> Iterator[Match]:
    """`self.password = password`, which a login then compares with `==`."""
    if not re.search(r"self\.\w*(passw|pwd)", code.text) or _HASHES.search(code.text):
        return
    for one in code.comparisons:
        sides = {ast.unparse(one.node.left), ast.unparse(one.node.comparators[0])}
        own = next((side for side in sides if side.startswith("self.")), "")
        if not _PASSWORD.search(own) or not isinstance(one.operator, ast.Eq | ast.NotEq):
            continue
        others = sides - {own}
        if not any(_PASSWORD.search(other) and other.isidentifier() for other in others):
            continue
        for store in code.stores:
            kept_plain = isinstance(store.source, ast.Name) and _is_password(store.source.id)
            if ast.unparse(store.node) == own and kept_plain:
                yield Match(store.node, "the password itself is kept and compared")


RULE = FlowRule(
    id="plaintext-password-storage",
    title="Password kept in plain text",
    cwes=(256, 312, 522),
    severity="medium",
    severity_reason="Who reads the file or database has every user's password.",
    fix="Keep only a hash made by argon2, bcrypt, scrypt or `generate_password_hash`.",
    reference="https://cwe.mitre.org/data/definitions/256.html",
    detectors=(_kept, _mapped, _in_memory, _attributes),
    insecure=(
        """
from sqlalchemy.orm import sessionmaker
from club import User, engine

Session = sessionmaker(bind=engine)

def create_user(name, password):
    session = Session()
    session.add(User(name=name, password=password))
    session.commit()
""",
        """
class Member:
    def __init__(self, name, password):
        self.name = name
        self.password = password

    def is_right(self, password):
        return self.password == password
""",
        """
users = {}

def join(name, password):
    users[name] = password

def enter(name, password):
    return users.get(name) == password
""",
        """
import sqlite3

def register(name, password):
    with sqlite3.connect("users.db") as db:
        db.execute("INSERT INTO users (name, password) VALUES (?, ?)", (name, password))
""",
        """
import json

def save(path, user, password):
    account = {"user": user, "password": password}
    with open(path, "w") as file:
        json.dump(account, file)
""",
        """
from flask import Flask, request
from models import User, db

app = Flask(__name__)

@app.route("/register", methods=["POST"])
def register():
    user = User(name=request.form["name"], password=request.form["password"])
    db.session.add(user)
    db.session.commit()
    return "welcome", 201
""",
        """
def remember(user, password):
    with open("logins.txt", "a") as file:
        file.write(f"{user}:{password}\\n")
""",
    ),
    secure=(
        """
class Link:
    def __init__(self, host, password):
        self.host = host
        self.password = password

    def open(self, driver):
        return driver.connect(host=self.host, password=self.password)
""",
        """
import bcrypt

users = {}

def join(name, password):
    users[name] = bcrypt.hashpw(password.encode(), bcrypt.gensalt())

def enter(name, password):
    kept = users.get(name)
    return kept is not None and bcrypt.checkpw(password.encode(), kept)
""",
        """
import sqlite3
from werkzeug.security import generate_password_hash

def register(name, password):
    password = generate_password_hash(password)
    with sqlite3.connect("users.db") as db:
        db.execute("INSERT INTO users (name, password) VALUES (?, ?)", (name, password))
""",
        """
import json
import bcrypt

def save(path, user, password):
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt()).decode()
    with open(path, "w") as file:
        json.dump({"user": user, "password": hashed}, file)
""",
        """
from flask import Flask, request
from models import User, db

app = Flask(__name__)

@app.route("/register", methods=["POST"])
def register():
    user = User(name=request.form["name"])
    user.set_password(request.form["password"])
    db.session.add(user)
    db.session.commit()
    return "welcome", 201
""",
        """
import sqlite3
from vault import encrypt

def remember(site, password):
    with sqlite3.connect("vault.db") as db:
        db.execute("INSERT INTO entries VALUES (?, ?)", (site, encrypt(password)))
""",
    ),
)
