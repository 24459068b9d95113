"""Recipes: located errors with the likely fix, profiles, overrides, and what ships."""

from __future__ import annotations

import json
import re
import string
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from purpcode.errors import InputError
from purpcode.recipe import Recipe, load_recipe, lock, merge, parse_override, settings_rows

SHIPPED = sorted((Path(__file__).parent.parent / "recipes").rglob("*.toml"))


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(path: Path, **more: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        load_recipe(path, **more)
    return caught.value


# --- what is wrong, where, and what to do ------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "field", "hint"),
    [
        ('name = "x"\n\n[rl]\nlearning_rat = 1e-6\n', 4, "rl.learning_rat", "'learning_rate'"),
        ('name = "x"\nsede = 1\n', 2, "sede", "'seed'"),
        ('name = "x"\n[distil]\nsamples = 2\n', 2, "distil", "'distill'"),
        ('name = "x"\nrl.updatez = 3\n', 2, "rl.updatez", "'updates'"),
        ('name = "x"\nrl = { updatez = 3 }\n', 2, "rl.updatez", "'updates'"),
        ('name = "x"\n[sft]\nqqqqqq = 1\n', 3, "sft.qqqqqq", "Known fields: epochs, "),
    ],
)
def test_unknown_field_names_its_line_and_the_likely_one(
    tmp_path: Path, text: str, line: int, field: str, hint: str
) -> None:
    path = write(tmp_path, text)
    error = refused(path)
    assert (error.path, error.line, error.field) == (path, line, field)
    assert "unknown field" in error.message
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        ('name = "x"\n[rl]\n# updates = 1\nupdates = "many"\n', 4, "rl.updates"),
        ('name = "x"\nseed = -1\n', 2, "seed"),
        ('name = "no/slash"\n', 1, "name"),
        ('name = "x"\nrl = 3\n', 2, "rl"),
        ('name = "x"\n[eval]\nmodels = ["base", "nope"]\n', 3, "eval.models.1"),
        ('name = "x"\n[ "oracles" ]\nmin_severity = "none"\n', 3, "oracles.min_severity"),
        ("seed = 1\n", None, "name"),
    ],
)
def test_wrong_value_names_its_line(
    tmp_path: Path, text: str, line: int | None, field: str
) -> None:
    error = refused(write(tmp_path, text))
    assert (error.line, error.field) == (line, field)


def test_further_problems_are_counted(tmp_path: Path) -> None:
    text = 'name = "x"\n[rl]\nupdates = 0\nlearning_rate = 0\ngroups_per_update = 0\n'
    assert "(and 2 more problems)" in refused(write(tmp_path, text)).message


def test_wrong_value_of_a_profile_is_shown_there_and_not_in_the_section(tmp_path: Path) -> None:
    text = 'name = "x"\n[rl]\nupdates = 4\n\n[profiles.small]\nrl = { updates = "few" }\n'
    error = refused(write(tmp_path, text), profile="small")
    assert (error.line, error.field) == (6, "rl.updates")
    nested = 'name = "x"\n[rl]\nupdates = 4\n[profiles.small.rl]\nupdates = "few"\n'
    assert refused(write(tmp_path, nested), profile="small").line == 5


def test_wrong_override_is_blamed_and_not_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'name = "x"\n[rl]\nupdates = 4\n')
    error = refused(path, overrides=["seed=3", "rl.updates=many"])
    assert error.message.startswith("--set rl.updates=many: field 'rl.updates': ")
    assert error.line is None
    error = refused(path, overrides=["rl.update=3"])
    assert "--set rl.update=3" in error.message
    assert error.hint == "Did you mean 'updates'?"
    assert refused(path, overrides=["rl=3"]).message.startswith("--set rl=3")


def test_file_is_blamed_when_an_override_is_fine(tmp_path: Path) -> None:
    path = write(tmp_path, 'name = "x"\n[rl]\nupdates = "many"\n')
    assert refused(path, overrides=["rl.learning_rate=1e-6", "seed=1"]).line == 3


def test_malformed_toml_names_its_line(tmp_path: Path) -> None:
    error = refused(write(tmp_path, 'name = "x"\nseed = 1\n\n[rl\nupdates = 3\n'))
    assert error.line == 4
    assert "is not TOML" in error.message


def test_missing_folder_and_binary_recipes_are_input_errors(tmp_path: Path) -> None:
    assert "no such recipe" in refused(tmp_path / "nowhere.toml").message
    assert "cannot be read" in refused(tmp_path).message
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in refused(tmp_path / "binary.toml").message


# --- profiles and overrides --------------------------------------------------------------------

LAYERED = """
name = "x"
model = "embedded/micro"
[rl]
updates = 4
learning_rate = 1e-5
[profiles.small]
seed = 7
rl = { updates = 2 }
"""


def test_profile_is_laid_over_field_by_field_and_only_when_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, LAYERED)
    plain, small = load_recipe(path), load_recipe(path, profile="small")
    assert (plain.seed, plain.rl.updates, plain.rl.learning_rate) == (0, 4, 1e-5)
    assert (small.seed, small.rl.updates, small.rl.learning_rate) == (7, 2, 1e-5)


def test_overrides_win_over_the_profile_and_the_last_one_wins(tmp_path: Path) -> None:
    overrides = ["rl.updates=9", "rl.updates=8", "rl.updates=9", "model=some/folder"]
    recipe = load_recipe(write(tmp_path, LAYERED), profile="small", overrides=overrides)
    assert (recipe.rl.updates, recipe.seed, recipe.model) == (9, 7, "some/folder")


def test_unknown_profile_lists_the_known_ones(tmp_path: Path) -> None:
    error = refused(write(tmp_path, LAYERED), profile="large")
    assert "no profile 'large' (profiles: small)" in error.message
    assert "(profiles: none)" in refused(write(tmp_path, 'name = "x"\n'), profile="a").message


@pytest.mark.parametrize("text", ['name = "x"\nprofiles = 3\n', 'name = "x"\n[profiles]\na = 3\n'])
def test_profile_that_is_no_table_is_no_profile(tmp_path: Path, text: str) -> None:
    assert "no profile 'a'" in refused(write(tmp_path, text), profile="a").message


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("rl.learning_rate=1e-6", {"rl": {"learning_rate": 1e-6}}),
        ("seed=3", {"seed": 3}),
        ("sft.autocast_bf16=true", {"sft": {"autocast_bf16": True}}),
        ("oracles.judge=openai/gpt", {"oracles": {"judge": "openai/gpt"}}),
        ('oracles.analyzers=["bandit"]', {"oracles": {"analyzers": ["bandit"]}}),
        (" model = a=b ", {"model": "a=b"}),
    ],
)
def test_override_value_is_toml_and_a_bare_word_is_text(text: str, table: dict[str, Any]) -> None:
    assert parse_override(text) == table


@pytest.mark.parametrize("text", ["", "rl", "=3", "rl.=3", ".updates=3", " =3"])
def test_override_without_a_field_and_a_value_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"expected section\.field=value"):
        parse_override(text)


TABLES = st.recursive(
    st.dictionaries(st.sampled_from("abc"), st.integers(), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), st.integers() | inner, max_size=3),
)


@given(TABLES, TABLES)
def test_merging_keeps_the_upper_table_and_forgets_nothing_it_is_silent_on(
    base: dict[str, Any], over: dict[str, Any]
) -> None:
    before = json.dumps(base)
    merged = merge(base, over)
    assert json.dumps(base) == before
    assert merge(merged, over) == merged
    assert set(merged) == {*base, *over}
    assert all(merged[key] == base[key] for key in base if key not in over)


# --- what ships, what is locked, what is listed --------------------------------------------------


def shipped_profiles() -> list[tuple[Path, str | None]]:
    cases: list[tuple[Path, str | None]] = []
    for path in SHIPPED:
        profiles = tomllib.loads(path.read_text(encoding="utf-8")).get("profiles", {})
        cases += [(path, None), *((path, name) for name in profiles)]
    return cases


@pytest.mark.parametrize(
    ("path", "profile"), shipped_profiles(), ids=lambda it: it.stem if isinstance(it, Path) else it
)
def test_shipped_recipe_loads_under_every_profile(path: Path, profile: str | None) -> None:
    recipe = load_recipe(path, profile=profile)
    assert recipe.name == path.stem
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


def test_recipes_ship() -> None:
    assert "quickstart-cpu" in {path.stem for path in SHIPPED}


def test_every_field_is_listed_with_its_default_and_what_it_does() -> None:
    rows = {field: (default, doc) for field, default, doc in settings_rows()}
    wanted = set()
    for name, field in Recipe.model_fields.items():
        section = field.annotation
        nested = isinstance(section, type) and issubclass(section, BaseModel)
        wanted |= {f"{name}.{key}" for key in section.model_fields} if nested else {name}  # type: ignore[union-attr]
    assert set(rows) == wanted
    assert not [field for field, (_, doc) in rows.items() if len(doc.split()) < 2]
    assert not [field for field, (default, _) in rows.items() if "Undefined" in default]
    assert rows["name"][0] == "required"
    assert rows["rl.completions_per_prompt"][0] == "8"


@given(st.text(string.ascii_letters + "._-/ \n\\é", min_size=1, max_size=12))
def test_run_name_is_always_one_plain_folder_name(name: str) -> None:
    try:
        recipe = Recipe(name=name)
    except ValueError:
        return
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", recipe.name)


def test_lock_holds_the_whole_recipe_the_versions_and_the_facts() -> None:
    recipe = Recipe(name="x", seed=5)
    locked = json.loads(json.dumps(lock(recipe, model_digest="abc")))
    assert Recipe.model_validate(locked["recipe"]) == recipe
    assert locked["seed"] == 5
    assert locked["model_digest"] == "abc"
    assert {"python", "torch", "trl", "purpcode"} <= set(locked["versions"])
    assert "not installed" not in locked["versions"].values()


def test_lock_names_no_commit_of_a_checkout_that_is_not_purpcode_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import purpcode.recipe

    ours = purpcode.recipe.__file__
    if lock(Recipe(name="x"))["git_commit"] is None:
        pytest.skip("not run from a checkout")
    monkeypatch.setattr(purpcode.recipe, "__file__", str(Path(ours).with_name("foreign.py")))
    assert lock(Recipe(name="x"))["git_commit"] is None
