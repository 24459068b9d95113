"""Findings as SARIF 2.1.0 (OASIS standard), the form code hosts and editors read.

What GitHub's code scanning asks beyond the schema is there too: descriptions and help per rule,
`security-severity`, `external/cwe/...` tags, relative URIs and a line fingerprint per result.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from purpcode import __version__
from purpcode.records import write_json_atomic
from purpcode.types import SEVERITIES, Confidence, Finding, Severity

SCHEMA_URI = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: dict[Severity, str] = {
    "low": "note",
    "medium": "warning",
    "high": "error",
    "critical": "error",
}
SECURITY_SEVERITY: dict[Severity, str] = {
    "low": "2.5",
    "medium": "5.5",
    "high": "8.0",
    "critical": "9.5",
}
"""A score inside the band that GitHub shows under the same name (CVSS v3 bands, as a string)."""
CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")
TAGS_PER_RULE = 20
"""GitHub refuses rules with more tags."""
DESCRIPTION_CHARACTERS = 1024
"""The longest rule description that GitHub takes."""
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_CWE_PAGE = "https://cwe.mitre.org/data/definitions/{}.html"


@dataclass(frozen=True)
class LocatedFinding:
    """A finding in a file. `path` is relative to the root of what was scanned; an absolute one
    becomes a `file:` URI. `snippet` is the text of the finding's lines."""

    path: str
    finding: Finding
    snippet: str | None = None


def sarif_log(
    located: Iterable[LocatedFinding],
    *,
    properties: Mapping[str, Any] | None = None,
    unmeasured: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A SARIF log with one run of the tool `purpcode`.

    There is one rule per (analyzer, rule) among the findings, named `analyzer/rule`. `properties`
    become the run's. `unmeasured` (path → why) are errors of the invocation, which then counts as
    unsuccessful: a log without results must not read as clean where nothing was measured.
    """
    found = list(located)
    rules: dict[str, list[Finding]] = {}
    for one in found:
        rules.setdefault(_rule_name(one.finding), []).append(one.finding)
    places = {name: place for place, name in enumerate(rules)}
    driver = {
        "name": "purpcode",
        "semanticVersion": __version__,
        "rules": [_rule(name, findings) for name, findings in rules.items()],
    }
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "invocations": [_invocation(unmeasured or {})],
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, places) for one in found],
    }
    if properties:
        run["properties"] = dict(properties)
    return {"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}


def write_sarif(path: Path, log: Mapping[str, Any]) -> None:
    """Write a log whole or not at all; raises PurpcodeError where it cannot be written."""
    write_json_atomic(path, log)


def _rule_name(finding: Finding) -> str:
    return f"{finding.analyzer}/{finding.rule_id}"


def _rule(name: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """The rule as its findings show it: its gravest severity, its surest confidence."""
    first = findings[0]
    cwes = sorted({cwe for one in findings for cwe in one.cwes})
    gravest = max((one.severity for one in findings), key=SEVERITIES.index)
    surest = max((one.confidence for one in findings), key=CONFIDENCES.index)
    tags = ["security", *(f"external/cwe/cwe-{cwe:03d}" for cwe in cwes)]
    said = _plain(first.message)[:DESCRIPTION_CHARACTERS] or name
    help_text = f"{said}\n\nFound by {first.analyzer} as its rule {first.rule_id}."
    help_text += "".join(f"\nCWE-{cwe}: {_CWE_PAGE.format(cwe)}" for cwe in cwes)
    rule: dict[str, Any] = {
        "id": name,
        "name": name,
        "shortDescription": {"text": _first_sentence(said)},
        "fullDescription": {"text": said},
        "help": {"text": help_text},
        "defaultConfiguration": {"level": LEVELS[gravest]},
        "properties": {
            "tags": tags[:TAGS_PER_RULE],
            "precision": surest,
            "security-severity": SECURITY_SEVERITY[gravest],
        },
    }
    if cwes:
        rule["helpUri"] = _CWE_PAGE.format(cwes[0])
    return rule


def _result(one: LocatedFinding, places: Mapping[str, int]) -> dict[str, Any]:
    finding = one.finding
    name = _rule_name(finding)
    region: dict[str, Any] = {
        "startLine": finding.line,
        "endLine": max(finding.line, finding.end_line),
    }
    if one.snippet is not None:
        region["snippet"] = {"text": _unicode(one.snippet)}
    return {
        "ruleId": name,
        "ruleIndex": places[name],
        "level": LEVELS[finding.severity],
        "message": {"text": _plain(finding.message) or name},
        "locations": [
            {"physicalLocation": {"artifactLocation": _artifact(one.path), "region": region}}
        ],
        "partialFingerprints": {
            # The key by which GitHub follows a result over line moves: hash and occurrence; the
            # finding's fingerprint already tells occurrences apart.
            "primaryLocationLineHash": f"{finding.fingerprint}:1",
            "purpcodeFinding/v1": finding.fingerprint,
        },
        "properties": {
            "severity": finding.severity,
            "confidence": finding.confidence,
            "cwes": list(finding.cwes),
        },
    }


def _invocation(unmeasured: Mapping[str, str]) -> dict[str, Any]:
    invocation: dict[str, Any] = {"executionSuccessful": not unmeasured}
    if unmeasured:
        invocation["toolExecutionNotifications"] = [
            {
                "level": "error",
                "message": {"text": f"not measured: {_plain(why)}"},
                "locations": [{"physicalLocation": {"artifactLocation": _artifact(path)}}],
            }
            for path, why in sorted(unmeasured.items())
        ]
    return invocation


def _artifact(path: str) -> dict[str, str]:
    pure = PurePath(path)
    posix = pure.as_posix()
    encoded = quote(_path_bytes(posix))  # `:` too: a first segment with one would be a scheme
    if pure.is_absolute():
        return {"uri": f"file://{encoded if encoded.startswith('/') else '/' + encoded}"}
    return {"uri": encoded, "uriBaseId": "%SRCROOT%"}


def _path_bytes(path: str) -> bytes:
    """The bytes of a file name, also where they are not UTF-8."""
    try:
        return os.fsencode(path)
    except UnicodeEncodeError:
        return path.encode("utf-8", "replace")


def _plain(message: str) -> str:
    """Message text in which viewers find nothing to follow: SARIF messages may embed links as
    `[text](target)`, and a message can quote the code that it is about."""
    return _UNPRINTABLE.sub(" ", _unicode(message)).replace("](", "] (").strip()


def _unicode(text: str) -> str:
    """Text without lone surrogates, which JSON readers refuse."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])\s|\n", text, maxsplit=1)[0]
