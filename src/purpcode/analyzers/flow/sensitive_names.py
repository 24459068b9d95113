"""Which names speak of secrets, and which secrets an expression shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.tree import children

_SECRET = re.compile(
    r"(?i)passw(or)?d|passphrase|(^|_)(pwd|pin_?code|ssn|cvv|cvc)($|_)|(client|app|shared)_?secret|"
    r"secret_?key|(^|_)secret$|api_?key|private_?key|(access|auth|refresh|bearer|reset)_?token|"
    r"social_?security|credit_?card|card_?(number|no$)|(^|_)iban($|_)"
)
_ABOUT = re.compile(
    r"(?i)hash|digest|len(gth)?$|count|chang|expir|invalid|requir|policy|field|path|file|url|(?<!sec)uri|"
    r"(^|_)ids?$|name$|strength|valid|type|err|msg|message|prompt|label|(^|_)(min|max|num|is|has|use|"
    r"no|set|get|check|verify|show|print|log)(_|$)|mask|redact|encrypt|public|attempt|hint|score|regex|"
    r"pattern|reset_?(link|page|view)|last_?(4|four)|form|class|manager|context|store|set$|ok$|match"
)
_SESSION = re.compile(
    r"(?i)sess|(^|[_-])s?sid($|[_-])|auth|token|jwt|login|remember|user|account|credential|api_?key"
)
_CARRIERS = frozenset(
    ("format", "join", "strip", "get", "pop", "lower", "upper", "encode", "decode")
)
_SHOWING = frozenset(("str", "repr"))


def is_secret(name: str) -> bool:
    """Whether a variable or key of that name holds a secret, not something about one."""
    return bool(_SECRET.search(name)) and not _ABOUT.search(name)


def is_session(name: str) -> bool:
    """Whether a cookie of that name tells who somebody is."""
    return bool(_SESSION.search(name)) and not re.search(r"(?i)csrf|xsrf|theme|lang|consent", name)


def shown_secrets(node: ast.AST) -> Iterator[str]:
    """Names of secrets whose values an expression shows. What goes through a function (`len`,
    `mask`, a digest) or a comparison is not shown."""
    if isinstance(node, ast.Name):
        if is_secret(node.id):
            yield node.id
    elif isinstance(node, ast.Attribute):
        if is_secret(node.attr):
            yield node.attr
        else:
            yield from shown_secrets(node.value)
    elif isinstance(node, ast.Subscript):
        if isinstance(node.slice, ast.Slice):
            return
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(key, str) and is_secret(key):
            yield key
    elif isinstance(node, ast.Call):
        yield from _shown_by_call(node)
    elif not isinstance(node, ast.Compare | ast.Lambda | ast.Constant):
        parts = [node.body, node.orelse] if isinstance(node, ast.IfExp) else None
        for one in parts or children(node):
            yield from shown_secrets(one)


def _shown_by_call(node: ast.Call) -> Iterator[str]:
    func = node.func
    if isinstance(func, ast.Name) and func.id in _SHOWING:
        for one in node.args:
            yield from shown_secrets(one)
    elif isinstance(func, ast.Attribute) and func.attr in _CARRIERS:
        if func.attr in ("get", "pop"):
            key = (
                node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            )
            if isinstance(key, str) and is_secret(key):
                yield key
            return
        yield from shown_secrets(func.value)
        for one in [*node.args, *(keyword.value for keyword in node.keywords)]:
            yield from shown_secrets(one)
