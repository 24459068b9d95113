"""A catalogue folder of one's own, and what is said about broken files."""

from __future__ import annotations

from pathlib import Path

import pytest

from purpcode.errors import InputError
from purpcode.rules import load_catalogue, load_rules

RULE = """
id = "no-print"
cwes = [532]
title = "Secrets printed"
description = "Printed secrets end up in logs."
source = "https://cwe.mitre.org/data/definitions/532.html"
detectors = ["own:P1"]
insecure_examples = ["print(password)"]
secure_examples = ["pass"]

[[tasks]]
id = "greet"
implicit = "Write `greet()`."
explicit = "Write `greet()` that prints the password."
continuation = "def greet():"
analysis = "Passwords do not belong in logs."
secure_code = "def greet():\\n    print('hello')"
"""


def _write(folder: Path, text: str, name: str = "no-print.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_folder_of_rules_is_loaded_by_id(tmp_path: Path) -> None:
    _write(tmp_path, RULE)
    entry = load_catalogue(tmp_path)["no-print"]
    assert entry.rule.cwes == (532,)
    assert entry.rule.languages == ("python",)
    assert entry.detectors == ("own:P1",)
    assert [task.id for task in entry.tasks] == ["greet"]
    assert load_rules(tmp_path) == [entry.rule]


def test_changing_the_returned_dictionary_leaves_the_shipped_catalogue_alone() -> None:
    catalogue = load_catalogue()
    catalogue.clear()
    assert load_catalogue()
    assert [rule.id for rule in load_rules()] == sorted(load_catalogue())


@pytest.mark.parametrize(
    ("old", "new", "field", "message"),
    [
        ('title = "Secrets', 'titel = "x"\ntitle = "Secrets', "titel", "not permitted"),
        ("implicit =", "implict =", "tasks.0.implicit", "required"),
        ("[[tasks]]", 'severity = "low"\n[[tasks]]', "severity", "not permitted"),
        ('id = "greet"', 'id = "greet"\nlevel = 1', "tasks.0.level", "not permitted"),
        ("cwes = [532]", 'cwes = ["CWE-532"]', "cwes.0", "integer"),
        ('"own:P1"', '"P1"', "detectors.0", "pattern"),
        ("[532]", "[]", "cwes", "at least 1"),
        (
            'analysis = "Passwords do not belong in logs."',
            'analysis = ""',
            "tasks.0.analysis",
            "at least 1",
        ),
        ('id = "no-print"', 'id = "other"', "id", "not the file's name"),
    ],
)
def test_an_unfit_field_is_named_with_its_file(
    tmp_path: Path, old: str, new: str, field: str, message: str
) -> None:
    assert RULE.count(old) == 1
    path = _write(tmp_path, RULE.replace(old, new))
    with pytest.raises(InputError, match=message) as caught:
        load_catalogue(tmp_path)
    assert caught.value.path == path
    assert caught.value.field == field
    assert str(path) in str(caught.value)


def test_broken_toml_is_named_with_file_and_line(tmp_path: Path) -> None:
    path = _write(tmp_path, RULE.replace("cwes = [532]", "cwes = [532"))
    with pytest.raises(InputError, match=r"malformed TOML.*line \d+") as caught:
        load_catalogue(tmp_path)
    assert caught.value.path == path


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "no-print.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(InputError, match=r"no-print.toml: is not UTF-8"):
        load_catalogue(tmp_path)


def test_task_ids_must_differ_within_a_rule(tmp_path: Path) -> None:
    task = RULE[RULE.index("[[tasks]]") :]
    _write(tmp_path, RULE + task)
    with pytest.raises(InputError, match="greet"):
        load_catalogue(tmp_path)


@pytest.mark.parametrize("name", ["", "missing"])
def test_a_folder_without_rules_is_an_input_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="holds no rules"):
        load_catalogue(tmp_path / name)
