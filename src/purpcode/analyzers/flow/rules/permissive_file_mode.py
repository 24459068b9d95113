"""Files and folders that every user of the machine may change."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_WORLD_WRITE = 0o002
_STICKY = 0o1000
_CHANGES = ("os.chmod", "os.fchmod", "os.lchmod", "os.mknod", "os.mkfifo")
_MAKES = ("os.mkdir", "os.makedirs", "pathlib.Path().mkdir", "pathlib.Path().touch", "os.open")
_COMMANDS = ("os.system", "subprocess.run", "subprocess.call", "subprocess.check_call",
             "subprocess.check_output", "subprocess.Popen")  # fmt: skip
_CHMOD = re.compile(
    r"\bchmod\s+(-\w+\s+)*(0?[0-7]{2}[2367]|[ugo]*[ao][ugo]*[+=]\w*w\w*|[+]?a[+=]\w*w)\b"
)


def _mode(call: Call) -> object:
    if (
        call.fits("pathlib.Path().chmod")
        or call.fits("pathlib.Path().mkdir")
        or call.fits("pathlib.Path().touch")
    ):
        value = call.argument(0, "mode")
    elif call.names & {"os.open"}:
        value = call.argument(2, "mode")
    else:
        value = call.argument(1, "mode")
    return value.const if value is not None else None


def _for_everybody(code: Code) -> Iterator[Match]:
    for call in code.calls_to((*_CHANGES, *_MAKES, "pathlib.Path().chmod", "*.chmod")):
        if not any(call.fits(name) for name in (*_CHANGES, *_MAKES, "pathlib.Path().chmod")):
            mode = call.args[-1].const if call.args else None  # an sftp client's, a wrapper's
        else:
            mode = _mode(call)
        if type(mode) is not int or not mode & _WORLD_WRITE or mode & _STICKY:
            continue
        if call.names & {"os.chmod", "os.fchmod", "os.lchmod"} or call.fits("*.chmod"):
            yield Match(call.node, f"mode {mode:#o} lets every user write")
        else:  # the umask still takes bits away, unless it was changed
            clear = any(one.args and one.args[0].const == 0 for one in code.calls_to(("os.umask",)))
            level = "medium" if clear or (mode == 0o777 and call.names & {"os.open"}) else "low"
            yield Match(call.node, f"created with mode {mode:#o}", level)  # type: ignore[arg-type]


def _added_bits(code: Code) -> Iterator[Match]:
    """`os.chmod(path, os.stat(path).st_mode | stat.S_IWOTH)`."""
    for call in code.calls_to(("os.chmod", "os.fchmod", "pathlib.Path().chmod")):
        node = call.node_of(0 if call.fits("pathlib.*") else 1, "mode")
        value = call.argument(0 if call.fits("pathlib.*") else 1, "mode")
        if not isinstance(node, ast.BinOp) or (value is not None and value.known):
            continue
        parts = [node.left, node.right] if isinstance(node.op, ast.BitOr) else []
        while parts:
            one = parts.pop()
            if isinstance(one, ast.BinOp) and isinstance(one.op, ast.BitOr):
                parts += [one.left, one.right]
            elif _lets_others_write(one):
                yield Match(call.node, "every user may write")
                break


def _lets_others_write(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) is int and bool(node.value & _WORLD_WRITE)
    return isinstance(node, ast.Attribute) and node.attr in ("S_IWOTH", "S_IRWXO")


def _open_umask(code: Code) -> Iterator[Match]:
    """umask(0) that stays: putting the old mask back, or giving modes explicitly, is fine."""
    masks = list(code.calls_to(("os.umask",)))
    restored = any(call.args and not call.args[0].known for call in masks)
    for call in masks:
        mask = call.args[0].const if call.args else None
        if type(mask) is int and not mask & _WORLD_WRITE and not restored:
            yield Match(call.node, f"after umask {mask:#o} new files are writable for every user")


def _commands(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_COMMANDS):
        command = call.argument(0, "args")
        if command is None:
            continue
        items = command.items or (command,)
        line = " ".join(one.starts_with() for one in items)
        if _CHMOD.search(line):
            yield Match(call.node, "chmod lets every user write")


RULE = FlowRule(
    id="permissive-file-mode",
    title="File that every user may change",
    cwes=(732, 276, 277),
    severity="medium",
    severity_reason="Any account on the machine can replace what the program later reads or runs.",
    fix="Give owner rights only (0o600 for files, 0o700 for folders), or at most group rights.",
    reference="https://cwe.mitre.org/data/definitions/732.html",
    detectors=(_for_everybody, _added_bits, _open_umask, _commands),
    confidence="high",
    insecure=(
        """
import os
import stat

def open_up(path):
    os.chmod(path, os.stat(path).st_mode | stat.S_IWOTH)
""",
        """
import os

def publish(path, text):
    with open(path, "w") as handle:
        handle.write(text)
    os.chmod(path, 0o777)
""",
        """
import stat
from pathlib import Path

MODE = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO

def install(source: str) -> None:
    script = Path("/opt/tool/run.sh")
    script.write_text(source)
    script.chmod(MODE)
""",
        """
import os

def daemon(work):
    os.umask(0)
    os.makedirs("/var/lib/tool/jobs")
    work()
""",
        """
import subprocess

def share(folder):
    subprocess.run(["chmod", "-R", "a+rw", folder], check=True)
""",
        """
import os

def log_file():
    os.umask(0)
    return os.open("/var/log/tool.log", os.O_CREAT | os.O_WRONLY, 0o666)
""",
    ),
    secure=(
        """
import os
import stat

def runnable(path):
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
""",
        """
import os

def publish(path, text):
    with open(path, "w") as handle:
        handle.write(text)
    os.chmod(path, 0o640)
""",
        """
import stat
from pathlib import Path

MODE = stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP

def install(source: str) -> None:
    script = Path("/opt/tool/run.sh")
    script.write_text(source)
    script.chmod(MODE)
""",
        """
import os

def daemon(work):
    os.umask(0o077)
    os.makedirs("/var/lib/tool/jobs", mode=0o700)
    work()
""",
        """
import os

def current_mask():
    mask = os.umask(0)
    os.umask(mask)
    return mask

def executable(path):
    os.chmod(path, 0o777 & ~current_mask())
""",
        """
import os

def drop_box(path):
    os.mkdir(path)
    os.chmod(path, 0o1777)
""",
    ),
)
