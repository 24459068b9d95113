"""Destruction that waits for a date or a name."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import dotted, is_test_code
from purpcode.analyzers.flow.tree import walk

_NOW = ("datetime.now", "datetime.utcnow", "date.today", "datetime.today", "time.time")
_PEOPLE = ("getpass.getuser", "os.getlogin", "socket.gethostname")
_DESTROYING = (
    "os.remove",
    "os.unlink",
    "shutil.rmtree",
    "os.rmdir",
    "os.removedirs",
    "os.truncate",
)
_DROPPING = ("drop table", "drop database", "truncate table")


def _fixed_date(node: ast.AST) -> bool:
    """A date written in the program: `date(2030, 1, 1)`, an ISO text."""
    for one in walk(node):
        if (
            (
                isinstance(one, ast.Call)
                and dotted(one.func).rpartition(".")[2]
                in (
                    "date",
                    "datetime",
                )
            )
            and len(one.args) >= 3
            and all(isinstance(arg, ast.Constant) for arg in one.args)
        ):
            return True
    return False


def _waits(test: ast.expr) -> bool:
    for node in walk(test):
        if not isinstance(node, ast.Compare):
            continue
        called = [dotted(one.func) for one in walk(node) if isinstance(one, ast.Call)]
        if any(name.endswith(_NOW) for name in called) and _fixed_date(node):
            return True
        constants = [one for one in walk(node) if isinstance(one, ast.Constant)]
        if any(name.endswith(_PEOPLE) for name in called) and constants:
            return True
    return False


def _destroys(statements: list[ast.stmt]) -> bool:
    for statement in statements:
        for one in walk(statement):
            if isinstance(one, ast.Call) and dotted(one.func).endswith(_DESTROYING):
                return True
            if (
                isinstance(one, ast.Constant)
                and isinstance(one.value, str)
                and one.value.lower().startswith(_DROPPING)
            ):
                return True
    return False


def _bombs(code: Code) -> Iterator[Match]:
    if is_test_code(code):
        return
    for node in code.nodes_of(ast.If):
        if _waits(node.test) and _destroys(node.body):
            yield Match(node, "from a fixed day or for a fixed person on, data is destroyed")


RULE = FlowRule(
    id="logic-bomb",
    title="Destruction on a fixed day or for a fixed person",
    cwes=(511,),
    severity="medium",
    severity_reason="Nobody asks for it when it happens; it is what a planted trap looks like.",
    fix="Delete by the age of the data and by a setting, and record it.",
    reference="https://cwe.mitre.org/data/definitions/511.html",
    detectors=(_bombs,),
    insecure=(
        """
import datetime
import shutil

def tidy(folder):
    if datetime.date.today() > datetime.date(2030, 1, 1):
        shutil.rmtree(folder)
""",
        """
from datetime import datetime
import sqlite3

def start(path):
    connection = sqlite3.connect(path)
    if datetime.now() >= datetime(2031, 5, 1):
        connection.execute("DROP TABLE invoices")
    return connection
""",
        """
import getpass
import os

def start(paths):
    if getpass.getuser() == "jdoe":
        for path in paths:
            os.remove(path)
""",
    ),
    secure=(
        """
import datetime
import shutil

def tidy(folder, created, keep_days):
    if datetime.date.today() - created > datetime.timedelta(days=keep_days):
        shutil.rmtree(folder)
""",
        """
from datetime import datetime

def banner():
    if datetime.now() >= datetime(2031, 5, 1):
        return "This version is no longer maintained."
    return ""
""",
        """
import getpass
import os

def start(paths):
    if getpass.getuser() == "root":
        raise PermissionError("do not run as root")
    for path in paths:
        os.remove(path)
""",
    ),
)
