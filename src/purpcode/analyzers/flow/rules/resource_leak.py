"""Files, sockets, connections and processes that are not closed on every way out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.form import ancestors, called_name, dotted, own_nodes, parents
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.tree import walk

_OPENERS = (
    *("open", "os.fdopen", "os.open", "gzip.open", "bz2.open", "lzma.open", "tarfile.open"),
    *("zipfile.ZipFile", "socket.socket", "socket.create_connection", "sqlite3.connect"),
    *("psycopg2.connect", "pymysql.connect", "mysql.connector.connect", "pathlib.Path().open"),
    *("smtplib.SMTP", "smtplib.SMTP_SSL", "ftplib.FTP", "shelve.open", "mmap.mmap"),
    *("urllib.request.urlopen", "multiprocessing.Pool", "wave.open"),
)
_CLOSERS = frozenset(
    ("close", "quit", "terminate", "shutdown", "detach", "__exit__", "disconnect", "aclose")
)
_READERS = frozenset(
    (
        *("load", "reader", "writer", "DictReader", "DictWriter", "dump", "print", "len"),
        *("write", "read", "fstat", "lseek", "ftruncate", "iter", "list", "enumerate", "sorted"),
        *("input", "flock", "lockf"),
    )
)
"""Functions that use a handle and do not take it over."""


class _Handle:
    """One handle bound to a name, and everything its function does with that name."""

    def __init__(self, call: Call, bound: ast.Assign, name: str) -> None:
        self.call, self.bound, self.name = call, bound, name
        self.function = call.scope.node
        self.uses = [
            one
            for one in walk(self.function)
            if isinstance(one, ast.Name) and one.id == name and isinstance(one.ctx, ast.Load)
        ]

    @property
    def is_connection(self) -> bool:
        """Whether it is a database's connection."""
        return any(name.endswith(".connect") for name in self.call.names)

    def escapes(self, parent: dict[ast.AST, ast.AST]) -> bool:
        """Whether somebody else may close it: it is returned, kept, handed on, or shared."""
        own = set(own_nodes(self.function))
        for use in self.uses:
            above = parent.get(use)
            if use not in own:
                return True  # an inner function closes over it
            if isinstance(
                above, ast.Attribute | ast.Compare | ast.For | ast.comprehension | ast.If
            ):
                continue
            if isinstance(above, ast.withitem | ast.BoolOp | ast.UnaryOp | ast.While | ast.IfExp):
                continue
            if (
                isinstance(above, ast.Call)
                and use in above.args
                and (called_name(above) in _READERS)
            ):
                continue
            if not (isinstance(above, ast.Call) and dotted(above.func) == "os.close"):
                return True
        shared = [one for one in own if isinstance(one, ast.Global | ast.Nonlocal)]
        return any(self.name in one.names for one in shared)

    def closings(self, parent: dict[ast.AST, ast.AST]) -> list[ast.AST]:
        """Where it is closed: `x.close()`, `os.close(x)`, `with x`."""
        found: list[ast.AST] = []
        for use in self.uses:
            above = parent.get(use)
            if isinstance(above, ast.Attribute) and above.attr in _CLOSERS:
                found.append(above)
            elif isinstance(above, ast.withitem) or called_name(above or use) == "close":
                found.append(use)
        return found


def _handles(code: Code, parent: dict[ast.AST, ast.AST]) -> Iterator[_Handle]:
    seen: set[int] = set()
    for call in code.calls_to(_OPENERS):
        bound = parent.get(call.node)
        if call.managed or id(call.node) in seen or isinstance(call.scope.node, ast.Lambda):
            continue
        seen.add(id(call.node))
        if isinstance(bound, ast.Assign) and len(bound.targets) == 1:
            target = bound.targets[0]
            if isinstance(target, ast.Name):
                yield _Handle(call, bound, target.id)


def _leaks(code: Code) -> Iterator[Match]:
    if not any(True for _ in code.calls_to(_OPENERS)):
        return
    parent = parents(code)
    for handle in _handles(code, parent):
        if handle.escapes(parent):
            continue
        closings = handle.closings(parent)
        if any(_certain(one, parent) for one in closings):
            continue
        if not closings:
            number = handle.call.fits("os.open") and not isinstance(handle.function, ast.Module)
            yield Match(handle.call.node, "is never closed", "medium" if number else "low")
        elif isinstance(handle.function, ast.Module):
            yield Match(handle.call.node, "stays open when an error comes first", "low")
        elif _left_early(handle, closings, parent):
            yield Match(handle.call.node, "stays open on the way that leaves before close()")
        elif _swallowed(handle, closings, parent):
            level: Level = "low" if handle.is_connection else "medium"
            yield Match(handle.call.node, "stays open when the exception handler runs", level)
        else:
            yield Match(handle.call.node, "stays open when an error comes first", "low")


def _certain(closing: ast.AST, parent: dict[ast.AST, ast.AST]) -> bool:
    """Closed by `with`, in a finally block, or with the help of an exit stack."""
    below = closing
    for above in ancestors(closing, parent):
        if isinstance(above, ast.withitem):
            return True
        if isinstance(above, ast.Try) and below in above.finalbody:
            return True
        if called_name(above) in ("callback", "push", "register", "addCleanup", "enter_context"):
            return True
        below = above
    return False


def _left_early(handle: _Handle, closings: list[ast.AST], parent: dict[ast.AST, ast.AST]) -> bool:
    """A return between opening and the last closing whose branch does not close."""
    opened = handle.bound.end_lineno or handle.bound.lineno
    last = max(getattr(one, "lineno", 0) for one in closings)
    for node in own_nodes(handle.function):
        if not isinstance(node, ast.Return) or not opened < node.lineno < last:
            continue
        branch = next((a for a in ancestors(node, parent) if isinstance(a, ast.If)), None)
        if branch is None or branch.lineno < opened or _tests(branch.test, handle.name):
            continue
        before = [one for one in closings if getattr(one, "lineno", 0) <= node.lineno]
        if not any(_reaches(one, node, parent) for one in before):
            return True
    return False


def _reaches(closing: ast.AST, leaving: ast.AST, parent: dict[ast.AST, ast.AST]) -> bool:
    """Whether the way to `leaving` goes through the block that closes."""
    around = set(ancestors(leaving, parent))
    blocks = (ast.If, ast.For, ast.While, ast.Try, ast.ExceptHandler, ast.With)
    nearest = next((a for a in ancestors(closing, parent) if isinstance(a, blocks)), None)
    return nearest is None or nearest in around


def _tests(test: ast.expr, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in walk(test))


def _swallowed(handle: _Handle, closings: list[ast.AST], parent: dict[ast.AST, ast.AST]) -> bool:
    """Opened and closed in one try body whose handlers go on without closing."""
    for one in ancestors(handle.bound, parent):
        if not isinstance(one, ast.Try) or not one.handlers:
            continue
        inside = [node for part in one.body for node in walk(part)]
        if not any(handle.bound is node for node in inside):
            continue
        only_here = all(any(closing is node for node in inside) for closing in closings)
        leaves = all(
            isinstance(handler.body[-1], ast.Raise)
            or called_name(getattr(handler.body[-1], "value", None) or handler) in ("exit", "_exit")
            for handler in one.handlers
        )
        if all(_only_from_opening(handler) for handler in one.handlers):
            return False
        risky = [part for part in one.body if part.lineno > handle.bound.lineno]
        return only_here and not leaves and len(risky) > 1
    return False


def _only_from_opening(handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches only what opening raises: then nothing is open."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return all(dotted(one).rpartition(".")[2] in _OPENING if one else False for one in kinds)


_OPENING = {
    *("FileNotFoundError", "FileExistsError", "PermissionError", "IsADirectoryError"),
    *("URLError", "HTTPError", "ConnectionRefusedError", "gaierror", "BadZipFile"),
}


RULE = FlowRule(
    id="resource-leak",
    title="Handle not closed on every way out",
    cwes=(772, 404, 775),
    severity="medium",
    severity_reason="Handles add up until the process can open no more; unwritten data is lost.",
    fix="Open it in a with statement, or close it in finally.",
    reference="https://cwe.mitre.org/data/definitions/772.html",
    detectors=(_leaks,),
    insecure=(
        """
import os

def first(path):
    number = os.open(path, os.O_RDONLY)
    return os.read(number, 1)
""",
        """
def first_entry(path, wanted):
    handle = open(path)
    header = handle.readline()
    if wanted not in header:
        return None
    entry = handle.readline()
    handle.close()
    return entry
""",
        """
import socket

def ask(host, question):
    try:
        link = socket.create_connection((host, 7000), timeout=5)
        link.sendall(question)
        answer = link.recv(1024)
        link.close()
        return answer
    except OSError:
        return b""
""",
        """
import sqlite3

def balance(account):
    connection = sqlite3.connect("bank.db")
    row = connection.execute("SELECT sum FROM accounts WHERE id = ?", (account,)).fetchone()
    if row is None:
        return 0
    connection.close()
    return row[0]
""",
    ),
    secure=(
        """
import os

def first(path):
    number = os.open(path, os.O_RDONLY)
    try:
        return os.read(number, 1)
    finally:
        os.close(number)
""",
        """
def first_entry(path, wanted):
    with open(path) as handle:
        header = handle.readline()
        if wanted not in header:
            return None
        return handle.readline()
""",
        """
import socket

def ask(host, question):
    link = socket.create_connection((host, 7000), timeout=5)
    try:
        link.sendall(question)
        return link.recv(1024)
    except OSError:
        return b""
    finally:
        link.close()
""",
        """
import sqlite3
from contextlib import closing

def balance(account):
    with closing(sqlite3.connect("bank.db")) as connection:
        row = connection.execute("SELECT sum FROM accounts WHERE id = ?", (account,)).fetchone()
        return 0 if row is None else row[0]
""",
        """
def open_log(path):
    handle = open(path, "a")
    handle.write("started\\n")
    return handle
""",
        """
class Journal:
    def __init__(self, path):
        handle = open(path, "a")
        self.handle = handle

    def close(self):
        self.handle.close()
""",
        """
import sqlite3

def balance(account):
    connection = sqlite3.connect("bank.db")
    try:
        row = connection.execute("SELECT sum FROM accounts WHERE id = ?", (account,)).fetchone()
    finally:
        connection.close()
    return 0 if row is None else row[0]
""",
    ),
)
