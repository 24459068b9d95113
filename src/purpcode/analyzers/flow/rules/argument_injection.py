"""Outside data that a program takes for one of its options."""

from __future__ import annotations

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.detectors import Flow
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_RUNNERS = tuple(
    f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output", "Popen")
)
_DANGEROUS = frozenset(
    (
        *("git", "hg", "svn", "tar", "curl", "wget", "ssh", "scp", "rsync", "find", "zip"),
        *("sendmail", "mysql", "psql", "ffmpeg", "convert", "man", "pip", "npm", "docker"),
        *("kubectl", "openssl", "awk", "sed", "sort", "tcpdump", "chrome", "google-chrome"),
    )
)
"""Programs with options that run commands or write files."""

_FLOW = Flow(
    sinks=(),
    what="is an argument that the program may take for an option",
    harmless=(
        *("-.startswith", "+*.startswith", "urllib.parse.*", "os.path.abspath"),
        *("os.path.realpath", "pathlib.Path().resolve", "os.path.join", "tempfile.*"),
        *("shlex.quote", "werkzeug.utils.secure_filename", "-in:-"),
    ),
    severities={
        "cli": None,
        "environment": None,
        "file": "low",
        "stored": "low",
        "network": "low",
        "parameter": "low",
    },
)


def _options(code: Code) -> Iterator[Match]:
    for call in code.calls_to((*_RUNNERS, "asyncio.create_subprocess_exec")):
        items = _items(call)
        if not items or (items[0].text or "").rpartition("/")[2] not in _DANGEROUS:
            continue
        for index, item in enumerate(items[1:], 1):
            if item.text == "--":
                break
            if not item.taints or item.starts_with() or item.built:
                continue
            if items[index - 1].starts_with().startswith("-") and index > 1:
                continue  # the value of an option; it begins no option of its own
            yield from _FLOW.judge(call.node, item)


def _items(call: Call) -> tuple[Value, ...] | None:
    if call.fits("asyncio.create_subprocess_exec"):
        return call.args
    command = call.argument(0, "args")
    return command.items if command is not None else None


RULE = FlowRule(
    id="argument-injection",
    title="Outside data taken for an option",
    cwes=(88,),
    severity="medium",
    severity_reason="A value that begins with a dash becomes an option, and options of this program"
    " run commands or write files.",
    fix='Put "--" before the value, or refuse values that begin with "-".',
    reference="https://cwe.mitre.org/data/definitions/88.html",
    detectors=(_options,),
    insecure=(
        """
import subprocess
from flask import Flask, request

app = Flask(__name__)

@app.post("/clone")
def clone():
    subprocess.run(["git", "clone", request.form["url"]], check=True, timeout=60)
    return {"ok": True}
""",
        """
import subprocess
from django.http import HttpResponse

def backup(request):
    name = request.GET["folder"]
    subprocess.check_call(["/usr/bin/tar", "cf", "out.tar", name])
    return HttpResponse("done")
""",
        """
import asyncio
from fastapi import FastAPI

app = FastAPI()

@app.get("/fetch/{address}")
async def fetch(address: str):
    job = await asyncio.create_subprocess_exec("curl", "out.html", address)
    return {"code": await job.wait()}
""",
    ),
    secure=(
        """
import subprocess
from flask import Flask, request

app = Flask(__name__)

@app.post("/clone")
def clone():
    subprocess.run(["git", "clone", "--", request.form["url"]], check=True, timeout=60)
    return {"ok": True}
""",
        """
import subprocess
from django.http import HttpResponse, HttpResponseBadRequest

def backup(request):
    name = request.GET["folder"]
    if name.startswith("-"):
        return HttpResponseBadRequest("not a folder")
    subprocess.check_call(["/usr/bin/tar", "cf", "out.tar", name])
    return HttpResponse("done")
""",
        """
import subprocess
from flask import Flask, request

app = Flask(__name__)

@app.get("/ping")
def ping():
    host = request.args["host"]
    subprocess.run(["ping", "-c", "1", host], check=False, timeout=5)
    return {"ok": True}
""",
        """
import subprocess
import sys

def clone():
    subprocess.run(["git", "clone", sys.argv[1]], check=True)
""",
    ),
)
