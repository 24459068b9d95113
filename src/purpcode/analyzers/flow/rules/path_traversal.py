"""Paths from outside data that are not held to a folder."""

from dataclasses import replace

from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule
from purpcode.analyzers.flow.uploads import is_open_upload
from purpcode.analyzers.flow.values import Value


def _placed_below_a_folder(value: Value) -> bool:
    """Whether a name was put below a folder: the folder is meant as a limit, and is none."""
    return any(
        "path.part" in taint.passed or "pathlib.Path().joinpath" in taint.passed
        for taint in value.taints
    ) or bool(value.built and value.prefix and value.prefix.strip("./") and "/" in value.prefix)


def _below_a_fixed_folder(value: Value) -> bool:
    """Whether what a user typed names something below a folder that the program fixes."""
    return bool(value.prefix and "/" in value.prefix and value.prefix.strip("./~")) and (
        _placed_below_a_folder(value)
    )


def _may_be_a_path(value: Value) -> bool:
    return not is_open_upload(value)


_SINKS = (
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
            "quart.send_file",
            "sanic.response.file",
            "sanic.response.file_stream",
        ),
        (0, "filename_or_fp", "path"),
    ),
    Sink(("codecs.open", "io.FileIO", "linecache.getlines", "fileinput.input"), (0,)),
    Sink(("*.save",), (0,), holds=_placed_below_a_folder),
)
_HARMLESS = (
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
    *("base64.*encode*", "?safe_join", "+*.parents", "-in:/", "hash", "-os.path.isabs"),
    *("io.BytesIO", "io.StringIO"),
)
_FLOW = Flow(
    sinks=tuple(replace(sink, holds=sink.holds or _may_be_a_path) for sink in _SINKS),
    what="is a path that is opened or changed",
    harmless=_HARMLESS,
    severities={
        "cli": "low",
        "environment": "low",
        "file": "low",
        "stored": "low",
        "parameter": "medium",
    },
    parameter_when=_placed_below_a_folder,
)
_TYPED = Flow(
    sinks=tuple(replace(sink, holds=_below_a_fixed_folder) for sink in _SINKS),
    what="is a name below a folder that it can leave",
    harmless=_HARMLESS,
    severities={
        **dict.fromkeys(("request", "network", "environment", "file", "stored", "parameter")),
        "cli": "medium",
    },
)
_READ_BY_LIBRARIES = Flow(
    sinks=(
        Sink(
            (
                *(f"pandas.read_{kind}" for kind in ("csv", "excel", "json", "parquet", "table")),
                *("sqlite3.connect", "configparser.ConfigParser().read", "logging.FileHandler"),
                *("glob.glob", "runpy.run_path", "flask.send_from_directory"),
            ),
            (0, "filepath_or_buffer", "io", "database", "filenames", "filename", "directory"),
            holds=_may_be_a_path,
        ),
    ),
    what="is a path that is opened",
    harmless=_HARMLESS,
    severities=dict.fromkeys(("cli", "environment", "file", "stored", "parameter", "network")),
)


RULE = FlowRule(
    id="path-traversal",
    title="Path from outside data",
    cwes=(22, 23, 36, 73),
    severity="high",
    severity_reason="A path with `..` or an absolute path reaches any file the program may touch.",
    fix="Resolve the path and check that it stays below the intended folder"
    " (`path.resolve().is_relative_to(base)`), or take only the file name (secure_filename).",
    reference="https://cwe.mitre.org/data/definitions/22.html",
    detectors=(_FLOW, _TYPED, _READ_BY_LIBRARIES),
    insecure=(
        """
import os

PROFILES = "/srv/app/profiles"
name = input("name: ")
with open(os.path.join(PROFILES, name), encoding="utf-8") as handle:
    print(handle.read())
""",
        """
import pandas
from flask import Flask, request

app = Flask(__name__)

@app.get("/table")
def table():
    return pandas.read_csv(request.args["file"]).to_json()
""",
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
import zipfile

import pandas
from fastapi import FastAPI, UploadFile

app = FastAPI()

@app.post("/rows")
async def rows(table: UploadFile, archive: UploadFile):
    with zipfile.ZipFile(archive.file) as packed:
        return {"rows": len(pandas.read_csv(table.file)), "files": len(packed.namelist())}
""",
        """
from flask import Flask, request
from PIL import Image

app = Flask(__name__)

@app.post("/size")
def size():
    with Image.open(request.files["picture"].stream) as picture:
        return {"width": picture.width, "height": picture.height}
""",
        """
import os

PROFILES = "/srv/app/profiles"
name = os.path.basename(input("name: "))
with open(os.path.join(PROFILES, name), encoding="utf-8") as handle:
    print(handle.read())
""",
        """
from pathlib import Path

BASE = Path("templates").resolve()

def load(name):
    path = (BASE / name).resolve()
    if BASE not in path.parents:
        raise ValueError("outside the folder")
    return path.read_text()
""",
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
