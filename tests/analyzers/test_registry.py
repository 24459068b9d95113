"""Names, profiles and arguments of analyzers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from purpcode.analyzers.registry import (
    ANALYZERS,
    PROFILES,
    analyzer_report,
    expand_profiles,
    open_analyzers,
)
from purpcode.errors import InputError, UnavailableError
from purpcode.oracles.settings import OracleSettings


def test_unknown_analyzer_lists_the_known_ones_and_the_profiles() -> None:
    with pytest.raises(InputError, match=r"bandit.*fast.*ruff.*thorough"):
        open_analyzers(["codeguru"])
    with pytest.raises(InputError, match="cannot be loaded"):
        open_analyzers(["nowhere.to_be:Found"])


def test_foreign_analyzer_is_named_by_module_and_attribute() -> None:
    [analyzer] = open_analyzers(["purpcode.analyzers.ruff:Ruff"])
    assert analyzer.name == "ruff"


def test_report_has_a_row_with_advice_for_every_analyzer_that_needs_no_argument() -> None:
    rows = {name: (available, detail) for name, available, detail in analyzer_report()}
    assert rows.keys() == ANALYZERS.keys() - {"semgrep"}
    assert rows["bandit"][0]
    assert rows["ruff"][0]
    assert all(detail for _, detail in rows.values())


def test_profile_stands_for_its_analyzers_each_once_and_in_order() -> None:
    assert expand_profiles(["ruff", "fast", "codeql", "thorough"]) == (
        *("ruff", "bandit", "purpcode", "codeql", "codeshield"),
    )
    assert set(PROFILES["fast"]) < set(PROFILES["thorough"])


def test_settings_take_profiles_among_names() -> None:
    assert OracleSettings(analyzers=("fast", "codeql")).analyzers == ("fast", "codeql")


def test_profile_opens_its_analyzers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROFILES, "fast", ("bandit", "ruff"))
    assert [one.name for one in open_analyzers(["ruff", "fast"], workers=1)] == ["ruff", "bandit"]


def test_every_name_leads_to_a_class_of_that_name() -> None:
    import importlib

    for name, place in ANALYZERS.items():
        module, _, attribute = place.partition(":")
        if name == "purpcode":
            continue
        made = getattr(importlib.import_module(module), attribute)
        assert getattr(made, "name", name) == name


def test_argument_where_none_is_taken_is_refused() -> None:
    for name in ("bandit:x", "codeql:", "semgrep:"):
        with pytest.raises(InputError, match="is no analyzer"):
            open_analyzers([name])
    with pytest.raises(InputError, match="needs rules"):
        open_analyzers(["semgrep"])


def test_semgrep_without_such_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        open_analyzers([f"semgrep:{tmp_path}/nowhere"])
    with pytest.raises(InputError, match="there are no semgrep rules"):
        open_analyzers([f"semgrep:{tmp_path}"])
    (tmp_path / "bad.yaml").write_text("rules: [1]")
    with pytest.raises(InputError, match=r"bad\.yaml.*field 'rules'"):
        open_analyzers([f"semgrep:{tmp_path}"])
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(InputError, match="cannot be read"):
        open_analyzers([f"semgrep:{tmp_path}"])


def test_unknown_rule_set_is_refused_before_anything_runs() -> None:
    with pytest.raises(InputError, match="no rule set 'all'"):
        open_analyzers(["codeshield:all"])


def test_tool_named_by_a_variable_that_does_not_exist_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text("config: {cyberseceval: {}, codeshield: {}}")
    for variable, name in {"PURPCODE_PYRE": "pysa", "PURPCODE_CODEQL": "codeql"}.items():
        monkeypatch.setenv(variable, "/nonexistent/tool")
        with pytest.raises(UnavailableError, match=f"the analyzer {name} does not run") as caught:
            open_analyzers([name])
        assert variable in (caught.value.hint or "")


def test_folder_without_codeshield_rules_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PURPCODE_CODESHIELD_RULES", str(tmp_path))
    with pytest.raises(UnavailableError, match="does not hold codeshield's rules"):
        open_analyzers(["codeshield"])


def test_importing_the_registry_imports_no_analyzer_and_no_yaml() -> None:
    code = (
        "import sys, purpcode.analyzers.registry; "
        "print([m for m in sys.modules if m in ('yaml', 'bandit', 'libcst')"
        " or m.startswith('purpcode.analyzers.') and m.split('.')[2] in"
        " ('bandit', 'ruff', 'semgrep', 'codeshield', 'pysa', 'codeql')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"
