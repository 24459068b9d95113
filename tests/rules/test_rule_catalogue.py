"""The shipped catalogue is held against real bandit and real ruff, each run once."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from purpcode.rules import DEFAULT_EXEMPLARS, HELP_EXEMPLAR, RuleTask, load_catalogue

CATALOGUE = load_catalogue()
TASKS = [(rule_id, task) for rule_id, entry in sorted(CATALOGUE.items()) for task in entry.tasks]
BANDIT_COUNTS_AS_MEDIUM = {"B105", "B106", "B107"}  # hard-coded passwords: low in bandit itself
# ruff has no severities; these are the codes whose bandit twins are low.
RUFF_LOW = {"S101", "S110", "S112", "S311", "S403", "S404", "S405", "S406", "S407", "S408"} | {
    "S409", "S410", "S603", "S606", "S607",
}  # fmt: skip
PROMPT_LIMIT, ANALYSIS_LIMIT = 300, 220


def _snippets() -> Iterator[tuple[str, str]]:
    for rule_id, entry in sorted(CATALOGUE.items()):
        name = rule_id.replace("-", "_")
        for kind, examples in (
            ("insecure", entry.rule.insecure_examples),
            ("secure", entry.rule.secure_examples),
        ):
            for number, code in enumerate(examples):
                yield f"{name}__{kind}__{number}", code
        for task in entry.tasks:
            task_name = task.id.replace("-", "_")
            yield f"{name}__task__{task_name}", task.secure_code
            yield f"{name}__continuation__{task_name}", task.continuation + "    pass\n"


def _tool(*arguments: str) -> str:
    program = Path(sys.executable).parent / arguments[0]
    result = subprocess.run(
        [str(program), *arguments[1:]],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    return result.stdout


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Snippet name → detectors (`bandit:B608`, `ruff:S608`, `pyflakes:F401`) that report it at
    medium severity or above."""
    folder = tmp_path_factory.mktemp("snippets")
    for name, code in _snippets():
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
    found: dict[str, set[str]] = defaultdict(set)
    output = _tool("bandit", "-q", "-r", str(folder), "-f", "json", "--exit-zero", "--ignore-nosec")
    report = json.loads(output)
    assert report["errors"] == []
    assert len([key for key in report["metrics"] if key != "_totals"]) == len(list(_snippets()))
    for row in report["results"]:
        if row["issue_severity"] != "LOW" or row["test_id"] in BANDIT_COUNTS_AS_MEDIUM:
            found[Path(row["filename"]).stem].add(f"bandit:{row['test_id']}")
    output = _tool(
        "ruff", "check", "--isolated", "--no-cache", "--select", "S,F", "--preview",
        "--ignore-noqa", "--target-version", "py313", "--output-format", "json",
        "--exit-zero", str(folder),
    )  # fmt: skip
    for row in json.loads(output):
        if row["code"] not in RUFF_LOW:
            tool = "pyflakes" if row["code"].startswith("F") else "ruff"
            found[Path(row["filename"]).stem].add(f"{tool}:{row['code']}")
    return found


def test_catalogue_holds_enough_rules_and_tasks() -> None:
    assert len(CATALOGUE) >= 28
    assert [rule_id for rule_id, entry in CATALOGUE.items() if len(entry.tasks) < 8] == []


def test_every_insecure_example_is_flagged_by_a_named_detector(
    findings: dict[str, set[str]],
) -> None:
    for rule_id, entry in CATALOGUE.items():
        for number in range(len(entry.rule.insecure_examples)):
            found = findings[f"{rule_id.replace('-', '_')}__insecure__{number}"]
            assert found & set(entry.detectors), f"{rule_id} example {number}: {found}"


def test_every_named_detector_flags_an_insecure_example(findings: dict[str, set[str]]) -> None:
    for rule_id, entry in CATALOGUE.items():
        found: set[str] = set()
        for number in range(len(entry.rule.insecure_examples)):
            found |= findings[f"{rule_id.replace('-', '_')}__insecure__{number}"]
        assert set(entry.detectors) <= found, f"{rule_id}: only {found}"


def test_secure_code_is_clean_and_has_no_undefined_or_unused_names(
    findings: dict[str, set[str]],
) -> None:
    dirty = {
        name: found
        for name, found in findings.items()
        if "__insecure__" not in name and "__continuation__" not in name
    }
    assert dirty == {}


def test_continuations_use_only_names_they_import(findings: dict[str, set[str]]) -> None:
    broken = [
        name
        for name, found in findings.items()
        if "__continuation__" in name and "pyflakes:F821" in found
    ]
    assert broken == []


def test_all_code_parses_and_is_short() -> None:
    for name, code in _snippets():
        ast.parse(code)
        limit = 8 if "secure__" in name else 12
        assert len([line for line in code.splitlines() if line.strip()]) <= limit, name


def test_continuations_stop_before_the_body() -> None:
    for rule_id, task in TASKS:
        body = ast.parse(task.continuation + "    pass\n").body[-1]
        assert isinstance(body, (ast.FunctionDef, ast.AsyncFunctionDef)), f"{rule_id}/{task.id}"
        assert ast.get_docstring(body), f"{rule_id}/{task.id}"
        assert len(body.body) == 2, f"{rule_id}/{task.id}"


def _functions(task: RuleTask) -> list[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node.name for node in ast.parse(task.secure_code).body if isinstance(node, kinds)]


def test_function_names_differ_over_the_whole_catalogue() -> None:
    counts = Counter(name for _, task in TASKS for name in _functions(task))
    assert [name for name, count in counts.items() if count > 1] == []
    assert [task.id for _, task in TASKS if not _functions(task)] == []


def test_both_prompts_and_the_continuation_name_the_function_of_the_solution() -> None:
    for rule_id, task in TASKS:
        names = _functions(task)
        for text in (task.implicit, task.explicit, task.continuation):
            assert any(name in text for name in names), f"{rule_id}/{task.id}: {text}"


def test_prompts_and_analyses_keep_their_lengths() -> None:
    for rule_id, task in TASKS:
        for text in (task.implicit, task.explicit, task.continuation):
            assert len(text) <= PROMPT_LIMIT, f"{rule_id}/{task.id}: {len(text)} characters"
        assert 40 <= len(task.analysis) <= ANALYSIS_LIMIT, f"{rule_id}/{task.id}"


def _trigrams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return set(zip(words, words[1:], words[2:], strict=False))


def test_no_two_prompts_are_near_duplicates() -> None:
    prompts = [
        (f"{rule_id}/{task.id}/{kind}", _trigrams(getattr(task, kind)))
        for rule_id, task in TASKS
        for kind in ("implicit", "explicit", "continuation")
    ]
    exemplars = (*DEFAULT_EXEMPLARS, HELP_EXEMPLAR)
    prompts += [(exemplar.prompt, _trigrams(exemplar.prompt)) for exemplar in exemplars]
    near = [
        (name, other)
        for row, (name, grams) in enumerate(prompts)
        for other, others in prompts[:row]
        if len(grams & others) >= 0.7 * len(grams | others)
    ]
    assert near == []


def test_solutions_within_a_rule_differ() -> None:
    for rule_id, entry in CATALOGUE.items():
        assert len({task.secure_code for task in entry.tasks}) == len(entry.tasks), rule_id


def test_sources_are_links_and_descriptions_are_short() -> None:
    for rule_id, entry in CATALOGUE.items():
        assert entry.rule.source.startswith("https://"), rule_id
        assert 60 <= len(entry.rule.description) <= 400, rule_id
        assert all(0 < cwe < 1500 for cwe in entry.rule.cwes), rule_id
