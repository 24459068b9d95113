"""Settings and environment variables that outside data decides."""

from __future__ import annotations

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.values import SourceKind

_SETTINGS = re.compile(r"(?i)(^|\.|_)(settings|config|conf|app\.config|configuration)(\(\))?$")
_LEVELS: dict[SourceKind, Level | None] = {
    "cli": None, "environment": None, "file": None, "stored": "low", "parameter": None,
    "network": "medium",
}  # fmt: skip
_SETTING = Flow(sinks=(), what="changes a setting of the program", severities=_LEVELS)
_VARIABLE = Flow(sinks=(), what="sets an environment variable", severities=_LEVELS)


def _variables(code: Code) -> Iterator[Match]:
    for store in code.stores:
        if any(name in ("os.environ[]", "os.environb[]") for name in store.names):
            yield from _VARIABLE.judge(store.node, store.value)
    for call in code.calls_to(("os.putenv", "os.environ.update", "os.environ.setdefault")):
        for value in call.args:
            yield from _VARIABLE.judge(call.node, value)


def _globals(code: Code) -> Iterator[Match]:
    """`globals().update(request.form)`: the sender sets any variable."""
    for call in code.calls_to(("globals().update", "*.__dict__.update", "vars().update")):
        for value in (*call.args, *call.unpacked):
            yield from _SETTING.judge(call.node, value)
    for store in code.stores:
        if "globals()[]" in store.names:
            yield from _SETTING.judge(store.node, store.key_value)


def _settings(code: Code) -> Iterator[Match]:
    """`setattr(settings, name, value)` and `app.config.update(...)` with a request's names."""
    for call in code.calls_to(("setattr",)):
        if len(call.args) == 3 and any(_SETTINGS.search(name) for name in call.args[0].names):
            yield from _SETTING.judge(call.node, call.args[1])
    for call in code.calls_to(("*.config.update", "*.config.from_mapping", "*settings.update")):
        for value in (*call.args, *call.unpacked):
            yield from _SETTING.judge(call.node, value)
    for store in code.stores:
        if any(name.endswith(".config[]") for name in store.names) and not isinstance(
            store.key, str
        ):
            yield from _SETTING.judge(store.node, store.value)


RULE = FlowRule(
    id="external-configuration",
    title="Outside data decides settings",
    cwes=(15, 454),
    severity="medium",
    severity_reason="Settings and variables such as PATH, LD_PRELOAD or DEBUG change what the whole"
    " program does.",
    fix="Accept only named settings with checked values; pass a fixed env= to subprocesses.",
    reference="https://cwe.mitre.org/data/definitions/15.html",
    detectors=(
        _variables,
        _globals,
        _settings,
        Flow(
            sinks=(
                Sink(
                    tuple(
                        f"subprocess.{name}"
                        for name in ("run", "call", "check_call", "check_output", "Popen")
                    ),
                    ("env",),
                    holds=lambda value: value.fields is None,
                ),
                Sink(("logging.config.dictConfig", "logging.config.fileConfig"), (0,)),
                Sink(("locale.setlocale", "socket.sethostname", "os.chdir"), (1,)),
            ),
            what="decides how programs or the log are set up",
            severities=_LEVELS,
        ),
    ),
    insecure=(
        """
from flask import Flask, request

app = Flask(__name__)
limit = 10

@app.post("/tune")
def tune():
    globals().update(request.form)
    return {"limit": limit}
""",
        """
import os
from flask import Flask, request

app = Flask(__name__)

@app.post("/locale")
def locale():
    os.environ["LANG"] = request.form["locale"]
    return {"ok": True}
""",
        """
from django.conf import settings
from django.http import HttpResponse

def change(request):
    for name, value in request.POST.items():
        setattr(settings, name, value)
    return HttpResponse("changed")
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.post("/settings")
def change():
    app.config.update(request.get_json())
    return {"ok": True}
""",
        """
import subprocess
from fastapi import FastAPI, Request

app = FastAPI()

@app.post("/build")
async def build(request: Request):
    variables = await request.json()
    subprocess.run(["/usr/bin/make"], env=variables, check=True)
""",
    ),
    secure=(
        """
from flask import Flask, abort, request

app = Flask(__name__)
state = {"limit": 10}

@app.post("/tune")
def tune():
    limit = request.form.get("limit", type=int)
    if limit is None or not 0 < limit <= 100:
        abort(400)
    state.update(limit=limit)
    return state
""",
        """
import os
from flask import Flask, abort, request

app = Flask(__name__)

@app.post("/locale")
def locale():
    chosen = request.form["locale"]
    if chosen not in ("C", "de_DE.UTF-8", "en_GB.UTF-8"):
        abort(400)
    os.environ["LANG"] = chosen
    return {"ok": True}
""",
        """
from django.http import HttpResponse
from shop.models import Preference

def change(request):
    Preference.objects.filter(user=request.user).update(theme=request.POST["theme"][:20])
    return HttpResponse("changed")
""",
        """
import os
import sys

def main():
    os.environ["MODE"] = sys.argv[1]
""",
        """
import subprocess
from fastapi import FastAPI

app = FastAPI()

@app.post("/build")
async def build():
    subprocess.run(["/usr/bin/make"], env={"PATH": "/usr/bin"}, check=True)
""",
    ),
)
