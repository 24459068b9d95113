"""The codeshield analyzer: the rule files of the PyPI package codeshield, run by semgrep.

The package's own interface is not used: with newer versions of semgrep it scans nothing and calls
everything secure."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

from purpcode.analyzers.analyzer import Snippet
from purpcode.analyzers.batch import ToolFault, readable_output
from purpcode.analyzers.semgrep import Match, SemgrepBase
from purpcode.analyzers.semgrep_rules import file_digest, read_rules, read_yaml
from purpcode.analyzers.severity import table_digest
from purpcode.analyzers.source_forms import source_form
from purpcode.errors import InputError, UnavailableError

RuleSet = Literal["cyberseceval", "codeshield"]
"""Which of its rules: those its benchmark judges with, or the fewer ones it guards with."""

_SOURCES: Mapping[str, tuple[str, ...]] = {
    "c": ("c",),
    "cpp": ("cpp", "c"),
    "csharp": ("csharp",),
    "java": ("java",),
    "javascript": ("javascript",),
    "php": ("php",),
    "python": ("python",),
    "rust": ("rust",),
    "typescript": ("javascript",),
}
"""Our language → the package's languages whose rules read it, the first one's semgrep rules too."""
_ANY_LANGUAGE = "language_agnostic"
_LEVELS = {"error": "ERROR", "warning": "WARNING", "advice": "INFO"}
_INSTALL_HINT = (
    "install codeshield beside semgrep (uv tool install semgrep --with codeshield, or pipx inject "
    "semgrep codeshield), or name its folder of rules in PURPCODE_CODESHIELD_RULES"
)


class CodeShield(SemgrepBase):
    """Runs codeshield's semgrep rules and regex rules, both in one run of semgrep."""

    name = "codeshield"
    table = "codeshield"

    def __init__(
        self,
        *,
        rule_set: str = "cyberseceval",
        timeout_s: float = 120.0,
        workers: int = 0,
        command: Sequence[str] | None = None,
        rules: Path | None = None,
    ) -> None:
        """`rules` is the package's folder of rules, which is looked for without it. Raises
        UnavailableError where it is not found, InputError for an unknown rule set."""
        super().__init__(timeout_s=timeout_s, workers=workers, command=command)
        if rule_set not in get_args(RuleSet):
            known = ", ".join(get_args(RuleSet))
            raise InputError(
                f"codeshield has no rule set '{rule_set}'",
                field="oracles.analyzers",
                hint=f"known: {known}",
            )
        if rule_set != "cyberseceval":
            self.name = f"codeshield:{rule_set}"
        self._rule_set = rule_set
        self._folder = rules or rules_folder(self._command[0])
        self._rules = {language: self._rules_for(language) for language in _SOURCES}
        self.languages = frozenset(language for language, found in self._rules.items() if found)
        if not self.languages:
            raise InputError("there are no codeshield rules", path=self._folder)

    def fingerprint(self) -> str:
        """Version, rules and severity table; raises UnavailableError where semgrep is not."""
        files = sorted(
            path for path in self._folder.rglob("*") if path.suffix in (".json", ".yaml")
        )
        try:
            unreadable = ", ".join(sorted(self.unreadable_rules))
        except ToolFault as fault:
            raise self._unavailable(f"does not run: {fault}") from None
        rules = file_digest(files) + (f" without {unreadable}" if unreadable else "")
        return f"{self.name} on semgrep {self.version}, rules {rules}, table {table_digest()}"

    def _rules_for(self, language: str) -> list[dict[str, Any]]:
        """The rules for a language, none where only rules for any language would remain."""
        sources = _SOURCES[language]
        path = self._folder / "semgrep" / "_generated_" / f"{sources[0]}_{self._rule_set}.json"
        found = [
            rule
            for rule in (read_rules(path) if path.is_file() else ())
            if language in rule["languages"]
        ]
        found += [_regex_rule(row) for source in sources for row in self._regexes(source)]
        if not found:
            return []
        found += [_regex_rule(row) for row in self._regexes(_ANY_LANGUAGE)]
        # A rule reads one language, under an id of its own: ids recur between languages.
        return [
            {**rule, "languages": [language], "id": f"{language}.{rule['id']}"} for rule in found
        ]

    def _regexes(self, source: str) -> list[dict[str, Any]]:
        """The regex rules of a package's language that the rule set enables."""
        path = self._folder / "regex" / f"{source}.yaml"
        enabled = self._config.get(source, {}).get("regex", {}).get("rules", ())
        rows = (read_yaml(path) if path.is_file() else None) or []
        return [row for row in rows if row.get("pattern_id") in enabled]

    @cached_property
    def _config(self) -> dict[str, Any]:
        config = read_yaml(self._folder / "config.yaml")
        chosen: dict[str, Any] = config["config"][self._rule_set]
        return chosen

    @cached_property
    def unreadable_rules(self) -> frozenset[str]:
        """The rules that this semgrep cannot read, found by a run over trivial code. They are left
        out, and named in the fingerprint; otherwise no code of their language could be measured."""
        rules = [rule for found in self._rules.values() for rule in found]
        probes = [Snippet("", source_form(one).trivial, one) for one in sorted(self.languages)]
        scan = self._scan(probes, self._timeout_s, lambda scratch: _json_file(rules, scratch))
        with readable_output():
            return scan.unreadable_rules()

    def _write_rules(self, languages: frozenset[str], scratch: Path) -> Path:
        rules = [
            rule
            for language in sorted(languages)
            for rule in self._rules.get(language, ())
            if rule["id"] not in self.unreadable_rules
        ]
        return _json_file(rules, scratch)

    @cached_property
    def _ids(self) -> frozenset[str]:
        rules = [rule for found in self._rules.values() for rule in found]
        return frozenset(rule["id"].partition(".")[2] for rule in rules)

    def _known_ids(self) -> frozenset[str]:
        return self._ids

    def _counts(self, match: Match, snippet: Snippet) -> bool:
        """Regex rules do not know comments: a match in a comment line is no finding."""
        if not match["extra"]["metadata"].get("regex"):
            return True
        line = snippet.code.split("\n")[match["start"]["line"] - 1]
        before = line[: match["start"]["col"] - 1].lstrip()
        hash_comments = snippet.language in ("python", "php")
        return not (
            (hash_comments and before.startswith("#"))
            or (snippet.language != "python" and before.startswith("//"))
            or (snippet.language != "python" and before.startswith("/*") and "*/" not in before)
        )


def rules_folder(semgrep: str) -> Path:
    """The folder of codeshield's rules: the one that PURPCODE_CODESHIELD_RULES names, that of the
    installed package, or that of the package beside a semgrep executable; raises UnavailableError
    where there is none."""
    told = os.environ.get("PURPCODE_CODESHIELD_RULES")
    if told:
        folder = Path(told).expanduser()
        if not (folder / "config.yaml").is_file():
            raise UnavailableError(
                f"PURPCODE_CODESHIELD_RULES: {folder} does not hold codeshield's rules",
                hint="it must hold config.yaml, semgrep/ and regex/",
            )
        return folder
    spec = find_spec("codeshield")
    packages = (
        [Path(place).parent for place in (spec.submodule_search_locations or ())] if spec else []
    )
    packages += Path(semgrep).resolve().parent.parent.glob("lib/python3*/site-packages")
    for package in packages:
        folder = package / "codeshield" / "insecure_code_detector" / "rules"
        if (folder / "config.yaml").is_file():
            return folder
    raise UnavailableError("the analyzer codeshield finds no rules", hint=_INSTALL_HINT)


def _regex_rule(row: Mapping[str, str]) -> dict[str, Any]:
    """A regex rule of the package as a rule of semgrep."""
    return {
        "id": row["pattern_id"],
        "message": row["description"],
        "severity": _LEVELS.get(row["severity"].lower(), "WARNING"),
        "pattern-regex": row["rule"],
        "metadata": {"cwe_id": row["cwe_id"], "regex": True},
    }


def _json_file(rules: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    path = folder / "rules.json"
    path.write_text(json.dumps({"rules": rules}), "utf-8")
    return path
