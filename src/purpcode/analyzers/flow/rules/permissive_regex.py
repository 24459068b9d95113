"""Checks by a regular expression that lets more through than it seems."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_VALIDATORS = re.compile(r"(?i)valid|is_|check|allowed|safe|verify|sanit")
_ENDED = re.compile(r"(\$|\\Z|\\z)\)*$")
_HOST = re.compile(r"[a-z0-9]\.(com|org|net|io|de|gov|edu|example)\b")
_LOOSE_END = "the pattern does not end with `$` or `\\Z`: anything may follow"
_LOOSE_DOT = "an unescaped dot in a host name stands for any character"


def _pattern(call: Call) -> str | None:
    value = call.argument(0)
    return value.text if value is not None else None


def _loose(code: Code) -> Iterator[Match]:
    tests = _tests(code)
    for call in code.calls_to(("re.match", "re.search")):
        pattern = _pattern(call)
        if pattern is None or id(call.node) not in tests or len(pattern) < 4:
            continue
        if not _VALIDATORS.search(call.scope.name):
            continue
        if (
            "re.match" in call.names and not _ENDED.search(pattern) and not pattern.endswith(".*")
        ) or ("re.search" in call.names and pattern.startswith("^") and not _ENDED.search(pattern)):
            yield Match(call.node, _LOOSE_END)
        elif _HOST.search(pattern) and "://" in pattern:
            yield Match(call.node, _LOOSE_DOT)


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
    detectors=(_loose,),
    insecure=(
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
