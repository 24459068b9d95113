"""Values checked first and decoded afterwards."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.naming import matches_any
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.sinks import sink_values

_DECODERS = ("urllib.parse.unquote", "urllib.parse.unquote_plus", "unicodedata.normalize",
             "html.unescape", "base64.b64decode", "base64.urlsafe_b64decode", "os.path.expandvars",
             "os.path.expanduser", "bytes.fromhex", "codecs.decode")  # fmt: skip
_CHECKED = ("-in:*", "-any", "-re.search", "-*.search", "-re.match", "-.startswith", "+.startswith",
            "-os.path.isabs", "html.escape", "markupsafe.escape")  # fmt: skip
_TWICE = ("urllib.parse.unquote", "urllib.parse.unquote_plus")


def _late(code: Code) -> Iterator[Match]:
    decoded: dict[str, Call] = {}
    for call in code.calls_to(_DECODERS):
        position = 1 if "unicodedata.normalize" in call.names else 0
        value = call.argument(position)
        for taint in value.taints if value is not None else ():
            if matches_any(taint.passed, _CHECKED):
                decoded[call.scope.path] = call
    for sink, value in sink_values(code):
        if sink.scope.path not in decoded:
            continue
        call = decoded[sink.scope.path]
        for taint in value.taints:
            after = matches_any(taint.passed, _DECODERS) and matches_any(taint.passed, _CHECKED)
            if after and taint.kind in ("request", "network", "parameter"):
                cwes = (176, 179) if "unicodedata.normalize" in call.names else (179, 180)
                yield Match(
                    call.node, "decoding after the check makes it look at another text", cwes=cwes
                )
                break


def _unescaped(code: Code) -> Iterator[Match]:
    """`html.unescape(html.escape(x))` shown."""
    for call in code.calls_to(("html.unescape",)):
        value = call.argument(0)
        for taint in value.taints if value is not None else ():
            escaped = matches_any(taint.passed, ("html.escape", "markupsafe.escape"))
            if escaped and taint.kind in ("request", "network"):
                yield Match(call.node, "this takes the escaping off again", cwes=(179,))


def _twice(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_TWICE):
        value = call.argument(0)
        for taint in value.taints if value is not None else ():
            if taint.passed.intersection(_TWICE) and taint.kind in (
                "request",
                "network",
                "parameter",
            ):
                yield Match(call.node, "the text is decoded twice", "low", (174,))


RULE = FlowRule(
    id="check-before-decoding",
    title="Value decoded after it was checked",
    cwes=(179, 180, 176, 174),
    severity="medium",
    severity_reason="An encoded `..` or `<` passes the check and becomes itself afterwards.",
    fix="Decode and normalise first, once; then check; then use exactly what was checked.",
    reference="https://cwe.mitre.org/data/definitions/179.html",
    detectors=(_late, _unescaped, _twice),
    insecure=(
        """
from urllib.parse import unquote
from flask import Flask, request

app = Flask(__name__)

@app.get("/read")
def read():
    name = request.args["name"]
    if ".." in name:
        return "bad", 400
    name = unquote(name)
    with open("/srv/files/" + name) as handle:
        return handle.read()
""",
        """
import unicodedata
from flask import Flask, request

app = Flask(__name__)

@app.get("/read")
def read():
    name = request.args["name"]
    if "/" in name or ".." in name:
        return "bad", 400
    with open("/srv/files/" + unicodedata.normalize("NFKC", name)) as handle:
        return handle.read()
""",
        """
import html
from flask import Flask, request

app = Flask(__name__)

@app.get("/hello")
def hello():
    name = html.escape(request.args["name"])
    return "<p>Hello " + html.unescape(name) + "</p>"
""",
        """
from urllib.parse import unquote

def load(name):
    if ".." in name:
        raise ValueError(name)
    with open("/srv/files/" + unquote(unquote(name))) as handle:
        return handle.read()
""",
    ),
    secure=(
        """
from urllib.parse import unquote
from flask import Flask, request

app = Flask(__name__)

@app.get("/read")
def read():
    name = unquote(request.args["name"])
    if ".." in name:
        return "bad", 400
    with open("/srv/files/" + name) as handle:
        return handle.read()
""",
        """
import unicodedata
from flask import Flask, request

app = Flask(__name__)

@app.get("/read")
def read():
    name = unicodedata.normalize("NFKC", request.args["name"])
    if "/" in name or ".." in name:
        return "bad", 400
    with open("/srv/files/" + name) as handle:
        return handle.read()
""",
        """
import html
from flask import Flask, request

app = Flask(__name__)

@app.get("/hello")
def hello():
    name = html.escape(html.unescape(request.args["name"]))
    return "<p>Hello " + name + "</p>"
""",
    ),
)
