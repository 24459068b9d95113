"""Programs and modules looked for where others may put them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_SHARED = re.compile(r"^(/tmp|/var/tmp|/dev/shm|C:\\(Windows\\)?Temp)(/|\\|$)", re.IGNORECASE)
_RUNNERS = tuple(f"subprocess.{name}" for name in
                 ("run", "call", "check_call", "check_output", "Popen"))  # fmt: skip
_FLOW = Flow(
    sinks=(),
    what="says where programs or modules are looked for",
    severities={"cli": "low", "environment": None, "file": "low", "stored": "medium",
                "parameter": None},
)  # fmt: skip


def _shared(value: Value) -> bool:
    """Whether a search path begins with a folder that everybody may write to."""
    return any(_SHARED.match(part) for part in value.starts_with().split(":"))


def _module_path(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("sys.path.insert", "sys.path.append", "site.addsitedir")):
        value = call.argument(1 if call.fits("*.insert") else 0)
        if value is None:
            continue
        if _shared(value):
            yield Match(
                call.node, "modules are imported from a folder all users share", cwes=(427,)
            )
        elif value.text in ("", ".") and call.fits("*.insert"):
            yield Match(call.node, "modules are imported from the current folder", "low", (427,))
        elif value.taints:
            for match in _FLOW.judge(call.node, value):
                yield Match(match.node, match.message, match.severity, (427, 426))


def _program_path(code: Code) -> Iterator[Match]:
    for store in code.stores:
        # `os.environ["PATH"] = ...`
        if store.key not in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LD_PRELOAD"):
            continue
        if not any(name.startswith("os.environ") for name in store.names):
            continue
        first = store.value.starts_with()
        if _shared(store.value) or (re.match(r"^(\.|)(:|$)", first) and first):
            yield Match(store.node, f"{store.key} begins with a folder others may write to")
        else:
            yield from _FLOW.judge(store.node, store.value)


def _in_a_given_folder(code: Code) -> Iterator[Match]:
    """`./tool` run in a folder that a request chooses, or from a shared one."""
    for call in code.calls_to(_RUNNERS):
        command, folder = call.argument(0, "args"), call.argument(None, "cwd")
        if command is None:
            continue
        items = command.items
        program = items[0].starts_with() if items else command.starts_with()
        if _SHARED.match(program):
            yield Match(call.node, "runs a program from a folder all users share")
        elif program.startswith("./") and folder is not None:
            yield from _FLOW.judge(call.node, folder)


RULE = FlowRule(
    id="untrusted-search-path",
    title="Programs or modules from where others may write",
    cwes=(426, 427),
    severity="medium",
    severity_reason="Whoever may write to the folder has their program run in this one's name.",
    fix="Name programs by absolute path and take modules from folders only the owner may change.",
    reference="https://cwe.mitre.org/data/definitions/426.html",
    detectors=(_module_path, _program_path, _in_a_given_folder),
    insecure=(
        """
import sys

sys.path.insert(0, "/tmp/plugins")

import report

report.run()
""",
        """
import os
import subprocess

def backup():
    os.environ["PATH"] = ".:" + os.environ["PATH"]
    subprocess.run(["pack", "--all"], check=True)
""",
        """
import subprocess

def convert(source):
    return subprocess.run(["/tmp/convert", "--quiet", source], check=True, timeout=60)
""",
        """
import importlib
import sys
from flask import Flask, request

app = Flask(__name__)

@app.post("/plugins")
def plugins():
    sys.path.append(request.form["folder"])
    return {"ok": importlib.import_module("plugin").run()}
""",
    ),
    secure=(
        """
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "plugins"))

import report

report.run()
""",
        """
import os
import subprocess

def backup():
    os.environ["PATH"] = "/usr/bin:/bin"
    subprocess.run(["pack", "--all"], check=True)
""",
        """
import subprocess

def convert(source):
    return subprocess.run(["/usr/bin/convert", "--quiet", source], check=True, timeout=60)
""",
        """
import os
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "lib"))
""",
    ),
)
