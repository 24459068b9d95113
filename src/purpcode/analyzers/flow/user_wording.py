"""Functions that say whom they serve: what such a function is given, users have chosen."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow
from purpcode.analyzers.flow.purpose import function_around
from purpcode.analyzers.flow.rule import Detector, Level, Match
from purpcode.analyzers.flow.values import SourceKind

_WHO = r"(users?|visitors?|clients?|customers?|end[- ]users?)"
_SAID = re.compile(
    rf"(?i)\b{_WHO} (has |have |had )?(asked|asks|named|names|picked|picks|chose|chosen|chooses|"
    r"wants|wanted|gave|given|gives|entered|enters|typed|sent|submitted|submits|supplied|supplies|"
    r"provided|provides|requested|requests|wrote)\b"
    rf"|\b{_WHO}[- ](supplied|provided|given|submitted|controlled|chosen|entered|input)\b"
    r"|\b(user|visitor|customer)'s (own )?(pattern|expression|formula|address|url|link|query|"
    r"search|profile|request|choice|input)\b"
    r"|\b(named|given|sent|asked for) (in|by|with) (the |a |an )?(request|user|visitor|customer)\b"
    r"|\buntrusted\b|\buser input\b"
)
_TRUSTED = re.compile(r"(?i)\b(trusted(?<!untrusted)|administrator|developer|operator of)\b")
_PARAMETERS: Mapping[SourceKind, Level | None] = {
    **dict.fromkeys(("request", "network", "cli", "environment", "file", "stored")),
    "parameter": "medium",
}


def serves_users(code: Code, node: ast.AST) -> bool:
    """Whether the docstring of the function around a node says that users choose what it gets."""
    function = function_around(code, node)
    said = ast.get_docstring(function) if function is not None else None
    return said is not None and bool(_SAID.search(said)) and not _TRUSTED.search(said)


def for_users(flow: Flow) -> Detector:
    """The flow once more for functions that say they serve users: there a parameter counts as
    medium."""
    graver = replace(flow, severities=_PARAMETERS, parameter_when=None)

    def detect(code: Code) -> Iterator[Match]:
        for match in graver(code):
            if serves_users(code, match.node):
                yield match

    return detect
