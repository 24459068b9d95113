"""The severity table against the tools' real rule lists."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from purpcode.analyzers.severity import RuleMeaning, rule_meaning, rule_meanings, table_digest
from purpcode.types import SEVERITIES


def bandit_rules() -> dict[str, str | None]:
    """Rule id → native level of the blacklist rules, None for plugins."""
    from bandit.core import extension_loader

    manager = extension_loader.MANAGER
    plugins = {plugin.plugin._test_id: None for plugin in manager.plugins}
    return plugins | {key: row["level"].lower() for key, row in manager.blacklist_by_id.items()}


def ruff_rules() -> set[str]:
    command = [sys.executable, "-m", "ruff", "rule", "--all", "--output-format", "json"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return {rule["code"] for rule in listed if re.fullmatch(r"S\d+", rule["code"] or "")}


def test_every_bandit_rule_is_mapped() -> None:
    assert bandit_rules().keys() - {rule for tool, rule in rule_meanings() if tool == "bandit"} == (
        set()
    )


def test_every_ruff_security_rule_is_mapped() -> None:
    known = {rule for tool, rule in rule_meanings() if tool == "ruff"}
    assert ruff_rules() - known == set()
    assert known - ruff_rules() == set(), "the table maps rules that ruff does not have"


def test_every_row_has_cwes_and_a_known_severity() -> None:
    for key, meaning in rule_meanings().items():
        assert meaning.cwes, key
        assert all(0 < cwe < 2000 for cwe in meaning.cwes), key
        assert meaning.severity in SEVERITIES, key


def test_blacklist_rules_keep_bandits_level_unless_fixed() -> None:
    for rule_id, level in bandit_rules().items():
        meaning = rule_meaning("bandit", rule_id)
        if level is not None and not meaning.fixed:
            assert meaning.severity == level, rule_id


@pytest.mark.parametrize("rule_id", ["B105", "B106", "B107"])
def test_hard_coded_passwords_are_medium_unless_empty(rule_id: str) -> None:
    meaning = rule_meaning("bandit", rule_id)
    assert meaning.severity_of("Possible hardcoded password: 'hunter2'", "low") == "medium"
    assert meaning.severity_of("Possible hardcoded password: ''", "low") == "low"


def test_imports_are_low_whatever_the_tool_says() -> None:
    assert rule_meaning("bandit", "B413").severity_of("pycrypto", "high") == "low"


def test_native_severity_wins_where_the_row_is_not_fixed() -> None:
    assert rule_meaning("bandit", "B602").severity_of("seems safe", "low") == "low"
    assert rule_meaning("bandit", "B103").severity_of("mode 0777", "high") == "high"


def test_unmapped_rule_is_not_harmless() -> None:
    assert rule_meaning("ruff", "S999") == RuleMeaning("ruff:S999", (), "medium")


def test_table_digest_is_stable_within_a_run() -> None:
    assert table_digest() == table_digest()
    assert len(table_digest()) == 16
