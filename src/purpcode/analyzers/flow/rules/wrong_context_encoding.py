"""Escaping made for another place than where the value goes."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.naming import matches_any
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import last_name
from purpcode.analyzers.flow.sinks import Use, sink_values

_WRONG: dict[Use, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "command": (
        (
            "html.escape",
            "markupsafe.escape",
            "urllib.parse.quote",
            "json.dumps",
            "*.escape_string",
            "repr",
        ),
        (
            "shlex.quote",
            "pipes.quote",
            "int",
            "float",
            "+in",
            "+equals",
            "+re.fullmatch",
            "+.isalnum",
        ),
    ),
    "query": (
        (
            "html.escape",
            "markupsafe.escape",
            "shlex.quote",
            "urllib.parse.quote",
            "bleach.clean",
            "json.dumps",
        ),
        (
            "int",
            "float",
            "+in",
            "+equals",
            "+re.fullmatch",
            "+.isalnum",
            "+.isdigit",
            "*.escape_string",
        ),
    ),
}
"""By use: escapings that do not help there, and what makes the value harmless all the same."""

_HTML = frozenset(("escape",))
_SCRIPT = re.compile(r"(?is)<script[^>]*>(?!.*</script)|\son[a-z]+\s*=\s*[\"'][^\"'<>]*$")


def _misplaced(code: Code) -> Iterator[Match]:
    for use, (escapings, helping) in _WRONG.items():
        for call, value in sink_values(code, use):
            for taint in value.taints:
                if taint.kind not in ("request", "network", "parameter"):
                    continue
                wrong = matches_any(taint.passed, escapings)
                if wrong and not matches_any(taint.passed, helping):
                    yield Match(call.node, f"it is escaped, but not for a {use}")
                    break


def _in_script(code: Code) -> Iterator[Match]:
    """HTML escaping inside a script or an event handler: `f"<script>x = '{escape(y)}'"`."""
    for node in code.nodes_of(ast.JoinedStr):
        before = ""
        for part in node.values:
            if isinstance(part, ast.Constant):
                before += str(part.value)
            elif isinstance(part, ast.FormattedValue):
                call = part.value
                escaped = isinstance(call, ast.Call) and last_name(call.func) in _HTML
                if escaped and _SCRIPT.search(before):
                    yield Match(
                        node, "HTML escaping does not hold inside a script", cwes=(838, 116)
                    )
                before += "x"


RULE = FlowRule(
    id="wrong-context-encoding",
    title="Escaped for another context",
    cwes=(838, 116),
    severity="medium",
    severity_reason="The characters that matter where the value goes are still in it.",
    fix="Use the context's own means: query parameters, argument lists, json.dumps with `<` escaped"
    " for scripts, html.escape for HTML.",
    reference="https://cwe.mitre.org/data/definitions/838.html",
    detectors=(_misplaced, _in_script),
    insecure=(
        """
import html
import os
from flask import Flask, request

app = Flask(__name__)

@app.get("/ping")
def ping():
    host = html.escape(request.args["host"])
    os.system("ping -c 1 " + host)
    return "done"
""",
        """
import html
import sqlite3

def find(name):
    name = html.escape(name, quote=False)
    return (
        sqlite3.connect("x.db").execute(f"SELECT id FROM people WHERE name = '{name}'").fetchall()
    )
""",
        """
from flask import Flask, request
from markupsafe import escape

app = Flask(__name__)

@app.get("/hello")
def hello():
    return f"<script>greet({escape(request.args['name'])});</script>"
""",
    ),
    secure=(
        """
import subprocess
from flask import Flask, request

app = Flask(__name__)
HOSTS = {"main", "backup"}

@app.get("/ping")
def ping():
    host = request.args["host"]
    if host not in HOSTS:
        return "unknown", 400
    subprocess.run(["ping", "-c", "1", host], check=True)
    return "done"
""",
        """
import html
import sqlite3

def find(name):
    rows = (
        sqlite3.connect("x.db").execute("SELECT id FROM people WHERE name = ?", (name,)).fetchall()
    )
    return html.escape(name), rows
""",
        """
from flask import Flask, request
from markupsafe import escape

app = Flask(__name__)

@app.get("/hello")
def hello():
    return f"<script>greet();</script><p>{escape(request.args['name'])}</p>"
""",
    ),
)
