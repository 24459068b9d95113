"""Every rule against its own examples, and the shape of what a rule says."""

from __future__ import annotations

import pytest

from purpcode.analyzers.flow.findings import find_weaknesses
from purpcode.analyzers.flow.rule import FlowRule
from purpcode.analyzers.flow.rules import load_rules

RULES = load_rules()
EXAMPLES = [
    pytest.param(rule, kind, example, id=f"{rule.id}-{kind}-{number}")
    for rule in RULES
    for kind in ("insecure", "secure")
    for number, example in enumerate(getattr(rule, kind))
]


@pytest.mark.parametrize(("rule", "kind", "example"), EXAMPLES)
def test_insecure_examples_are_found_and_secure_ones_are_clean(
    rule: FlowRule, kind: str, example: str
) -> None:
    counted = ("low", "medium", "high", "critical")
    least = 0 if rule.severity == "low" else 1
    found = [
        one for one in find_weaknesses(example, [rule]) if counted.index(one.severity) >= least
    ]
    assert bool(found) == (kind == "insecure"), found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_it_means_and_proves_it(rule: FlowRule) -> None:
    assert rule.cwes
    assert all(number > 0 for number in rule.cwes)
    assert len(rule.insecure) >= 3
    assert len(rule.secure) >= 3
    assert len({*rule.insecure, *rule.secure}) == len(rule.insecure) + len(rule.secure)
    assert rule.reference.startswith("https://")
    for text in (rule.title, rule.severity_reason, rule.fix):
        assert text.strip()
    assert rule.severity_reason.endswith(".")
    assert rule.fix.endswith(".")


def test_secure_examples_are_clean_under_every_rule_that_matters() -> None:
    """A secure example of one rule must not be another rule's weakness."""
    wrong = [
        (rule.id, number, found.rule_id, found.line)
        for rule in RULES
        for number, example in enumerate(rule.secure)
        for found in find_weaknesses(example)
        if found.severity != "low"
    ]
    assert wrong == []


def test_no_rule_looks_at_a_program_without_code() -> None:
    assert find_weaknesses("") == []
    assert find_weaknesses("# only a comment\n") == []
