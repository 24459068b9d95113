"""Addresses judged by how they begin or end, or by what they contain."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import Function, functions, names_a_check, within
from purpcode.analyzers.flow.sinks import sink_values

_OPEN_START = re.compile(r"^(https?:)?//[\w.-]+\.[a-z]{2,}$")
_DOMAIN = re.compile(
    r"^[a-z0-9-]+(\.[a-z0-9-]+)*\.(com|org|net|io|dev|app|de|uk|eu|edu|gov|co|example)$"
)
_ADDRESS = re.compile(
    r"(?i)(^|_)(url|uri|origin|referer|referrer|host|hostname|domain|netloc|next|target|"
    r"link|location|address|callback|webhook|endpoint|destination|return_to)s?($|_)"
)
_WHOLE = re.compile(
    r"(?i)(^|_)(url|uri|referer|referrer|next|target|link|location|origin|address|callback|"
    r"webhook|endpoint|destination|return_to)s?($|_)"
)


def _texts(node: ast.expr) -> list[str]:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return [
        one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]


def _name(node: ast.expr) -> str:
    """The variable or attribute looked at, `origin` of `request.headers["origin"]` too."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in ("get", "pop") and node.args:
            return " ".join(_texts(node.args[0])).lower()
        return _name(node.func.value)
    if isinstance(node, ast.Subscript):
        return " ".join(_texts(node.slice)).lower()
    return getattr(node, "id", getattr(node, "attr", ""))


def _loose(node: ast.AST) -> str | None:
    """What is wrong with a test of an address, None when nothing is."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 1:
        texts, name = _texts(node.args[0]), _name(node.func.value)
        if (
            node.func.attr == "startswith"
            and _ADDRESS.search(name)
            and any(_OPEN_START.match(one) for one in texts)
        ):
            return "an address beginning so may go on with another domain"
        if (
            node.func.attr == "endswith"
            and _ADDRESS.search(name)
            and any(_DOMAIN.match(one) for one in texts)
        ):
            return "another domain may end so; the dot before it is missing"
    if (
        isinstance(node, ast.Compare)
        and len(node.ops) == 1
        and isinstance(node.ops[0], ast.In | ast.NotIn)
    ):
        texts = _texts(node.left)
        if texts and not isinstance(node.comparators[0], ast.Tuple | ast.List | ast.Set):
            name = _name(node.comparators[0])
            if (
                _DOMAIN.match(texts[0].removeprefix("https://").removeprefix("http://"))
                and _WHOLE.search(name)
                and not name.endswith("s")
            ):
                return "the domain may stand anywhere in an address"
    return None


def _decides(code: Code, function: Function, tests: set[str]) -> bool:
    """Whether a function answers as a check, or uses the address afterwards."""
    if names_a_check(function.name) or re.search(
        r"(?i)allow|trust|safe|valid|same_", function.name
    ):
        return True
    for call, value in sink_values(code, "address"):
        if call.scope.node is function and (
            any(one.kind in ("request", "network") and one.passed & tests for one in value.taints)
        ):
            return True
    return False


def _checks(code: Code) -> Iterator[Match]:
    for function in functions(code):
        tests = {"+.startswith", "+.endswith", "+in:?", "-.startswith", "-.endswith"}
        for node in within(function):
            problem = _loose(node)
            if problem is None:
                continue
            left = _texts(node.left) if isinstance(node, ast.Compare) else []
            if _decides(code, function, tests | {f"+in:{one}" for one in left}):
                yield Match(node, problem)


RULE = FlowRule(
    id="loose-address-check",
    title="Address checked by a part of it",
    cwes=(183, 187, 20),
    severity="medium",
    severity_reason="Anyone can register a domain that passes.",
    fix="Parse the address and compare its host with a set: urlsplit(url).hostname in HOSTS.",
    reference="https://cwe.mitre.org/data/definitions/183.html",
    detectors=(_checks,),
    insecure=(
        """
from flask import Flask, redirect, request

app = Flask(__name__)

@app.get("/go")
def go():
    target = request.args["target"]
    if not target.startswith("https://example.com"):
        return "bad", 400
    return redirect(target)
""",
        """
from urllib.parse import urlsplit

def is_trusted(url):
    host = urlsplit(url).hostname or ""
    return host.endswith("example.com")
""",
        """
import requests
from flask import Flask, request

app = Flask(__name__)

@app.get("/preview")
def preview():
    url = request.args["url"]
    if "example.com" in url:
        return requests.get(url, timeout=5).text
    return "bad", 400
""",
    ),
    secure=(
        """
from flask import Flask, redirect, request

app = Flask(__name__)

@app.get("/go")
def go():
    target = request.args["target"]
    if not target.startswith("https://example.com/"):
        return "bad", 400
    return redirect(target)
""",
        """
from urllib.parse import urlsplit

def is_trusted(url):
    host = urlsplit(url).hostname or ""
    return host == "example.com" or host.endswith(".example.com")
""",
        """
from urllib.parse import urlsplit
import requests
from flask import Flask, request

app = Flask(__name__)

@app.get("/preview")
def preview():
    url = request.args["url"]
    if urlsplit(url).hostname in {"example.com"}:
        return requests.get(url, timeout=5).text
    return "bad", 400
""",
        """
def note_host(url, log):
    if url.startswith("https://github.com"):
        log.info("hosted there")
    return "example.com" in log.hosts
""",
    ),
)
