"""Regular expressions that take exponential time on the wrong text."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.regex_ambiguity import is_exponential
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_FUNCTIONS = tuple(
    f"re.{name}"
    for name in (
        "match",
        "search",
        "fullmatch",
        "sub",
        "subn",
        "split",
        "findall",
        "finditer",
        "compile",
    )
)
_FIELDS = (
    "pydantic.Field",
    "pydantic.constr",
    "fastapi.Query",
    "fastapi.Path",
    "django.core.validators.RegexValidator",
    "wtforms.validators.Regexp",
)


def _flags(call: Call) -> int:
    """The flags that a call spells out, such as `re.I | re.VERBOSE`."""
    given = [*call.node.args[1:], *(one.value for one in call.node.keywords)]
    flags = re.RegexFlag(0)
    for argument in given:
        for one in walk(argument):
            name = one.attr if isinstance(one, ast.Attribute) else ""
            flag = getattr(re, name, None) if name.isupper() else None
            if isinstance(flag, re.RegexFlag):
                flags |= flag
    return int(flags & (re.I | re.S | re.X | re.M | re.A))


def _text(pattern: object) -> str | None:
    if isinstance(pattern, bytes):
        return pattern.decode("latin-1")
    return pattern if isinstance(pattern, str) else None


def _catastrophic(code: Code) -> Iterator[Match]:
    fullmatch = any(name.endswith(".fullmatch") for one in code.calls for name in one.names)
    for call in code.calls_to(_FUNCTIONS):
        value = call.argument(0, "pattern")
        pattern = _text(value.const) if value is not None else None
        subject = call.argument(1, "string")
        if pattern is None or (
            subject is not None and subject.known and "re.compile" not in call.names
        ):
            continue
        whole = "re.fullmatch" in call.names or ("re.compile" in call.names and fullmatch)
        if is_exponential(pattern, _flags(call), whole=whole):
            yield Match(
                call.node, "two loops of the pattern share a text in exponentially many ways"
            )
    for call in code.calls_to(_FIELDS):
        for name in ("pattern", "regex"):
            value = call.keywords.get(name) or (call.argument(0) if name == "regex" else None)
            pattern = _text(value.const) if value is not None else None
            if (
                pattern is not None
                and is_exponential(pattern)
                and "pydantic" not in str(call.names)
            ):
                yield Match(
                    call.node, "two loops of the pattern share a text in exponentially many ways"
                )


RULE = FlowRule(
    id="regex-denial-of-service",
    title="Regular expression of exponential time",
    cwes=(1333, 400),
    severity="medium",
    severity_reason="A text of thirty characters keeps the process busy for hours.",
    fix="Write the loop so that a text can be read in one way only: `(a+)+` is `a+`, and"
    " `(\\w+\\s?)*` is `\\w+(\\s\\w+)*`.",
    reference="https://cwe.mitre.org/data/definitions/1333.html",
    detectors=(_catastrophic,),
    insecure=(
        """
import re

def is_name(text):
    return re.match(r"^(\\w+\\s?)*$", text) is not None
""",
        """
import re
from flask import Flask, request

app = Flask(__name__)
NUMBER = re.compile(r"^(\\d+)+$")

@app.route("/check")
def check():
    return {"ok": NUMBER.match(request.args["n"]) is not None}
""",
        """
import re

def is_address(text):
    return bool(re.fullmatch(r"([a-z0-9]+[.-]?)+@example\\.com", text, re.IGNORECASE))
""",
        """
import re

WORDS = re.compile(r"(a|aa)+")

def only_a(text):
    return WORDS.fullmatch(text) is not None
""",
    ),
    secure=(
        """
import re

def is_name(text):
    return re.match(r"^\\w+(\\s\\w+)*$", text) is not None
""",
        """
import re
from flask import Flask, request

app = Flask(__name__)
NUMBER = re.compile(r"^(\\d{1,3}(,\\d{3})*)$")

@app.route("/check")
def check():
    return {"ok": NUMBER.match(request.args["n"]) is not None}
""",
        """
import re

def is_address(text):
    return bool(re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*@example\\.com", text, re.IGNORECASE))
""",
        """
import re

STRING = re.compile(r'"(?:[^"\\\\\\\\]|\\\\\\\\.)*"')

def strings(text):
    return STRING.findall(text)
""",
    ),
)
