"""Line ends from outside data in a log."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_LEVELS = ("debug", "info", "warning", "warn", "error", "critical", "exception")
_LOGS = tuple(
    f"{owner}.{level}"
    for owner in ("logging", "*.logger", "logging.Logger()", "?self.logger")
    for level in _LEVELS
)
_FLOW = Flow(
    sinks=(),
    what="is written to the log, line ends and all",
    harmless=(
        *(".replace:\n", ".replace:\r", ".replace:\r\n", "-in:\n", "-in:\r", "repr", "json.dumps"),
        *("urllib.parse.quote*", "re.sub", "*.splitlines", "*.hexdigest", "base64.*", "*escape*"),
        *(".id", ".pk", ".status_code", ".size", ".method", ".type", "*.construct_event"),
        *("?sanitize*", "*clean*", "*.encode", ".translate", "werkzeug.utils.secure_filename"),
        *(
            "ascii",
            "*strip_control*",
            "*.filename",
            "hash",
            "type",
            "*mask*",
            "*redact*",
            "+.isprintable",
        ),
    ),
    severities={
        "parameter": None,
        "file": None,
        "stored": None,
        "environment": None,
        "cli": None,
        "network": "low",
    },
)
_ONE_LINE = (
    ".remote_addr",
    ".host",
    ".session_id",
    ".url_rule",
    ".user_agent",
    ".headers",
    ".url",
    ".content",
    ".media",
    ".environ",
    ".base_url",
    ".host_url",
    ".url_root",
    ".META",
    ".cookies",
    ".COOKIES",
)
"""Parts of a request that cannot hold line ends."""
_FRAMEWORKS = (
    "flask",
    "django",
    "fastapi",
    "starlette",
    "aiohttp",
    "tornado",
    "bottle",
    "sanic",
    "quart",
    "pyramid",
    "falcon",
    "rest_framework",
    "http.server",
    "cherrypy",
    "litestar",
)
_SERVER_SIDE = (".GET", ".POST", ".form", ".args", ".values", ".get_json", ".query_params")
"""Parts that only a request which came in has; clients call theirs `request` too."""


def _logged(code: Code) -> Iterator[Match]:
    serves = code.uses_module(*_FRAMEWORKS) or not code.imports - {"logging"}
    for call in code.calls_to(_LOGS):
        for index, value in enumerate(call.args):
            shown = _with_line_ends(value, serves)
            form = call.args[0].text or ""
            if index and "%r" in form and "%s" not in form:
                continue
            yield from _FLOW.judge(call.node, shown)


def _with_line_ends(value: Value, serves: bool) -> Value:
    kept = frozenset(
        one
        for one in value.taints
        if not one.origin.endswith(_ONE_LINE)
        and one.origin != "web.request"
        and (serves or one.origin.endswith(_SERVER_SIDE))
    )
    return Value(kept, value.names, built=value.built)


RULE = FlowRule(
    id="log-injection",
    title="Log entry with outside data",
    cwes=(117,),
    severity="medium",
    severity_reason="A line end in the value writes log entries that never happened.",
    fix="Remove line ends from the value or log it with %r.",
    reference="https://cwe.mitre.org/data/definitions/117.html",
    detectors=(_logged,),
    insecure=(
        """
import logging
from flask import Flask, request

app = Flask(__name__)

@app.route("/login", methods=["POST"])
def login():
    logging.info("login attempt of " + request.form["user"])
    return "ok"
""",
        """
import logging

logger = logging.getLogger(__name__)

def search(request):
    query = request.GET.get("q")
    logger.warning(f"search for {query}")
""",
        """
import logging
from fastapi import FastAPI

app = FastAPI()
log = logging.getLogger("orders")

@app.post("/orders/{comment}")
def order(comment: str):
    log.info("order with comment %s", comment)
    return {"ok": True}
""",
    ),
    secure=(
        """
import logging
from flask import Flask, request

app = Flask(__name__)

@app.route("/login", methods=["POST"])
def login():
    user = request.form["user"].replace("\\r", "").replace("\\n", "")
    logging.info("login attempt of " + user)
    return "ok"
""",
        """
import logging

logger = logging.getLogger(__name__)

def search(request):
    query = request.GET.get("q")
    logger.warning("search for %r", query)
""",
        """
import logging
from fastapi import FastAPI

app = FastAPI()
log = logging.getLogger("orders")

@app.post("/orders/{number}")
def order(number: int):
    log.info("order number %s", number)
    return {"ok": True}
""",
        """
import logging
import sys

def main():
    logging.info("reading %s", sys.argv[1])
""",
    ),
)
