"""chroot that leaves the working folder outside."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match


def _left_outside(code: Code) -> Iterator[Match]:
    moves = list(code.calls_to(("os.chdir", "os.fchdir")))
    for call in code.calls_to(("os.chroot",)):
        folder = call.node_of(0, "path")
        moved = False
        for move in moves:
            if move.scope.node is not call.scope.node:
                continue
            target = move.args[0].text if move.args else None
            if move.node.lineno > call.node.lineno and (target is None or target.startswith("/")):
                moved = True
            elif folder is not None and move.node.args and move.node.lineno < call.node.lineno:
                # into the folder first, then chroot(".") or to the same folder
                same = ast.unparse(folder) in (ast.unparse(move.node.args[0]), "'.'")
                moved = moved or same
        if not moved:
            yield Match(call.node, "the working folder stays outside and leads out again")


RULE = FlowRule(
    id="chroot-without-chdir",
    title="chroot without changing into it",
    cwes=(243,),
    severity="medium",
    severity_reason="Relative paths still reach files outside the new root.",
    fix='Call os.chdir("/") right after os.chroot.',
    reference="https://cwe.mitre.org/data/definitions/243.html",
    detectors=(_left_outside,),
    confidence="high",
    insecure=(
        """
import os

def lock_in(folder):
    os.chroot(folder)
    os.setgid(1000)
    os.setuid(1000)
""",
        """
import os

def serve(folder, run):
    os.chdir("/srv")
    os.chroot(folder)
    run()
""",
        """
from os import chroot

JAIL = "/var/jail"

def main(handler):
    chroot(JAIL)
    handler("data/input.txt")
""",
    ),
    secure=(
        """
import os

def lock_in(folder):
    os.chroot(folder)
    os.chdir("/")
    os.setgroups([])
    os.setgid(1000)
    os.setuid(1000)
""",
        """
import os

def serve(folder, run):
    os.chdir(folder)
    os.chroot(folder)
    run()
""",
        """
import os

JAIL = "/var/jail"

def main(handler):
    os.chdir(JAIL)
    os.chroot(".")
    handler("data/input.txt")
""",
    ),
)
