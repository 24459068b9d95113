"""Files of semgrep rules: which there are, what they hold, and the languages they read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from purpcode.analyzers.source_forms import SOURCE_FORMS
from purpcode.errors import InputError

_NAMES = {
    "py": "python",
    "python2": "python",
    "python3": "python",
    "js": "javascript",
    "ts": "typescript",
    "c++": "cpp",
    "c#": "csharp",
    "cs": "csharp",
    "golang": "go",
    "kt": "kotlin",
    "rb": "ruby",
    "rs": "rust",
    "sh": "bash",
}
"""What semgrep's rules call a language → our name for it."""
_ANY_TEXT = {"generic", "regex", "none"}
"""Languages of rules that semgrep runs over any file."""


def read_yaml(path: Path) -> Any:
    """The content of a YAML or JSON file; raises InputError if it cannot be read."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(path.read_text("utf-8"), Loader=loader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"cannot be read: {error}".splitlines()[0], path=path) from None


def read_rules(path: Path) -> list[dict[str, Any]]:
    """The rules of a semgrep rule file (YAML or JSON); raises InputError if it cannot be read."""
    content = read_yaml(path)
    rules = content.get("rules") if isinstance(content, dict) else None
    if rules is None:
        return []  # another YAML file that lies among the rules
    if not isinstance(rules, list) or not all(isinstance(r, dict) and "id" in r for r in rules):
        raise InputError("every rule must be a table with an id", path=path, field="rules")
    return rules


def rule_languages(rule: Mapping[str, Any]) -> frozenset[str]:
    """The languages a rule reads, by our names."""
    named = {str(name).lower() for name in rule.get("languages") or ()}
    if named & _ANY_TEXT:
        return frozenset(SOURCE_FORMS)
    return frozenset(_NAMES.get(name, name) for name in named) & frozenset(SOURCE_FORMS)


def file_digest(paths: Sequence[Path]) -> str:
    """A short hash of the content of files."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def rule_paths(rules: Path) -> list[Path]:
    """The files of a file or folder of rules; raises InputError where there is neither."""
    if rules.is_file():
        return [rules]
    if not rules.is_dir():
        raise InputError("there is no such file or folder of semgrep rules", path=rules)
    endings = {".yaml", ".yml", ".json"}
    return sorted(
        path for path in rules.rglob("*") if path.suffix.lower() in endings and path.is_file()
    )
