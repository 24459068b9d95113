"""Reads findings out of a SARIF 2.1.0 log (OASIS standard): only the fields that make a finding.

Severity is the rule's `security-severity` property (a CVSS-like score, GitHub's convention) where
there is one, else the level of the result; CWEs are the rule's tags (`external/cwe/cwe-078`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from purpcode.analyzers.analyzer import FindingPrinter
from purpcode.analyzers.severity import RuleMeaning, cwe_numbers, rule_meaning
from purpcode.errors import InputError
from purpcode.types import Confidence, Finding, Severity

_LEVELS: dict[str, Severity] = {"note": "low", "warning": "medium", "error": "high"}
_PRECISIONS: dict[str, Confidence] = {
    **{"low": "low", "medium": "medium", "high": "high", "very-high": "high"}
}
_NO_FINDING = {"notApplicable", "pass", "open", "informational"}
"""Kinds of results that say nothing is wrong, or that the tool does not know."""

EXTRACTED = "/diagnostics/successfully-extracted-files"
"""How the id of the notification ends by which CodeQL lists the files that it took in."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class _Text(_Part):
    text: str = ""
    markdown: str = ""


class _Region(_Part):
    start_line: int = 1
    end_line: int | None = None


class _ArtifactLocation(_Part):
    uri: str | None = None
    index: int = -1


class _PhysicalLocation(_Part):
    artifact_location: _ArtifactLocation = _ArtifactLocation()
    region: _Region = _Region()


class _Location(_Part):
    physical_location: _PhysicalLocation = _PhysicalLocation()


class _Configuration(_Part):
    level: str | None = None


class _Rule(_Part):
    id: str
    short_description: _Text = _Text()
    default_configuration: _Configuration = _Configuration()
    properties: dict[str, Any] = {}


class _Component(_Part):
    name: str
    rules: list[_Rule] = []


class _Tool(_Part):
    driver: _Component
    extensions: list[_Component] = []


class _ComponentReference(_Part):
    index: int = -1


class _RuleReference(_Part):
    id: str | None = None
    index: int = -1
    tool_component: _ComponentReference = _ComponentReference()


class _Result(_Part):
    rule_id: str | None = None
    rule_index: int = -1
    rule: _RuleReference = _RuleReference()
    kind: str = "fail"
    level: str | None = None
    message: _Text = _Text()
    locations: list[_Location] = []


class _Artifact(_Part):
    location: _ArtifactLocation = _ArtifactLocation()


class _Notification(_Part):
    descriptor: _RuleReference = _RuleReference()
    level: str = "warning"
    message: _Text = _Text()
    locations: list[_Location] = []


class _Invocation(_Part):
    execution_successful: bool = True
    tool_execution_notifications: list[_Notification] = []


class _Run(_Part):
    tool: _Tool
    invocations: list[_Invocation] = []
    artifacts: list[_Artifact] = []
    results: list[_Result] | None = None


class _Log(_Part):
    version: str
    runs: list[_Run]


@dataclass(frozen=True)
class SarifReading:
    """What a log says: `findings` and `faults` (why a file was not measured) by the path of the
    file, percent-decoded, as the log writes it; `extracted` are the files that CodeQL says it took
    in; `failure` is why the run as a whole cannot be trusted."""

    findings: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    extracted: frozenset[str] = frozenset()
    failure: str | None = None


def read_sarif(text: str, analyzer: str, codes: Mapping[str, str]) -> SarifReading:
    """Read a SARIF 2.1.0 log. `analyzer` names the findings' analyzer; `codes` maps each file's
    URI, as the log writes it, to its code, for the fingerprints.

    Raises InputError for text that is no such log, or that has no result list (which the standard
    gives to a tool that failed to run).
    """
    try:
        log = _Log.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"is no SARIF log: {first['msg']}", field=place or None) from None
    if log.version != "2.1.0":
        raise InputError(f"has SARIF version '{log.version}', not 2.1.0", field="version")
    if any(run.results is None for run in log.runs):
        raise InputError("holds a run without results: the tool failed", field="runs.results")
    rows: dict[str, list[tuple[_Result, _Rule | None, _Region]]] = defaultdict(list)
    faults: dict[str, str] = {}
    extracted: set[str] = set()
    failure = None
    for run in log.runs:
        for uri, result, region in _places(run):
            rows[uri].append((result, _rule_of(result, run.tool), region))
        for invocation in run.invocations:
            if not invocation.execution_successful:
                failure = "the tool says that it failed"
            for notification in invocation.tool_execution_notifications:
                places = {
                    _uri(place.physical_location.artifact_location, run)
                    for place in notification.locations
                }
                if (notification.descriptor.id or "").endswith(EXTRACTED):
                    extracted |= places
                elif notification.level in ("warning", "error"):
                    fault = notification.message.text[:200] or "the tool reports a problem"
                    faults |= dict.fromkeys(places, fault)
    findings = {uri: _findings(analyzer, found, codes.get(uri, "")) for uri, found in rows.items()}
    return SarifReading(findings, faults, frozenset(extracted), failure)


def _places(run: _Run) -> Iterator[tuple[str, _Result, _Region]]:
    """(file, result, region) of each result that is a finding: its first location counts."""
    for result in run.results or ():
        if result.kind in _NO_FINDING or result.level == "none" or not result.locations:
            continue
        place = result.locations[0].physical_location
        yield _uri(place.artifact_location, run), result, place.region


def _uri(location: _ArtifactLocation, run: _Run) -> str:
    uri = location.uri
    if uri is None and 0 <= location.index < len(run.artifacts):
        uri = run.artifacts[location.index].location.uri
    return unquote(urlsplit(uri or "").path)


def _rule_of(result: _Result, tool: _Tool) -> _Rule | None:
    """The rule's description: by index in the component that the result names, else by its id."""
    extension = result.rule.tool_component.index
    known = 0 <= extension < len(tool.extensions)
    component = tool.extensions[extension] if known else tool.driver
    index = result.rule.index if result.rule.index >= 0 else result.rule_index
    if 0 <= index < len(component.rules):
        return component.rules[index]
    wanted = result.rule_id or result.rule.id
    parts = [tool.driver, *tool.extensions]
    return next((one for part in parts for one in part.rules if one.id == wanted), None)


def _findings(
    analyzer: str, rows: list[tuple[_Result, _Rule | None, _Region]], code: str
) -> tuple[Finding, ...]:
    printer = FindingPrinter(code)
    named = [
        (result.rule_id or result.rule.id or (rule.id if rule else "unknown"), result, rule, region)
        for result, rule, region in rows
    ]
    named.sort(key=lambda row: (row[3].start_line, row[0]))
    return tuple(_finding(analyzer, *row, printer) for row in named)


def _finding(
    analyzer: str,
    rule_id: str,
    result: _Result,
    rule: _Rule | None,
    region: _Region,
    printer: FindingPrinter,
) -> Finding:
    meaning = rule_meaning(analyzer, rule_id)
    properties = rule.properties if rule else {}
    message = result.message.text or (rule.short_description.text if rule else "") or rule_id
    line = max(1, region.start_line)
    return Finding(
        analyzer=analyzer,
        rule_id=rule_id,
        cwes=meaning.cwes or cwe_numbers(properties.get("tags"), properties.get("cwe")),
        severity=_severity(meaning, message, result, rule),
        confidence=_PRECISIONS.get(str(properties.get("precision")), "medium"),
        line=line,
        end_line=max(line, region.end_line or line),
        message=message,
        fingerprint=printer.fingerprint(meaning.weakness, line),
    )


def _severity(meaning: RuleMeaning, message: str, result: _Result, rule: _Rule | None) -> Severity:
    level = result.level or (rule.default_configuration.level if rule else None) or "warning"
    native: Severity | None = _LEVELS.get(level)
    with suppress(KeyError, TypeError, ValueError):  # without a score, the level counts
        native = score_severity(float(rule.properties["security-severity"])) if rule else native
    return meaning.severity_of(message, native)


def score_severity(score: float) -> Severity:
    """The severity of a score from 0 to 10, in the bands of CVSS v3."""
    bands: tuple[tuple[float, Severity], ...] = ((4.0, "low"), (7.0, "medium"), (9.0, "high"))
    return next((severity for limit, severity in bands if score < limit), "critical")
