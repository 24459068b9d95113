"""Temporary files and folders that nobody removes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import called_name
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_MAKERS = ("tempfile.mkstemp", "tempfile.mkdtemp")
_REMOVERS = frozenset(("remove", "unlink", "rmtree", "rmdir", "removedirs", "move", "rename",
                       "replace", "cleanup", "addCleanup", "register", "callback"))  # fmt: skip


def _left(code: Code) -> Iterator[Match]:
    makers = list(code.calls_to(_MAKERS))
    makers += [
        call
        for call in code.calls_to(("tempfile.NamedTemporaryFile",))
        if (kept := call.argument(None, "delete")) is not None and kept.const is False
    ]
    if not makers or any(called_name(node) in _REMOVERS for node in code.nodes):
        return
    for call in makers:
        if not _handed_on(call.scope.node):
            yield Match(call.node, "is made and never removed")


def _handed_on(function: ast.AST) -> bool:
    """Whether the function gives something back or keeps it: its caller may clean up."""
    for node in walk(function):
        given = node.value if isinstance(node, ast.Return | ast.Yield) else None
        if given is not None and not isinstance(given, ast.Constant):
            return True
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            return True
    return False


RULE = FlowRule(
    id="temporary-file-left",
    title="Temporary file that stays",
    cwes=(459, 404),
    severity="low",
    severity_reason="Leftovers fill the disk and keep data longer than anybody expects.",
    fix="Use tempfile.TemporaryDirectory or NamedTemporaryFile in a with block, or remove it in"
    " finally.",
    reference="https://cwe.mitre.org/data/definitions/459.html",
    detectors=(_left,),
    insecure=(
        """
import subprocess
import tempfile

def render(text: str) -> None:
    folder = tempfile.mkdtemp()
    with open(folder + "/page.tex", "w") as handle:
        handle.write(text)
    subprocess.run(["pdflatex", "page.tex"], cwd=folder, check=True)
""",
        """
import os
import tempfile

def check(data: bytes, probe) -> None:
    descriptor, name = tempfile.mkstemp()
    os.write(descriptor, data)
    os.close(descriptor)
    probe(name)
""",
        """
import tempfile

def show(data: bytes, viewer) -> None:
    with tempfile.NamedTemporaryFile(delete=False) as handle:
        handle.write(data)
    viewer(handle.name)
""",
    ),
    secure=(
        """
import subprocess
import tempfile

def render(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/page.tex", "w") as handle:
            handle.write(text)
        subprocess.run(["pdflatex", "page.tex"], cwd=folder, check=True)
""",
        """
import os
import tempfile

def check(data: bytes, probe) -> None:
    descriptor, name = tempfile.mkstemp()
    try:
        os.write(descriptor, data)
        os.close(descriptor)
        probe(name)
    finally:
        os.unlink(name)
""",
        """
import tempfile

def workspace() -> str:
    folder = tempfile.mkdtemp(prefix="job-")
    return folder
""",
    ),
)
