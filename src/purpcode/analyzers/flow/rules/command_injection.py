"""Shell commands put together from outside data."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.detectors import Flow, Sink, is_built
from purpcode.analyzers.flow.naming import last_part
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_SUBPROCESS = tuple(
    f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output", "Popen")
)
_SHELLS = frozenset(("sh", "bash", "/bin/sh", "/bin/bash", "zsh", "cmd", "cmd.exe", "powershell"))


_EXECS = tuple(f"os.exec{one}" for one in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe"))
_SPAWNS = tuple(f"os.spawn{one}" for one in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe"))
_STARTERS = ("os.posix_spawn", "os.posix_spawnp", "asyncio.create_subprocess_exec",
             "*.subprocess_exec", "pexpect.spawn")  # fmt: skip
_RUNNERS = tuple(
    f"*{name}*"
    for name in (
        "run_ssh",
        "cli_run",
        "ssh_exec",
        "exec_cmd",
        "run_cmd",
        "run_command",
        "execute_command",
        "exec_command",
        "shell_exec",
        "run_shell",
    )
)
"""Functions whose name says that they run a command line, wherever they come from."""

_COMMAND = re.compile(r"(?i)(?:^|_)(?:cmd|command|cmdline|commandline)\d*$")
_ONLY_SHOW = frozenset(
    (
        *("print", "debug", "info", "warning", "error", "exception", "critical", "log", "format"),
        *("append", "write", "split", "strip", "encode", "str", "repr", "len", "quote", "escape"),
        *("join", "execute", "run", "call", "Popen", "check_output", "check_call", "add"),
    )
)
"""What is done with such a text that runs no shell, or that other detectors look at."""


def _named_command_lines(code: Code) -> Iterator[Match]:
    """A text built into a variable called a command, and handed on."""
    for call in code.calls:
        if any(last_part(name) in _ONLY_SHOW or name[0] == "@" for name in call.names):
            continue
        for node, value in zip(call.node.args, call.args, strict=False):
            spelled = node.id if isinstance(node, ast.Name) else ""
            if value.built and value.items is None and _COMMAND.search(spelled):
                yield from _SHELL.judge(call.node, value)


def _through_a_shell(call: Call) -> bool:
    shell = call.argument(8, "shell")
    return (shell is not None and shell.const not in (False, None)) or _names_a_shell(call)


def _names_a_shell(call: Call) -> bool:
    command = call.argument(0, "args")
    items = command.items if command is not None else None
    if not items:
        return False
    program = items[0].text
    flagged = len(items) > 2 and items[1].text in ("-c", "/c", "/C")
    runs_text = program is None or program.rpartition("/")[2].startswith(("python", "perl", "ruby"))
    return (flagged and runs_text) or program in _SHELLS


def _chooses_the_program(value: Value) -> bool:
    """Whether outside data is the whole command or the program of an argument list."""
    return value.items is None or bool(value.items and value.items[0].taints)


_WHAT = "is part of a shell command"

_SHELL = Flow(
    sinks=(
        Sink(
            (
                "os.system",
                "os.popen",
                "os.popen2",
                "os.popen3",
                "os.popen4",
                "subprocess.getoutput",
                "subprocess.getstatusoutput",
                "popen2.popen2",
                "asyncio.create_subprocess_shell",
                "pty.spawn",
                "os.startfile",
                "*.exec_command",
                "fabric.Connection().run",
                "invoke.run",
            ),
            (0, "cmd", "command"),
        ),
        Sink(_SUBPROCESS, (0, "args"), when=_through_a_shell),
        Sink(("*.subprocess_shell",), (1, "cmd")),
        Sink(("*.BashOperator", "?BashOperator"), ("bash_command",), holds=is_built),
        Sink(_RUNNERS, (0, "cmd", "command"), holds=is_built),
    ),
    what=_WHAT,
    harmless=("shlex.quote", "pipes.quote", "shlex.join", "?quote", "shlex.split"),
    severities={"parameter": "medium"},
)


def _shells_started(code: Code) -> Iterator[Match]:
    """`os.execl("/bin/sh", "sh", "-c", text)` and the like: the text is a command line."""
    for call in code.calls_to((*_EXECS, *_SPAWNS, *_STARTERS)):
        given: list[Value] = []
        for one in call.args:
            given += one.items if one.items else (one,)
        texts = [one.text for one in given]
        if "-c" in texts and any(_is_shell(text) for text in texts):
            for value in given[texts.index("-c") + 1 :]:
                yield from _SHELL.judge(call.node, value)


def _is_shell(text: str | None) -> bool:
    return text is not None and text.rpartition("/")[2] in _SHELLS


RULE = FlowRule(
    id="command-injection",
    title="Command built from outside data",
    cwes=(78, 77, 88),
    severity="high",
    severity_reason="Whoever controls part of a shell command runs programs of their choice.",
    fix="Pass a list of arguments to subprocess.run without a shell, after checking each; where a"
    " shell is needed, quote every value with shlex.quote.",
    reference="https://cwe.mitre.org/data/definitions/78.html",
    detectors=(
        _named_command_lines,
        _shells_started,
        _SHELL,
        Flow(
            sinks=(
                Sink(
                    _SUBPROCESS,
                    (0, "args"),
                    when=lambda call: not _through_a_shell(call),
                    holds=_chooses_the_program,
                ),
                Sink((*_EXECS, "os.posix_spawn", "os.posix_spawnp"), (0,)),
                Sink(_SPAWNS, (1,)),
                Sink(("asyncio.create_subprocess_exec",), (0,)),
                Sink(("*.subprocess_exec",), (1,)),
            ),
            what="chooses the program that is run",
            harmless=("shutil.which",),
            severities={"cli": "low", "environment": "low", "parameter": "low", "file": "medium"},
            parameter_when=is_built,
        ),
    ),
    insecure=(
        """
import os
from fastapi import FastAPI

app = FastAPI()

@app.post("/count")
def count(folder: str):
    return {"code": os.spawnl(os.P_WAIT, "/bin/sh", "sh", "-c", "ls " + folder + " | wc -l")}
""",
        """
import os
from flask import Flask, request

app = Flask(__name__)

@app.route("/ping")
def ping():
    host = request.args.get("host", "")
    os.system("ping -c 1 " + host)
    return "done"
""",
        """
import subprocess

def compress(name):
    command = f"tar czf out.tgz {name}"
    return subprocess.check_output(command, shell=True)
""",
        """
import subprocess
import sys

def run(tool):
    runner = getattr(subprocess, "call")
    runner(["sh", "-c", "echo " + tool])

run(sys.argv[1])
""",
        """
import subprocess
from django.http import HttpResponse

def convert(request, tool):
    return HttpResponse(subprocess.run([tool, "--version"], capture_output=True).stdout)
""",
    ),
    secure=(
        """
import os
from fastapi import FastAPI

app = FastAPI()

@app.post("/count")
def count(folder: str):
    return {"code": os.spawnl(os.P_WAIT, "/usr/bin/du", "du", "-s", "--", folder)}
""",
        """
import subprocess
from flask import Flask, request

app = Flask(__name__)

@app.route("/ping")
def ping():
    host = request.args.get("host", "")
    if not host.replace(".", "").isalnum():
        return "bad host", 400
    subprocess.run(["ping", "-c", "1", host], check=True, timeout=5)
    return "done"
""",
        """
import shlex
import subprocess

def compress(name):
    return subprocess.check_output(f"tar czf out.tgz {shlex.quote(name)}", shell=True)
""",
        """
import subprocess

TOOLS = {"list": "ls", "disk": "df"}

def run(action):
    return subprocess.check_output(TOOLS[action], shell=True)
""",
        """
import os

def clear():
    os.system("clear")
""",
    ),
)
