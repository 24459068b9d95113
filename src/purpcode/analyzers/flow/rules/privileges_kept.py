"""Rights that are kept, dropped in the wrong order, or dropped without success."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.form import called_name
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_USER = ("os.setuid", "os.setreuid", "os.setresuid", "os.seteuid")
_GROUP = ("os.setgid", "os.setregid", "os.setresgid", "os.setegid")
_ROOT = ("root", 0)


def _order(code: Code) -> Iterator[Match]:
    """The user first: afterwards the group can no longer be changed."""
    for call in code.calls_to(_USER):
        if _becomes_root(call):
            continue
        same = [one for one in code.calls_to(_GROUP) if one.scope.node is call.scope.node]
        groups = any(
            one.scope.node is call.scope.node
            for one in code.calls_to(("os.setgroups", "os.initgroups"))
        )
        if any(one.node.lineno < call.node.lineno for one in same):
            if not groups and not call.fits("os.seteuid"):
                yield Match(
                    call.node, "the extra groups of root are kept (os.setgroups)", "low", (271,)
                )
        elif same:
            yield Match(call.node, "the user is changed first; changing the group then fails")
        elif not call.fits("os.seteuid"):
            yield Match(call.node, "the user is changed and the group kept", cwes=(271, 272))


def _becomes_root(call: Call) -> bool:
    return any(one.const == 0 for one in call.args)


def _failure_ignored(code: Code) -> Iterator[Match]:
    """`try: os.setuid(...) except: pass`: the program goes on with all its rights."""
    for node in code.nodes_of(ast.Try):
        names = {called_name(one) for part in node.body for one in walk(part)}
        if not names & {"setuid", "setgid", "setreuid", "setresuid", "setgroups", "seteuid"}:
            continue
        for handler in node.handlers:
            does = {type(one) for part in handler.body for one in walk(part)}
            leaves = ast.Raise in does or any(
                called_name(one) in ("exit", "_exit", "abort", "quit")
                for part in handler.body for one in walk(part)
            )  # fmt: skip
            if not leaves and ast.Return not in does:
                yield Match(handler, "the program goes on when its rights could not be dropped",
                            cwes=(273, 271))  # fmt: skip


def _given_back(call: Call) -> bool:
    """Whether a `finally` of the same function drops the effective rights again."""
    for node in walk(call.scope.node) if call.fits("os.seteuid") else ():
        if (
            isinstance(node, ast.Try)
            and node.finalbody
            and any(called_name(one) == "seteuid" for part in node.finalbody for one in walk(part))
        ):
            return True
    return False


def _runs_as_root(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("os.setuid", "os.seteuid", "os.setgid", "os.setresuid")):
        if _becomes_root(call) and not _given_back(call):
            yield Match(call.node, "the process takes the rights of root", cwes=(250, 269))
    names = tuple(
        f"subprocess.{name}" for name in ("run", "Popen", "call", "check_call", "check_output")
    )
    for call in code.calls_to(names):
        words = [one.text for one in call.args[0].items or ()] if call.args else []
        if words[:1] == ["sudo"] and call.scope.handler:
            yield Match(call.node, "who answers requests may act as root", cwes=(250,))
        user = call.keywords.get("user")
        if user is not None and type(user.const) in (str, int) and user.const in _ROOT:
            yield Match(call.node, "the program is run as root", cwes=(250,))


RULE = FlowRule(
    id="privileges-kept",
    title="Rights kept or dropped wrongly",
    cwes=(271, 273, 250, 272, 269),
    severity="medium",
    severity_reason="A weakness anywhere else in the program then acts with the rights of root.",
    fix="Call os.setgroups([]), os.setgid(gid), os.setuid(uid) in this order and let errors stop"
    " the program.",
    reference="https://cwe.mitre.org/data/definitions/271.html",
    detectors=(_order, _failure_ignored, _runs_as_root),
    insecure=(
        """
import subprocess
from flask import Flask

app = Flask(__name__)

@app.post("/sweep")
def sweep():
    subprocess.run(["sudo", "rm", "-r", "/var/cache/shop"], check=True)
    return "swept"
""",
        """
import os

def drop(uid, gid):
    os.setuid(uid)
    os.setgid(gid)
""",
        """
import os

def drop(uid, gid):
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    except OSError:
        print("could not drop rights")
""",
        """
import os
import pwd

def become(name):
    entry = pwd.getpwnam(name)
    os.setuid(entry.pw_uid)
    os.chdir(entry.pw_dir)
""",
        """
import subprocess

def clean():
    subprocess.run(["/usr/bin/clean", "--all"], user="root", check=True)
""",
    ),
    secure=(
        """
import os

def make_folder(path):
    before = os.geteuid()
    os.seteuid(0)
    try:
        os.mkdir(path)
    finally:
        os.seteuid(before)
""",
        """
import os

def drop(uid, gid):
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
""",
        """
import os
import sys

def drop(uid, gid):
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    except OSError as problem:
        sys.exit(f"could not drop rights: {problem}")
""",
        """
import os
import pwd

def become(name):
    entry = pwd.getpwnam(name)
    os.initgroups(name, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.chdir(entry.pw_dir)
""",
        """
import subprocess

def clean():
    subprocess.run(["/usr/bin/clean", "--all"], user="cleaner", group="cleaner", check=True)
""",
    ),
)
