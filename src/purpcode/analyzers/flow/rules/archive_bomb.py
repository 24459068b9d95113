"""Compressed data from outside, unpacked without a limit."""

from __future__ import annotations

from purpcode.analyzers.flow.code import Call
from purpcode.analyzers.flow.detectors import Flow, Sink, stored_const, stores
from purpcode.analyzers.flow.form import called_name
from purpcode.analyzers.flow.rule import FlowRule
from purpcode.analyzers.flow.tree import walk

_LIMITS = frozenset(("max_length", "maxsize", "file_size", "max_size", "st_size"))


def _unlimited(call: Call) -> bool:
    """No size is looked at in the function: neither a limit argument nor a member's file_size."""
    if "max_length" in call.keywords or (call.fits("*.decompress") and len(call.args) > 1):
        return False
    for node in walk(call.scope.node):
        name = getattr(node, "attr", None) or getattr(node, "id", None)
        if name in _LIMITS or called_name(node) in ("getsize", "decompressobj"):
            return False
    return True


RULE = FlowRule(
    id="archive-bomb",
    title="Compressed data unpacked without a limit",
    cwes=(409, 400),
    severity="medium",
    severity_reason="A few kilobytes unpack to gigabytes and take the service down.",
    fix="Limit what is unpacked: decompressobj().decompress(data, max_length), or add up the"
    " members' file_size and refuse too much.",
    reference="https://cwe.mitre.org/data/definitions/409.html",
    detectors=(
        stores(
            ("PIL.Image.MAX_IMAGE_PIXELS",), "pictures of any size are opened", stored_const(None)
        ),
        Flow(
            sinks=(
                Sink(
                    (
                        *("zlib.decompress", "gzip.decompress", "bz2.decompress"),
                        *("lzma.decompress"),
                        *("zstandard.ZstdDecompressor().decompress", "brotli.decompress"),
                    ),
                    (0, "data"),
                    when=_unlimited,
                ),
                Sink(
                    (
                        "zipfile.ZipFile().extractall",
                        "tarfile.open().extractall",
                        "zipfile.ZipFile().read",
                        "zipfile.ZipFile().extract",
                    ),
                    (),
                    receiver=True,
                    when=_unlimited,
                ),
                Sink(
                    (
                        "gzip.GzipFile().read",
                        "gzip.open().read",
                        "lzma.open().read",
                        "bz2.open().read",
                    ),
                    (),
                    receiver=True,
                    when=lambda call: not call.args and _unlimited(call),
                ),
                Sink(("shutil.unpack_archive",), (0, "filename"), when=_unlimited),
            ),
            what="is unpacked, however large it gets",
            harmless=("hmac.*", "+*.verify", "+*verify*"),
            severities={
                "cli": None,
                "environment": None,
                "file": None,
                "stored": None,
                "parameter": None,
                "network": "low",
            },
        ),
    ),
    insecure=(
        """
from PIL import Image

def thumbnail(path):
    Image.MAX_IMAGE_PIXELS = None
    return Image.open(path).resize((64, 64))
""",
        """
import zlib
from flask import Flask, request

app = Flask(__name__)

@app.post("/metrics")
def metrics():
    body = zlib.decompress(request.get_data())
    return {"size": len(body)}
""",
        """
import io
import zipfile
from fastapi import FastAPI, Request

app = FastAPI()

@app.post("/themes")
async def themes(request: Request):
    bundle = zipfile.ZipFile(io.BytesIO(await request.body()))
    bundle.extractall("themes")
    return {"count": len(bundle.namelist())}
""",
        """
import gzip
from django.http import JsonResponse

def upload(request):
    text = gzip.decompress(request.body)
    return JsonResponse({"lines": text.count(b"\\n")})
""",
    ),
    secure=(
        """
from PIL import Image

def thumbnail(path):
    Image.MAX_IMAGE_PIXELS = 20_000_000
    return Image.open(path).resize((64, 64))
""",
        """
import zlib
from flask import Flask, abort, request

app = Flask(__name__)
LIMIT = 1_000_000

@app.post("/metrics")
def metrics():
    unpacker = zlib.decompressobj()
    body = unpacker.decompress(request.get_data(), LIMIT)
    if unpacker.unconsumed_tail:
        abort(413)
    return {"size": len(body)}
""",
        """
import io
import zipfile
from fastapi import FastAPI, HTTPException, Request

app = FastAPI()

@app.post("/themes")
async def themes(request: Request):
    bundle = zipfile.ZipFile(io.BytesIO(await request.body()))
    if sum(one.file_size for one in bundle.infolist()) > 10_000_000:
        raise HTTPException(413)
    bundle.extractall("themes")
    return {"count": len(bundle.namelist())}
""",
        """
import gzip

def load(path):
    with open(path, "rb") as handle:
        return gzip.decompress(handle.read())
""",
    ),
)
