"""Paths from outside data that are not held to a folder."""

from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule
from purpcode.analyzers.flow.values import Value


def _placed_below_a_folder(value: Value) -> bool:
    """Whether a name was put below a folder: the folder is meant as a limit, and is none."""
    return any(
        "path.part" in taint.passed or "pathlib.Path().joinpath" in taint.passed
        for taint in value.taints
    ) or bool(value.built and value.prefix and value.prefix.strip("./") and "/" in value.prefix)


RULE = FlowRule(
    id="path-traversal",
    title="Path from outside data",
    cwes=(22, 23, 36, 73),
    severity="high",
    severity_reason="A path with `..` or an absolute path reaches any file the program may touch.",
    fix="Resolve the path and check that it stays below the intended folder"
    " (`path.resolve().is_relative_to(base)`), or take only the file name (secure_filename).",
    reference="https://cwe.mitre.org/data/definitions/22.html",
    detectors=(
        Flow(
            sinks=(
                Sink(
                    (
                        "open",
                        "os.open",
                        "os.fdopen",
                        "tarfile.open",
                        "zipfile.ZipFile",
                        "gzip.open",
                        "bz2.open",
                        "lzma.open",
                        "numpy.load",
                        "numpy.fromfile",
                        "PIL.Image.open",
                    ),
                    (0, "file", "path", "name", "filename"),
                ),
                Sink(
                    (
                        "os.remove",
                        "os.unlink",
                        "os.rmdir",
                        "os.mkdir",
                        "os.makedirs",
                        "os.rename",
                        "os.replace",
                        "os.listdir",
                        "os.scandir",
                        "os.chmod",
                        "os.chown",
                        "os.symlink",
                        "os.link",
                        "os.walk",
                        "os.truncate",
                        "os.readlink",
                    ),
                    (),
                ),
                Sink(
                    (
                        "shutil.rmtree",
                        "shutil.copy",
                        "shutil.copy2",
                        "shutil.copyfile",
                        "shutil.move",
                        "shutil.copytree",
                        "shutil.make_archive",
                    ),
                    (),
                ),
                Sink(
                    (
                        "pathlib.Path().open",
                        "pathlib.Path().read_text",
                        "pathlib.Path().read_bytes",
                        "pathlib.Path().write_text",
                        "pathlib.Path().write_bytes",
                        "pathlib.Path().unlink",
                        "pathlib.Path().mkdir",
                        "pathlib.Path().rmdir",
                        "pathlib.Path().iterdir",
                        "pathlib.Path().touch",
                        "pathlib.Path().rename",
                    ),
                    (),
                    receiver=True,
                ),
                Sink(
                    (
                        "flask.send_file",
                        "django.http.FileResponse",
                        "aiohttp.web.FileResponse",
                        "fastapi.responses.FileResponse",
                        "bottle.static_file",
                    ),
                    (0, "filename_or_fp", "path"),
                ),
                Sink(("codecs.open", "io.FileIO", "linecache.getlines", "fileinput.input"), (0,)),
                Sink(("*.save",), (0,), holds=_placed_below_a_folder),
            ),
            what="is a path that is opened or changed",
            harmless=(
                *("werkzeug.utils.secure_filename", "os.path.basename", "werkzeug.utils.safe_join"),
                *("flask.safe_join", "werkzeug.security.safe_join", "django.utils._os.safe_join"),
                *(
                    "+os.path.commonpath",
                    "+*.is_relative_to",
                    "+*.relative_to",
                    "-in:..",
                    "-in:../",
                ),
                *("+.startswith", "+os.path.commonprefix", "pathlib.Path().name", ".name", ".stem"),
                *("-.startswith", "tempfile.*", "*.hexdigest", "hashlib.*", "?secure_filename"),
                *("base64.*", "?safe_join", "+*.parents", "-in:/", "hash", "-os.path.isabs"),
                *("io.BytesIO", "io.StringIO"),
            ),
            severities={
                "cli": "low",
                "environment": "low",
                "file": "low",
                "stored": "low",
                "parameter": "medium",
            },
            parameter_when=_placed_below_a_folder,
        ),
    ),
    insecure=(
        """
from flask import Flask, request

app = Flask(__name__)

@app.route("/read")
def read():
    with open("/srv/files/" + request.args["name"]) as handle:
        return handle.read()
""",
        """
import os

BASE = "/srv/uploads"

def load(filename):
    path = os.path.join(BASE, filename)
    with open(path, "rb") as handle:
        return handle.read()
""",
        """
from pathlib import Path
from fastapi import FastAPI

app = FastAPI()

@app.delete("/files/{name}")
def delete(name: str):
    (Path("data") / name).unlink()
    return {"deleted": name}
""",
    ),
    secure=(
        """
from flask import Flask, request, send_from_directory

app = Flask(__name__)

@app.route("/read")
def read():
    return send_from_directory("/srv/files", request.args["name"])
""",
        """
import os

BASE = os.path.realpath("/srv/uploads")

def load(filename):
    path = os.path.realpath(os.path.join(BASE, filename))
    if os.path.commonpath([BASE, path]) != BASE:
        raise PermissionError("outside the folder")
    with open(path, "rb") as handle:
        return handle.read()
""",
        """
from pathlib import Path
from fastapi import FastAPI, HTTPException

app = FastAPI()
BASE = Path("data").resolve()

@app.delete("/files/{name}")
def delete(name: str):
    path = (BASE / name).resolve()
    if not path.is_relative_to(BASE):
        raise HTTPException(404)
    path.unlink()
    return {"deleted": True}
""",
        """
import sys

with open(sys.argv[1]) as handle:
    print(handle.read())
""",
    ),
)
