"""Code fetched from the network and run without checking what came."""

from __future__ import annotations

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule, Match

_RUNNERS = tuple(f"subprocess.{name}" for name in
                 ("run", "call", "check_call", "check_output", "Popen"))  # fmt: skip
_PIPED = re.compile(r"\b(curl|wget)\b[^|;&]*https?://[^|;&]*\|\s*(sudo\s+)?(ba|z|da)?sh\b")
_INSTALLED = re.compile(r"\bpip3?\s+install\b.*(http://|git\+http://|--trusted-host)")


def _commands(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("os.system", "os.popen", "subprocess.getoutput", *_RUNNERS)):
        command = call.argument(0, "args")
        if command is None:
            continue
        parts = command.items or (command,)
        line = " ".join(part.starts_with() for part in parts)
        if _PIPED.search(line):
            yield Match(call.node, "a downloaded script goes straight into a shell")
        elif _INSTALLED.search(line):
            yield Match(call.node, "a package is installed from an unprotected address", "medium")


def _saved_and_run(code: Code) -> Iterator[Match]:
    """A downloaded file that is then run."""
    saved: set[str] = set()
    for call in code.calls_to(("urllib.request.urlretrieve", "wget.download")):
        target = call.argument(1, "filename")
        if target is not None and target.text:
            saved.add(target.text)
    if not saved or any(True for _ in code.calls_to(("hashlib.*", "hmac.*", "*.verify"))):
        return
    for call in code.calls_to(("os.system", "os.execv", "runpy.run_path", *_RUNNERS)):
        command = call.argument(0, "args")
        parts = (command.items or (command,)) if command is not None else ()
        if any(path in part.starts_with() for part in parts for path in saved):
            yield Match(call.node, "a downloaded file is run without a check of what it is")


RULE = FlowRule(
    id="downloaded-code",
    title="Downloaded code is run unchecked",
    cwes=(494, 829),
    severity="high",
    severity_reason="Whoever controls the server or the way to it runs code in this program.",
    fix="Install pinned releases with hashes, or compare the download's digest or signature with a"
    " known one before running it.",
    reference="https://cwe.mitre.org/data/definitions/494.html",
    detectors=(
        Flow(
            sinks=(
                Sink(("exec", "eval", "compile"), (0, "source")),
                Sink(("marshal.loads", "types.CodeType"), (0,)),
            ),
            what="is run as code",
            harmless=(
                *("hmac.*", "+hmac.compare_digest", "ast.literal_eval", "+*.verify"),
                *("-*.verify", "*.verify"),
            ),
            severities={
                "cli": None,
                "environment": None,
                "file": None,
                "stored": None,
                "parameter": None,
                "request": None,
            },
        ),
        _commands,
        _saved_and_run,
    ),
    insecure=(
        """
import requests

def load_plugin(name):
    source = requests.get(f"https://plugins.example.com/{name}.py", timeout=10).text
    space = {}
    exec(source, space)
    return space["run"]
""",
        """
from urllib.request import urlopen

def update():
    with urlopen("https://example.com/update.py", timeout=10) as answer:
        exec(compile(answer.read(), "update.py", "exec"))
""",
        """
import subprocess

def install():
    subprocess.run("curl -fsSL https://get.example.com/install | sh", shell=True, check=True)
""",
        """
import subprocess
from urllib.request import urlretrieve

def install():
    urlretrieve("https://example.com/setup.bin", "setup.bin")
    subprocess.run(["./setup.bin", "--quiet"], check=True)
""",
    ),
    secure=(
        """
import importlib

PLUGINS = {"report": "shop.plugins.report", "chart": "shop.plugins.chart"}

def load_plugin(name):
    return importlib.import_module(PLUGINS[name]).run
""",
        """
import json
from urllib.request import urlopen

def update():
    with urlopen("https://example.com/update.json", timeout=10) as answer:
        return json.loads(answer.read())
""",
        """
import hashlib
import subprocess
from urllib.request import urlretrieve

DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

def install():
    urlretrieve("https://example.com/setup.bin", "setup.bin")
    with open("setup.bin", "rb") as handle:
        if hashlib.sha256(handle.read()).hexdigest() != DIGEST:
            raise RuntimeError("not the expected file")
    subprocess.run(["./setup.bin", "--quiet"], check=True)
""",
    ),
)
