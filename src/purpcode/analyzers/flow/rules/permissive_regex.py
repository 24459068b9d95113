"""Checks by a regular expression that lets more through than it seems."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import has_kind
from purpcode.analyzers.flow.values import NOTHING

_VALIDATORS = re.compile(r"(?i)valid|is_|check|allowed|safe|verify|sanit")
_ENDED = re.compile(r"(\$|\\Z|\\z)\)*$")
_HOST = re.compile(r"[a-z0-9]\\?\.(com|org|net|io|de|gov|edu)\b")
_MATCHERS = ("re.match", "re.search", "re.fullmatch")
_OPEN_HOST = "nothing ends the host: another that begins alike fits"
_LOOSE_END = "the pattern does not end with `$` or `\\Z`: anything may follow"
_LOOSE_DOT = "an unescaped dot in a host name stands for any character"


def _pattern(call: Call) -> str | None:
    value = call.argument(0)
    return value.text if value is not None else None


def _loose(code: Code) -> Iterator[Match]:
    calls = list(code.calls_to(("re.match", "re.search")))
    tests = _tests(code) if calls else set()
    for call in calls:
        pattern = _pattern(call)
        if pattern is None or id(call.node) not in tests or len(pattern) < 4:
            continue
        if not _VALIDATORS.search(call.scope.name):
            continue
        if (
            "re.match" in call.names and not _ENDED.search(pattern) and not pattern.endswith(".*")
        ) or ("re.search" in call.names and pattern.startswith("^") and not _ENDED.search(pattern)):
            yield Match(call.node, _LOOSE_END)


def _hosts(code: Code) -> Iterator[Match]:
    """A host that is checked by a pattern other hosts fit, too."""
    calls = list(code.calls_to((*_MATCHERS, "re.compile().match", "re.compile().search")))
    tests = _tests(code) if calls else set()
    for call in calls:
        pattern = _pattern(call) if not call.fits("re.compile*") else _compiled(code, call)
        if pattern is None or id(call.node) not in tests or "://" not in pattern:
            continue
        found = _HOST.search(pattern)
        asked = call.args[-1] if call.args else NOTHING
        decides = _VALIDATORS.search(call.scope.name) or has_kind(asked, "request")
        if found is None or not decides:
            continue
        rest = pattern[found.end() :]
        if found[0][1] == "." or re.search(r"\w\.\w", pattern[: found.start()]):
            yield Match(call.node, _LOOSE_DOT, "medium", (625, 20))
        elif not rest and not call.fits("*.fullmatch"):
            yield Match(call.node, _OPEN_HOST, "medium", (625, 20))


def _compiled(code: Code, call: Call) -> str | None:
    """The pattern of `PATTERN.match(text)`, where it was compiled under that name."""
    node = call.node.func.value if isinstance(call.node.func, ast.Attribute) else None
    for one in code.stores:
        if isinstance(node, ast.Name) and one.path == node.id:
            made = code.call_at(one.source)
            if made is not None and "re.compile" in made.names:
                return _pattern(made)
    return None


def _tests(code: Code) -> set[int]:
    """ids of calls whose outcome is a yes or no: returned, negated, asked in `if`."""
    found: set[int] = set()
    for node in code.nodes:
        parts: list[ast.expr | None] = []
        if isinstance(node, ast.Return):
            parts = [node.value]
        elif isinstance(node, ast.If | ast.IfExp):
            parts = [node.test]
        elif isinstance(node, ast.UnaryOp):
            parts = [node.operand]
        elif isinstance(node, ast.Compare):
            parts = [node.left]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "bool":
            parts = list(node.args)
        found.update(id(one) for one in parts if isinstance(one, ast.Call))
    return found


RULE = FlowRule(
    id="permissive-regex",
    title="Check by a loose pattern",
    cwes=(625, 777, 185),
    severity="low",
    severity_reason="Whether the rest of the text matters is for the code that uses it to say.",
    fix="Use re.fullmatch, and escape dots that mean dots.",
    reference="https://cwe.mitre.org/data/definitions/625.html",
    detectors=(_loose, _hosts),
    insecure=(
        """
import re
from flask import Flask, redirect, request

app = Flask(__name__)
OURS = re.compile(r"^https://www\\.example\\.com")

@app.get("/out")
def out():
    target = request.args["to"]
    if not OURS.match(target):
        return "not there", 400
    return redirect(target)
""",
        """
import re

def is_valid_phone(text):
    return bool(re.match(r"\\d{3}-\\d{4}", text))
""",
        """
import re

def check_callback(url):
    if not re.match(r"https://api.example.com$", url):
        raise ValueError("not ours")
    return url
""",
        """
import re

def validate_name(text):
    if re.search(r"^[a-z]+", text) is None:
        raise ValueError(text)
    return text
""",
    ),
    secure=(
        """
import re
from flask import Flask, redirect, request

app = Flask(__name__)
OURS = re.compile(r"^https://www\\.example\\.com/")

@app.get("/out")
def out():
    target = request.args["to"]
    if not OURS.match(target):
        return "not there", 400
    return redirect(target)
""",
        """
import re

def is_valid_phone(text):
    return bool(re.fullmatch(r"\\d{3}-\\d{4}", text))
""",
        """
import re

def check_callback(url):
    if not re.match(r"https://api\\.example\\.com$", url):
        raise ValueError("not ours")
    return url
""",
        """
import re

def validate_name(text):
    if re.search(r"^[a-z]+\\Z", text) is None:
        raise ValueError(text)
    return text
""",
        """
import re

def first_number(text):
    found = re.match(r"\\d+", text)
    return int(found[0]) if found else 0
""",
    ),
)
