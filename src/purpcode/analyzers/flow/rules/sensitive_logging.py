"""Secrets written to a log."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.sensitive_names import shown_secrets
from purpcode.analyzers.flow.tree import walk

_LEVELS = ("debug", "info", "warning", "warn", "error", "critical", "exception", "log")
_LOGS = tuple(
    f"{owner}.{level}"
    for owner in (
        "logging",
        "*.logger",
        "logging.Logger()",
        "?self.logger",
        "?self._logger",
        "structlog.get_logger()",
        "loguru.logger",
    )
    for level in _LEVELS
)
_WHOLE = re.compile(r"^web\.request\.(form|POST|json|get_json\(\)|headers|cookies|COOKIES)$")


def _logged(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_LOGS):
        given = [
            *call.node.args,
            *(one.value for one in call.node.keywords if one.arg != "exc_info"),
        ]
        for one in given:
            for name in shown_secrets(one):
                yield Match(call.node, f"'{name}' is written to the log")


def _logged_headers(code: Code) -> Iterator[Match]:
    """`logging.debug("%s", headers)` of a display with the Authorization header in it."""
    for call in code.calls_to(_LOGS):
        for value in (*call.args[1:], *call.args[:1]):
            names = {str(key).lower() for key in value.fields or {}}
            if names & {"authorization", "x-api-key", "password", "api_key", "cookie"}:
                yield Match(call.node, "a secret is written to the log with what is around it")
                break


def _told_on_failure(code: Code) -> Iterator[Match]:
    """The password in the message about a connection that failed."""
    for handler in code.nodes_of(ast.ExceptHandler):
        for node in (one for part in handler.body for one in walk(part)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
                shown = [name for one in node.args for name in shown_secrets(one)]
                if shown:
                    yield Match(node, f"'{shown[0]}' is shown with an error", None, (209, 532))


def _printed(code: Code) -> Iterator[Match]:
    """Printing is often the program's very purpose (a generated password), so it is only noted."""
    for call in code.calls_to(("print",)):
        if call.scope.handler:
            for one in call.node.args:
                for name in shown_secrets(one):
                    yield Match(call.node, f"'{name}' is printed", "low")


def _whole_requests(code: Code) -> Iterator[Match]:
    """The whole form of a request that also holds a password."""
    secret = {
        call.scope.path
        for call in code.calls_to(
            ("web.request.form.get", "web.request.POST.get", "web.request.json.get")
        )
        if isinstance(call.node, ast.Call) and next(shown_secrets(call.node), None)
    }
    for call in code.calls_to(_LOGS):
        for value in call.args:
            if call.scope.path in secret and any(_WHOLE.search(name) for name in value.names):
                yield Match(call.node, "a form with a password is written to the log")


RULE = FlowRule(
    id="sensitive-logging",
    title="Secret in a log",
    cwes=(532,),
    severity="medium",
    severity_reason="Logs are kept, copied and read by many; a secret in them is no secret.",
    fix="Log that something happened and to whom, never the secret itself.",
    reference="https://cwe.mitre.org/data/definitions/532.html",
    detectors=(_logged, _logged_headers, _told_on_failure, _printed, _whole_requests),
    insecure=(
        """
import psycopg2

def link(host, user, password):
    try:
        return psycopg2.connect(host=host, user=user, password=password)
    except psycopg2.OperationalError:
        print(f"no link for {user} with {password}")
        return None
""",
        """
import logging
import os

def headers():
    made = {"Authorization": "Bearer " + os.environ["ACCESS"], "Accept": "text/plain"}
    logging.debug("asking with %s", made)
    return made
""",
        """
import logging

def login(user, password):
    logging.info("login of %s with %s", user, password)
    return check(user, password)

def check(user, password):
    return bool(user and password)
""",
        """
import logging

logger = logging.getLogger(__name__)

class Client:
    def __init__(self, api_key):
        self.api_key = api_key
        logger.debug(f"client made with key {self.api_key}")
""",
        """
import logging
from flask import Flask, request

app = Flask(__name__)

@app.route("/pay", methods=["POST"])
def pay():
    app.logger.warning("payment by card " + request.form["card_number"])
    return "ok"
""",
        """
import logging
from flask import Flask, request

app = Flask(__name__)

@app.route("/join", methods=["POST"])
def join():
    logging.info("joined: %s", request.form)
    return str(len(request.form.get("password")))
""",
    ),
    secure=(
        """
import psycopg2

def link(host, user, password):
    try:
        return psycopg2.connect(host=host, user=user, password=password)
    except psycopg2.OperationalError:
        print(f"no link for {user}")
        return None
""",
        """
import logging

def login(user, password):
    logging.info("login of %s (%d characters)", user, len(password))
    return bool(user and password)
""",
        """
import logging

logger = logging.getLogger(__name__)

class Client:
    def __init__(self, api_key):
        self.api_key = api_key
        logger.debug("client made with a key ending in %s", self.api_key[-4:])
""",
        """
import logging

logger = logging.getLogger(__name__)

def reset(user, password_reset_url, password_expired):
    logger.info("password of %s expired: %s", user, password_expired)
    return password_reset_url
""",
        """
import logging

logger = logging.getLogger(__name__)

def load(config):
    if config.password is None:
        logger.error("no password is configured")
    logger.info("password set: %s", config.password is not None)
""",
    ),
)
