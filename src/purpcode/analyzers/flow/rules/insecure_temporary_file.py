"""Temporary files whose name others can guess or take first."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.detectors import calls
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk
from purpcode.analyzers.flow.values import Value

_SHARED = re.compile(r"^(/var/tmp|/tmp|/dev/shm)/[^/]")
_WRITERS = ("open", "gzip.open", "bz2.open", "lzma.open", "zipfile.ZipFile", "tarfile.open",
            "logging.FileHandler")  # fmt: skip
_STORES = ("shelve.open", "dbm.open", "dbm.gnu.open", "dbm.dumb.open")


def _guessable(value: Value | None) -> bool:
    """A path right in a folder that all users share, with nothing random in its name."""
    if value is None:
        return False
    return _SHARED.match(value.text or "") is not None


def _fixed_below_temp(node: ast.expr | None) -> bool:
    """`os.path.join(tempfile.gettempdir(), "name")`."""
    if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith("path.join"):
        return False
    first, *rest = node.args or [ast.Constant("")]
    shared = ast.unparse(first).endswith(("gettempdir()", "'/tmp'", "'/var/tmp'"))
    return shared and bool(rest) and all(isinstance(one, ast.Constant) for one in rest)


def _looked_through(node: ast.expr | None, call: Call) -> ast.expr | None:
    """The expression a variable was last given in the same function, else the node itself."""
    if not isinstance(node, ast.Name):
        return node
    given = [
        one.value
        for one in walk(call.scope.node)
        if isinstance(one, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == node.id for target in one.targets)
    ]
    return given[-1] if given else node


def _writes(call: Call) -> bool:
    mode = call.argument(1, "mode")
    text = mode.text if mode is not None else None
    if call.names & {"logging.FileHandler"}:
        return True
    return text is not None and any(letter in text for letter in "wa+")


def _opened(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_WRITERS):
        path = _looked_through(call.node_of(0, "file"), call)
        if (_guessable(call.argument(0, "file")) or _fixed_below_temp(path)) and _writes(call):
            yield Match(
                call.node, "writes to a fixed name in a folder all users share", cwes=(379, 377)
            )
    for call in code.calls_to(("pathlib.Path().write_text", "pathlib.Path().write_bytes")):
        if _SHARED.match(call.receiver.starts_with()) and not call.receiver.taints:
            yield Match(
                call.node, "writes to a fixed name in a folder all users share", cwes=(379, 377)
            )
    for call in code.calls_to(_STORES):
        if _guessable(call.argument(0, "filename")):
            yield Match(
                call.node, "keeps pickled data in a folder all users share", "medium", (379, 377)
            )


RULE = FlowRule(
    id="insecure-temporary-file",
    title="Temporary file with a guessable name",
    cwes=(377, 379, 378),
    severity="medium",
    severity_reason="Another user can create the file or a link first, and so read or choose what"
    " is written and where.",
    fix="Use tempfile.NamedTemporaryFile, tempfile.mkstemp or tempfile.TemporaryDirectory.",
    reference="https://cwe.mitre.org/data/definitions/377.html",
    detectors=(
        calls(
            ("tempfile.mktemp", "os.tempnam", "os.tmpnam"),
            "only invents a name; somebody may take it before the file is made",
        ),
        _opened,
    ),
    confidence="high",
    insecure=(
        """
import tempfile

def spool(data: bytes) -> str:
    name = tempfile.mktemp(suffix=".bin")
    with open(name, "wb") as handle:
        handle.write(data)
    return name
""",
        """
def export(rows):
    with open("/tmp/export.csv", "w") as handle:
        for row in rows:
            handle.write(",".join(row) + "\\n")
""",
        """
import shelve

def remember(key, value):
    with shelve.open("/tmp/cache.db") as cache:
        cache[key] = value
""",
        """
from pathlib import Path

def write_pid(number: int) -> None:
    Path("/var/tmp/service.pid").write_text(str(number))
""",
    ),
    secure=(
        """
import os
import tempfile

def spool(data: bytes) -> str:
    descriptor, name = tempfile.mkstemp(suffix=".bin")
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(data)
    return name
""",
        """
import tempfile

def export(rows):
    with tempfile.NamedTemporaryFile("w", suffix=".csv", delete=False) as handle:
        for row in rows:
            handle.write(",".join(row) + "\\n")
        return handle.name
""",
        """
import shelve
from pathlib import Path

def remember(key, value):
    with shelve.open(str(Path.home() / ".cache" / "tool.db")) as cache:
        cache[key] = value
""",
        """
import tempfile
from pathlib import Path

def work(text):
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "input.txt"
        target.write_text(text)
        return target.stat().st_size
""",
        """
def banner():
    with open("/tmp/banner.txt") as handle:
        return handle.read()
""",
    ),
)
