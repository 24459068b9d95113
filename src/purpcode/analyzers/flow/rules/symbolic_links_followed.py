"""Links that others put into a folder are followed to files elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import called_name
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.tree import walk

_CHANGES = frozenset(("remove", "unlink", "rmtree", "chmod", "chown", "write_text", "write_bytes"))
_CHECKS = frozenset(
    ("islink", "is_symlink", "realpath", "resolve", "lstat", "lchown", "is_relative_to")
)


def _walks(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("os.walk", "os.fwalk", "pathlib.Path().walk")):
        followed = call.keywords.get("followlinks") or call.keywords.get("follow_symlinks")
        if followed is None or followed.const is not True:
            continue
        names = {called_name(node) for node in walk(call.scope.node)}
        if names & _CHECKS:
            continue
        level: Level = "medium" if names & _CHANGES else "low"
        yield Match(call.node, "links lead out of the folder, into loops and to other files", level)


def _owner_changed(code: Code) -> Iterator[Match]:
    """chown below a folder that others may write to: a link gives its target away."""
    walked = {
        id(call.scope.node) for call in code.calls_to(("os.walk", "os.scandir", "os.listdir"))
    }
    for call in code.calls_to(("os.chown", "shutil.chown")):
        chosen = call.keywords.get("follow_symlinks")
        if id(call.scope.node) not in walked or (chosen is not None and chosen.const is False):
            continue
        if not {called_name(node) for node in walk(call.scope.node)} & _CHECKS:
            yield Match(call.node, "gives away whatever a link in the folder points to")


RULE = FlowRule(
    id="symbolic-links-followed",
    title="Links followed to files elsewhere",
    cwes=(59, 61),
    severity="medium",
    severity_reason="Whoever may put a link into the folder chooses which file is changed.",
    fix="Leave links alone: followlinks=False, follow_symlinks=False, or skip what os.path.islink"
    " says is one.",
    reference="https://cwe.mitre.org/data/definitions/59.html",
    detectors=(_walks, _owner_changed),
    insecure=(
        """
import os

def clean(folder):
    for where, _, names in os.walk(folder, followlinks=True):
        for name in names:
            if name.endswith(".tmp"):
                os.remove(os.path.join(where, name))
""",
        """
import os

def hand_over(folder, user, group):
    for where, folders, names in os.walk(folder):
        for name in folders + names:
            os.chown(os.path.join(where, name), user, group)
""",
        """
import os

def lock_down(folder):
    for where, _, names in os.walk(folder, topdown=True, followlinks=True):
        for name in names:
            os.chmod(os.path.join(where, name), 0o600)
""",
    ),
    secure=(
        """
import os

def clean(folder):
    for where, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".tmp"):
                os.remove(os.path.join(where, name))
""",
        """
import os

def hand_over(folder, user, group):
    for where, folders, names in os.walk(folder):
        for name in folders + names:
            os.chown(os.path.join(where, name), user, group, follow_symlinks=False)
""",
        """
import os

def clean(folder):
    for where, _, names in os.walk(folder, followlinks=True):
        for name in names:
            path = os.path.join(where, name)
            if not os.path.islink(path):
                os.remove(path)
""",
    ),
)
