"""Files and connections used after they were closed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import called_name, dotted
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_OPENERS = frozenset(
    ("open", "socket", "create_connection", "connect", "fdopen", "ZipFile", "urlopen")
)
_NEEDS_OPEN = frozenset(
    ("read", "readline", "readlines", "write", "writelines", "seek", "send", "sendall", "recv",
     "cursor", "commit", "execute", "fileno", "flush", "namelist", "extractall")
)  # fmt: skip


def _after(code: Code) -> Iterator[Match]:
    for node in code.nodes:
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                yield from _in_block(block)


def _in_block(block: list[ast.stmt]) -> Iterator[Match]:
    opened: set[str] = set()
    closed: set[str] = set()
    for statement in block:
        if closed:
            for use in _uses(statement):
                if dotted(use.value) in closed:
                    yield Match(use, "is used after it was closed")
            closed -= {dotted(one) for one in walk(statement) if _is_stored(one)}
        if isinstance(statement, ast.Assign) and called_name(statement.value) in _OPENERS:
            opened |= {one.id for one in statement.targets if isinstance(one, ast.Name)}
        elif isinstance(statement, ast.With):
            closed |= {
                item.optional_vars.id
                for item in statement.items
                if isinstance(item.optional_vars, ast.Name)
                and called_name(item.context_expr) in _OPENERS - {"connect"}
            }
        elif isinstance(statement, ast.Expr) and called_name(statement.value) == "close":
            func = statement.value.func if isinstance(statement.value, ast.Call) else None
            owner = dotted(func.value) if isinstance(func, ast.Attribute) else ""
            closed |= {owner} & opened


def _uses(statement: ast.stmt) -> Iterator[ast.Attribute]:
    """Methods called in a statement, without what inner functions do later."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    stored = {dotted(one) for one in walk(statement) if _is_stored(one)}
    for one in walk(statement):
        if called_name(one) in _NEEDS_OPEN and isinstance(one, ast.Call):
            func = one.func
            if isinstance(func, ast.Attribute) and dotted(func.value) not in stored:
                yield func


def _is_stored(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store)


RULE = FlowRule(
    id="use-after-close",
    title="Closed handle used",
    cwes=(672, 910, 666),
    severity="low",
    severity_reason="The operation fails, or reaches whatever got the descriptor meanwhile.",
    fix="Do everything with the handle inside its with block.",
    reference="https://cwe.mitre.org/data/definitions/672.html",
    detectors=(_after,),
    confidence="high",
    insecure=(
        """
def load(path):
    with open(path) as handle:
        header = handle.readline()
    return header, handle.read()
""",
        """
import socket

def ask(host):
    link = socket.create_connection((host, 7000), timeout=5)
    link.sendall(b"hello")
    link.close()
    return link.recv(100)
""",
        """
import sqlite3

def add(name):
    connection = sqlite3.connect("shop.db")
    connection.execute("INSERT INTO names VALUES (?)", (name,))
    connection.close()
    connection.commit()
""",
    ),
    secure=(
        """
def load(path):
    with open(path) as handle:
        header = handle.readline()
        return header, handle.read()
""",
        """
import socket

def ask(host):
    link = socket.create_connection((host, 7000), timeout=5)
    try:
        link.sendall(b"hello")
        return link.recv(100)
    finally:
        link.close()
""",
        """
def copy(source, target):
    with open(source) as handle:
        text = handle.read()
    with open(target, "w") as handle:
        handle.write(text)
""",
    ),
)
