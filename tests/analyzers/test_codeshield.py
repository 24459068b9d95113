"""codeshield's rules and a user's own, on the real semgrep where this machine has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from purpcode.analyzers.analyzer import Snippet
from purpcode.analyzers.codeshield import CodeShield
from purpcode.analyzers.registry import open_analyzers
from purpcode.analyzers.semgrep import Semgrep
from purpcode.analyzers.semgrep_rules import read_rules, rule_languages
from purpcode.analyzers.severity import cwe_numbers, rule_meanings
from purpcode.errors import InputError, UnavailableError
from purpcode.types import SEVERITIES

WEAK = {
    "python": "import subprocess\nsubprocess.run(command, shell=True)\n",
    "c": "void f(char *s) {\n    char b[4];\n    strcpy(b, s);\n}\n",
    "cpp": "void f(char *s) {\n    char b[4];\n    strcpy(b, s);\n}\n",
    "csharp": "class A {\n    void F() { var hash = new MD5CryptoServiceProvider(); }\n}\n",
    "java": 'class A {\n    Object f() { return Cipher.getInstance("DES"); }\n    Object g()'
    ' throws Exception { return MessageDigest.getInstance("MD5"); }\n}\n',
    "javascript": "const cp = require('child_process');\nfunction f(a) { cp.exec(a); }\n",
    "typescript": "const cp = require('child_process');\nfunction f(a: string) { cp.exec(a); }\n",
    "php": "<?php\nsystem($_GET['x']);\n",
    "rust": "fn main() {\n    let c = Command::new(name);\n}\n",
}


@pytest.fixture(scope="module")
def shield() -> CodeShield:
    try:
        [opened] = open_analyzers(["codeshield"], workers=1)
    except UnavailableError as error:
        pytest.skip(error.message)
    assert isinstance(opened, CodeShield)
    return opened


def test_every_language_has_its_weakness_found_in_one_batch(shield: CodeShield) -> None:
    assert shield.languages == WEAK.keys()
    results = shield.analyze([Snippet(name, code, name) for name, code in WEAK.items()])
    assert {one.snippet_id: one.error for one in results} == dict.fromkeys(WEAK)
    for result in results:
        assert any(SEVERITIES.index(one.severity) >= 1 for one in result.findings), result
        assert all(one.cwes for one in result.findings), result


def test_regex_rules_pass_over_comment_lines_but_not_over_what_follows_a_comment(
    shield: CodeShield,
) -> None:
    hidden, shown, python = shield.analyze(
        [
            Snippet("a", "// gets(b);\n", "c"),
            Snippet("b", "/* x */ gets(b);\n", "c"),
            Snippet("c", "import hashlib\n# hashlib.md5(x)\nhashlib.sha1(x)\n"),
        ]
    )
    assert hidden.findings == ()
    assert [one.rule_id for one in shown.findings] == ["bugprone-gets"]
    assert [(one.rule_id, one.line) for one in python.findings] == [("insecure-sha1-hash-usage", 3)]


def test_same_weakness_is_reported_once(shield: CodeShield) -> None:
    [result] = shield.analyze([Snippet("a", WEAK["typescript"], "typescript")])
    places = [(one.rule_id, one.line, one.message) for one in result.findings]
    assert len(places) == len(set(places))


def test_rules_that_semgrep_cannot_read_are_left_out_and_named(shield: CodeShield) -> None:
    for rule in shield.unreadable_rules:
        assert rule in shield.fingerprint()
    assert len(shield.unreadable_rules) < 3


def test_code_in_a_language_without_rules_is_not_clean(shield: CodeShield) -> None:
    [result] = shield.analyze([Snippet("a", "package main", "go")])
    assert result.error is not None


def test_table_names_only_rules_that_exist_and_every_rule_has_cwes(shield: CodeShield) -> None:
    rules = {
        re.sub(r"^\w+\.", "", rule["id"]): rule
        for found in shield._rules.values()
        for rule in found
    }
    mapped = {rule for tool, rule in rule_meanings() if tool == "codeshield"}
    assert mapped - rules.keys() == set()
    for rule_id in rules.keys() - mapped:
        metadata = rules[rule_id]["metadata"]
        assert cwe_numbers(metadata.get("cwe_id"), metadata.get("cwe")), rule_id


def test_both_rule_sets_are_read_and_differ(shield: CodeShield) -> None:
    [guard] = open_analyzers(["codeshield:codeshield"], workers=1)
    assert guard.name == "codeshield:codeshield"
    assert guard.languages < shield.languages
    assert guard.fingerprint() != shield.fingerprint()


def test_rule_of_a_user_that_semgrep_refuses_is_named(shield: CodeShield, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    rule = "{id: mine, languages: [python], severity: ERROR, message: m, pattern: 'f((('}"
    path.write_text(f"rules: [{rule}]")
    with pytest.raises(InputError, match=r"does not take these rules.*mine"):
        open_analyzers([f"semgrep:{path}"], workers=1)


def test_rules_of_a_folder_of_folders_keep_their_ids(shield: CodeShield, tmp_path: Path) -> None:
    (tmp_path / "a.b" / "tests").mkdir(parents=True)
    for language, code in (("python", "f(...)"), ("js", "g(...)"), ("go", "h(...)")):
        text = f"{{id: my.{language}, languages: [{language}], severity: INFO, message: m, "
        (tmp_path / "a.b" / "tests" / f"{language}.yml").write_text(
            f"rules: [{text}pattern: '{code}'}}]"
        )
    (tmp_path / "notes.yaml").write_text("title: no rules here")
    [own] = open_analyzers([f"semgrep:{tmp_path}"], workers=1)
    assert own.languages == {"python", "javascript", "go"}
    results = own.analyze(
        [
            Snippet("a", "f(1)"),
            Snippet("b", "g(1)", "javascript"),
            Snippet("c", "package a\nfunc x() { h(1) }\n", "go"),
        ]
    )
    assert [[one.rule_id for one in result.findings] for result in results] == [
        *(["my.python"], ["my.js"], ["my.go"]),
    ]
    assert {one.error for one in results} == {None}


def test_languages_of_rules_by_our_names(tmp_path: Path) -> None:
    assert rule_languages({"languages": ["py", "C#", "golang", "dockerfile"]}) == {
        *("python", "csharp", "go"),
    }
    assert {"python", "rust"} < rule_languages({"languages": ["generic"]})
    path = tmp_path / "r.json"
    path.write_text('{"rules": [{"id": "a", "languages": ["ts"]}]}')
    assert read_rules(path) == [{"id": "a", "languages": ["ts"]}]
    assert Semgrep(rules=path).languages == {"typescript"}
