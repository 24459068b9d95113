"""Uploads stored under the sender's name, whatever their type."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code, Scope
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk
from purpcode.analyzers.flow.values import Taint, Value

_NAMED = frozenset((".filename", ".name", "werkzeug.utils.secure_filename"))
_TYPE_CHECK = re.compile(
    r"(?i)allowed|extension|splitext|suffix|content_?type|mime|imghdr|magic|filetype|endswith|"
    r"rsplit|validat|image\.open|is_valid|verify|whitelist|uuid|token_hex|token_urlsafe"
)
_SAID = re.compile(r"\.(content_?type|mimetype)$")
_DENYLIST = re.compile(r"(?i)block|deny|denied|forbid|blacklist|dangerous|disallow|banned")
_UPLOADS = re.compile(r"^web\.request\.(files|FILES)|UploadFile\(\)|FileStorage\(\)")


def _saves(code: Code) -> Iterator[Match]:
    """`upload.save(path)` of Flask, `storage.save(name, upload)` of Django."""
    for call in code.calls_to(("*.save", "*.write_bytes")):
        django = any("storage" in name.lower() and "FileStorage" not in name for name in call.names)
        receiver = any(_UPLOADS.search(name) for name in call.receiver.names)
        path = call.argument(0, "dst")
        if (
            path is not None
            and (django or receiver)
            and _keeps_name(path)
            and _unchecked(call.scope)
        ):
            yield Match(call.node, "an upload of any type is stored under the name it came with")


def _writes(code: Code) -> Iterator[Match]:
    """`open(upload.filename, "wb")`."""
    for call in code.calls_to(("open", "aiofiles.open")):
        mode, path = call.argument(1, "mode"), call.argument(0, "file")
        if mode is None or "w" not in (mode.text or "") or path is None:
            continue
        if _keeps_name(path, uploads_only=True) and _unchecked(call.scope):
            yield Match(call.node, "an upload of any type is stored under the name it came with")


def _named_parameter(code: Code) -> Iterator[Match]:
    """`def save_upload(filename, data)` that keeps the name and never looks at its ending."""
    for call in code.calls_to(("open", "pathlib.Path().write_bytes", "shutil.copyfileobj")):
        name = call.scope.name
        if not _STORES.search(name) or not _unchecked(call.scope):
            continue
        path = call.receiver if not call.fits("open") else call.argument(0, "file")
        mode = call.argument(1, "mode")
        writes = not call.fits("open") or (mode is not None and mode.text in ("wb", "xb"))
        sent = path is not None and any(_FILENAME.search(one.origin) for one in path.taints)
        if writes and sent:
            yield Match(call.node, "an upload of any type is stored under the name it came with")


_STORES = re.compile(
    r"(?i)^_?(save|store|handle|receive|process|write)_?(the_)?(user_)?(file_)?upload"
)
_FILENAME = re.compile(
    r"(?i)^parameter '(file_?name|(original|upload(ed)?|client)_?(file_?)?name)'$"
)


def _keeps_name(path: Value, *, uploads_only: bool = False) -> bool:
    return any(_is_sent_name(taint, uploads_only) for taint in path.taints)


def _is_sent_name(taint: Taint, uploads_only: bool) -> bool:
    if taint.kind != "request":
        return False
    if uploads_only and not taint.origin.endswith((".files", ".FILES")):
        return ".filename" in taint.passed
    return bool(taint.passed & _NAMED)


def _denies(scope: Scope) -> bool:
    """Whether the function only refuses the extensions on a list of bad ones."""
    return any(
        isinstance(one, ast.Compare)
        and isinstance(one.ops[0], ast.In)
        and _DENYLIST.search(ast.unparse(one.comparators[0]))
        for one in walk(scope.node)
    )


def _unchecked(scope: Scope) -> bool:
    """Whether nothing in the function looks at what kind of file it is. What the sender says of it
    (`upload.content_type`) is no check."""
    if _denies(scope):
        return True
    for one in walk(scope.node):
        words = ""
        if isinstance(one, ast.Name):
            words = one.id
        elif isinstance(one, ast.Attribute):
            words = one.attr
            if isinstance(one.value, ast.Name):
                words = f"{one.value.id}.{one.attr}"
        elif isinstance(one, ast.Constant) and isinstance(one.value, str):
            words = one.value if one.value.startswith(".") and len(one.value) < 8 else ""
            if words:
                return False
        if words and _TYPE_CHECK.search(words) and not _SAID.search(words):
            return False
    return True


RULE = FlowRule(
    id="unrestricted-upload",
    title="Upload of any type",
    cwes=(434,),
    severity="medium",
    severity_reason="A page or script that was uploaded is served, or run, as the site's own.",
    fix="Allow a fixed set of extensions (and check the content), and store the file under a name"
    " of your own outside the served folder.",
    reference="https://cwe.mitre.org/data/definitions/434.html",
    detectors=(_saves, _writes, _named_parameter),
    insecure=(
        """
import os

def save_upload(filename, data, folder="/srv/www/files"):
    with open(os.path.join(folder, os.path.basename(filename)), "wb") as target:
        target.write(data)
""",
        """
import os
from flask import Flask, request
from werkzeug.utils import secure_filename

app = Flask(__name__)
BLOCKED = {".php", ".exe"}

@app.post("/share")
def share():
    upload = request.files["file"]
    if os.path.splitext(upload.filename)[1] in BLOCKED:
        return "not this one", 400
    upload.save(os.path.join("shared", secure_filename(upload.filename)))
    return "kept"
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.post("/photo")
def photo():
    upload = request.files["photo"]
    if upload.content_type not in ("image/png", "image/jpeg"):
        return "pictures only", 400
    upload.save("static/photos/" + upload.filename)
    return "kept"
""",
        """
import os
from flask import Flask, request

app = Flask(__name__)

@app.route("/upload", methods=["POST"])
def upload():
    sent = request.files["file"]
    sent.save(os.path.join("static", sent.filename))
    return "stored"
""",
        """
import os
from flask import Flask, request
from werkzeug.utils import secure_filename

app = Flask(__name__)

@app.route("/avatar", methods=["POST"])
def avatar():
    picture = request.files["picture"]
    picture.save(os.path.join("/srv/www/avatars", secure_filename(picture.filename)))
    return "stored"
""",
        """
import shutil
from fastapi import FastAPI, UploadFile

app = FastAPI()

@app.post("/files")
async def receive(file: UploadFile):
    with open(f"uploads/{file.filename}", "wb") as target:
        shutil.copyfileobj(file.file, target)
    return {"stored": True}
""",
        """
from django.core.files.storage import FileSystemStorage
from django.http import HttpResponse

def upload(request):
    sent = request.FILES["document"]
    storage = FileSystemStorage()
    storage.save(sent.name, sent)
    return HttpResponse("stored")
""",
    ),
    secure=(
        """
import os

ENDINGS = (".png", ".jpg")

def save_upload(filename, data, folder="/srv/www/files"):
    if not filename.lower().endswith(ENDINGS):
        raise ValueError("no picture")
    with open(os.path.join(folder, os.path.basename(filename)), "wb") as target:
        target.write(data)
""",
        """
import os
from flask import Flask, abort, request
from werkzeug.utils import secure_filename

app = Flask(__name__)
ALLOWED = {".png", ".jpg"}

@app.route("/upload", methods=["POST"])
def upload():
    sent = request.files["file"]
    name = secure_filename(sent.filename)
    if os.path.splitext(name)[1].lower() not in ALLOWED:
        abort(400)
    sent.save(os.path.join("/srv/pictures", name))
    return "stored"
""",
        """
import os
import uuid
from flask import Flask, request

app = Flask(__name__)

@app.route("/avatar", methods=["POST"])
def avatar():
    picture = request.files["picture"]
    picture.save(os.path.join("/srv/avatars", uuid.uuid4().hex + ".bin"))
    return "stored"
""",
        """
from pathlib import Path
from fastapi import FastAPI, HTTPException, UploadFile

app = FastAPI()

@app.post("/files")
async def receive(file: UploadFile):
    name = Path(file.filename or "").name
    if file.content_type != "text/csv" or not name.endswith(".csv"):
        raise HTTPException(415)
    with open(f"/srv/uploads/{name}", "wb") as target:
        target.write(await file.read())
    return {"stored": True}
""",
        """
def keep(form, request):
    if form.is_valid():
        document = form.save()
        document.owner = request.user
        document.save()
""",
    ),
)
