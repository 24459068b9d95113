"""Findings that somebody has looked at and accepted: by a configuration file, with a reason, or,
where the user wishes so, by suppression comments in the code."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from purpcode.analyzers.severity import rule_meanings
from purpcode.analyzers.suppressions import comment_spans
from purpcode.errors import InputError
from purpcode.types import Finding

CONFIG_NAME = ".purpcode-scan.toml"
_NEWLINE = re.compile(r"\r\n|\r|\n")
_MARKER = re.compile(
    r"(?:#|//|/\*|--)\s*(?:ruff\s*:\s*)?(?:noqa|nosec|nosem(?:grep)?)\b(?P<codes>[:\s]\s*[\w.,\s-]*)?",
    re.IGNORECASE,
)
_CODE = re.compile(r"[A-Za-z]+\d+|[\w.-]+\.[\w.-]+")


class AcceptedFinding(BaseModel):
    """One `[[accept]]` entry. `path` may hold `*`; without a fingerprint every finding of the
    rule in the file is accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(min_length=1)
    rule: str = Field(min_length=1)
    fingerprint: str | None = None
    reason: str

    @field_validator("reason")
    @classmethod
    def _says_something(cls, reason: str) -> str:
        if not reason.strip():
            raise ValueError("say why the finding is accepted")
        return reason

    def accepts(self, path: str, finding: Finding) -> bool:
        """Whether this entry accepts a finding in a file, by its path as printed."""
        return (
            self.covers(path)
            and is_rule(self.rule, finding)
            and self.fingerprint in (None, finding.fingerprint)
        )

    def covers(self, path: str) -> bool:
        """Whether a file is one that this entry speaks of. Only `*` is special in its path."""
        parts = self.path.removeprefix("./").split("*")
        return re.fullmatch(".*".join(map(re.escape, parts)), path, re.DOTALL) is not None


class ScanConfig(BaseModel):
    """`.purpcode-scan.toml`, or `[tool.purpcode.scan]` of a pyproject.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accept: tuple[AcceptedFinding, ...] = ()


def load_config(path: Path | None, folder: Path) -> ScanConfig:
    """The configuration file of that path, or the one in a folder, or an empty configuration.

    Only the working folder is looked in: what is scanned has no say in how it is scanned.

    Raises:
        InputError: for a file that is missing, not TOML or does not fit, and for a folder in
            which both files accept findings.
    """
    if path is not None:
        return _parse(path, _scan_table(path))
    own, project = folder / CONFIG_NAME, folder / "pyproject.toml"
    table = _scan_table(project) if project.is_file() else {}
    if not own.is_file():
        return _parse(project, table)
    if table:
        raise InputError(
            f"[tool.purpcode.scan] and {CONFIG_NAME} are both there",
            path=project,
            hint="keep one of them",
        )
    return _parse(own, _scan_table(own))


def stale_entries(
    config: ScanConfig, used: Collection[AcceptedFinding], measured: Collection[str]
) -> list[AcceptedFinding]:
    """Entries that accepted nothing although a file they speak of was measured, or although the
    file they name is no longer there."""
    stale: list[AcceptedFinding] = []
    for entry in config.accept:
        gone = "*" not in entry.path and not Path(entry.path).exists()
        if entry not in used and (gone or any(entry.covers(path) for path in measured)):
            stale.append(entry)
    return stale


def is_rule(name: str, finding: Finding) -> bool:
    """Whether a rule's name ("B608" or "bandit/B608") means a finding's rule, or one of another
    tool for the same weakness: which of them is shown depends on the analyzers chosen."""
    tool, _, rule = name.rpartition("/")
    if rule == finding.rule_id and tool in ("", finding.analyzer):
        return True
    meanings = rule_meanings()
    own = meanings.get((finding.analyzer, finding.rule_id))
    return own is not None and any(
        own.weakness == meaning.weakness
        for (other, known), meaning in meanings.items()
        if known == rule and tool in ("", other)
    )


def suppressed(code: str, findings: Sequence[Finding], language: str = "python") -> list[bool]:
    """For each finding of a code, whether a comment on its lines (`nosec`, `noqa`,
    `nosemgrep`) waves it through. A comment that lists rules speaks of these alone."""
    lines: dict[int, list[str]] = {}
    ends = [newline.end() for newline in _NEWLINE.finditer(code)]
    for start, stop in comment_spans(code, language):
        marker = _MARKER.search(code[start:stop])
        if marker is not None:
            lines[bisect_right(ends, start) + 1] = _CODE.findall(marker["codes"] or "")
    return [
        any(
            not lines[line] or any(is_rule(code, finding) for code in lines[line])
            for line in range(finding.line, finding.end_line + 1)
            if line in lines
        )
        for finding in findings
    ]


def _scan_table(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is not TOML ({error})", path=path) from None
    if path.name != "pyproject.toml":
        return table
    for name in ("tool", "purpcode", "scan"):
        table = table.get(name, {})
        if not isinstance(table, dict):
            raise InputError("must be a table", path=path, field="tool.purpcode.scan")
    return table


def _parse(path: Path, table: dict[str, Any]) -> ScanConfig:
    try:
        return ScanConfig.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(first["msg"], path=path, field=field) from None
