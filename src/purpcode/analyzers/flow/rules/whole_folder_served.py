"""Folders of the whole machine or program handed to visitors as files."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_SYSTEM = frozenset(("/", "/etc", "/home", "/root", "/var", "/usr", "/proc", "C:\\", "C:/"))
_OWN = frozenset((".", "./", "..", "../", ""))
_PLACES = (
    ("flask.send_from_directory", 0, "directory"),
    ("starlette.staticfiles.StaticFiles", 0, "directory"),
    ("fastapi.staticfiles.StaticFiles", 0, "directory"),
    ("*.add_static", 1, "path"),
    ("bottle.static_file", None, "root"),
    ("flask.Flask", None, "static_folder"),
    ("flask.Flask", None, "static_url_folder"),
)


def _served(code: Code) -> Iterator[Match]:
    for name, position, keyword in _PLACES:
        for call in code.calls_to((name,)):
            folder = call.argument(position, keyword)
            text = folder.text if folder is not None else None
            if text is None:
                if folder is not None and _is_here(call, position, keyword):
                    yield Match(call.node, "the program's own folder is served", cwes=(552, 538))
            elif (text.rstrip("/") or text) in _SYSTEM:
                yield Match(call.node, f"everything in {text} is served")
            elif text in _OWN and (text or keyword != "directory"):
                yield Match(call.node, "the program's own folder is served", cwes=(552, 538))


def _is_here(call: Call, position: int | None, keyword: str) -> bool:
    node = call.node_of(position, keyword)
    return node is not None and ast.unparse(node) in (
        *("os.getcwd()", "Path.cwd()", "app.root_path", "current_app.root_path"),
        *("os.path.dirname(__file__)", "os.path.dirname(os.path.abspath(__file__))"),
    )


RULE = FlowRule(
    id="whole-folder-served",
    title="Too much served as files",
    cwes=(552, 219, 538),
    severity="medium",
    severity_reason="Source code, settings and keys in the folder can be fetched by name.",
    fix="Serve a folder of its own that holds nothing but public files.",
    reference="https://cwe.mitre.org/data/definitions/552.html",
    detectors=(_served,),
    insecure=(
        """
from flask import Flask, send_from_directory

app = Flask(__name__)

@app.route("/get/<path:name>")
def get(name):
    return send_from_directory("/", name)
""",
        """
from flask import Flask

app = Flask(__name__, static_folder=".", static_url_path="")
""",
        """
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

app = FastAPI()
app.mount("/files", StaticFiles(directory="/home"), name="files")
""",
        """
import os
from flask import Flask, send_from_directory

app = Flask(__name__)

@app.route("/<path:name>")
def get(name):
    return send_from_directory(os.getcwd(), name)
""",
    ),
    secure=(
        """
from flask import Flask, send_from_directory

app = Flask(__name__)

@app.route("/get/<path:name>")
def get(name):
    return send_from_directory("/srv/public", name)
""",
        """
from flask import Flask

app = Flask(__name__, static_folder="static", static_url_path="")
""",
        """
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

app = FastAPI()
app.mount("/files", StaticFiles(directory="public"), name="files")
""",
    ),
)
