"""The coverage page and listing say what the rules say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from purpcode.analyzers.coverage import coverage, unseen_cwes
from purpcode.analyzers.flow.rules import load_rules

ROOT = Path(__file__).parents[2]


def test_at_least_ninety_weaknesses_have_a_rule_with_paired_examples() -> None:
    paired = [cwe for cwe, one in coverage().items() if one.own_rules and one.examples >= 3]
    assert len(paired) >= 90


def test_a_weakness_is_measured_or_said_to_be_unseen_never_both() -> None:
    assert not unseen_cwes().keys() & {cwe for rule in load_rules() for cwe in rule.cwes}


def test_the_page_in_the_documentation_is_current() -> None:
    script = ROOT / "scripts" / "write_coverage_table.py"
    done = subprocess.run([sys.executable, str(script), "--check"], check=False)
    assert done.returncode == 0, "run: python scripts/write_coverage_table.py"
