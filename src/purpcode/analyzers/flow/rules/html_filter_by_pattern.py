"""HTML made safe by taking some tags out of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code, Scope
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk
from purpcode.analyzers.flow.values import Value

_SCRIPT = re.compile(r"(?i)<[\\/\[\]()?|s*]*(?:script|iframe|object|embed)")
_PURPOSE = re.compile(
    r"(?i)sanit|clean|filter|safe|xss|escape|purif|secure|(strip|remove)_?(script|tag|html)|valid"
    r"|protect|render|comment"
)
_PATTERNS = ("re.sub", "re.subn", "re.search", "re.match", "re.findall", "re.compile().sub",
             "re.compile().search", "re.compile().match", "re.compile().findall")  # fmt: skip
_ALL_TAGS = re.compile(r"<\[?\^?/?[<>]*\]?(?:\.|\[\^[<>]+\]|\\w)[*+]\??>")
_KNOWN_SANITIZERS = ("bleach", "nh3", "lxml_html_clean", "lxml.html.clean", "html_sanitizer")


def _filters(code: Code) -> Iterator[Match]:
    if code.uses_module(*_KNOWN_SANITIZERS):
        return
    for call in code.calls_to(_PATTERNS):
        pattern = _pattern(code, call)
        if pattern is None or not _SCRIPT.search(pattern):
            continue
        if _for_safety(call, call.args) and not _makes_text(call.scope):
            yield Match(call.node, "a pattern for tags misses spellings that browsers accept")
    for call in code.calls_to(("*.replace",)):
        old = call.args[0].text if len(call.args) == 2 else None
        if old is None or not _SCRIPT.search(old):
            continue
        if _for_safety(call, (call.receiver,)) and not _makes_text(call.scope):
            yield Match(
                call.node, "taking one tag out leaves all others, and `<scr<script>ipt>`",
                cwes=(184, 116, 80),
            )  # fmt: skip


def _pattern(code: Code, call: Call) -> str | None:
    """The pattern, given here or where it was compiled."""
    if not any(name.startswith("re.compile()") for name in call.names):
        return call.args[0].text if call.args else None
    node = call.node.func.value if isinstance(call.node.func, ast.Attribute) else None
    if isinstance(node, ast.Call):
        made = code.call_at(node)
        return made.args[0].text if made is not None and made.args else None
    if not isinstance(node, ast.Name):
        return None
    for one in code.stores:
        if one.path == node.id and isinstance(one.source, ast.Call):
            made = code.call_at(one.source)
            if made is not None and made.args and "re.compile" in made.names:
                return made.args[0].text
    return None


def _for_safety(call: Call, values: tuple[Value, ...]) -> bool:
    """Whether the result is meant to be safe to show: by what the function is called, or because
    the text came with a request."""
    if any(one.kind == "request" for value in values for one in value.taints):
        return True
    given = any(value.taints for value in values)
    return given and _PURPOSE.search(call.scope.name) is not None


def _makes_text(scope: Scope) -> bool:
    """Whether all tags are taken out, or everything is escaped, in the same function."""
    for one in walk(scope.node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            if _ALL_TAGS.fullmatch(one.value):
                return True
        elif isinstance(one, ast.Call):
            name = getattr(one.func, "attr", None) or getattr(one.func, "id", "")
            if name in ("escape", "get_text", "strip_tags", "striptags"):
                return True
    return False


RULE = FlowRule(
    id="html-filter-by-pattern",
    title="HTML filtered by a list of tags",
    cwes=(116, 184, 185, 80),
    severity="medium",
    severity_reason="Browsers accept `</script foo>`, capital letters and many other tags that run"
    " scripts; what passes the filter runs in the page.",
    fix="Escape the whole text (html.escape), or let a parser with a list of allowed tags clean it"
    " (nh3.clean, bleach.clean).",
    reference="https://cwe.mitre.org/data/definitions/116.html",
    detectors=(_filters,),
    insecure=(
        """
import re

def sanitize(html):
    return re.sub(r"<script.*?>.*?</script>", "", html)
""",
        """
import re

SCRIPT = re.compile(r"<script[^>]*>(.|\\n)*?</script>", re.IGNORECASE)

def clean_comment(text):
    return SCRIPT.sub("", text)
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.post("/post")
def post():
    text = request.form["text"].replace("<script>", "").replace("</script>", "")
    return {"stored": text}
""",
    ),
    secure=(
        """
import html

def sanitize(text):
    return html.escape(text)
""",
        """
import nh3

def clean_comment(text):
    return nh3.clean(text, tags={"b", "i"})
""",
        """
import re

def visible_text(page):
    page = re.sub(r"(?s)<script.*?</script>", " ", page)
    return re.sub(r"<[^>]+>", " ", page)
""",
        """
import re

def count_scripts(page):
    return len(re.findall(r"<script\\b", page))
""",
    ),
)
