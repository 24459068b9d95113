"""The typed recipe: TOML in, one frozen object out, and its locked form beside the results."""

from __future__ import annotations

import difflib
import itertools
import platform
import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from purpcode.errors import InputError
from purpcode.evals.results import Prices
from purpcode.evals.settings import SuiteSettings
from purpcode.oracles.settings import OracleSettings
from purpcode.redteam.settings import RedteamSettings
from purpcode.rl.settings import RLSettings
from purpcode.rule_learning.settings import DistillSettings, SelectSettings, SftSettings

LOCKED_PACKAGES = (
    "purpcode", "torch", "transformers", "trl", "accelerate", "datasets", "inspect-ai",
    "bandit", "ruff", "pydantic", "tokenizers", "safetensors",
)  # fmt: skip
"""Packages whose version can change a result."""


class Recipe(BaseModel):
    """Everything that decides a run's outcome. Unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Name of the run folder."""
    seed: int = Field(0, ge=0)
    """Seeds data, sampling and training."""
    model: str = "embedded/smollm2-135m"
    """The policy: an embedded model, a local folder, or a Hub id."""
    redteam: RedteamSettings = RedteamSettings()
    distill: DistillSettings = DistillSettings()
    oracles: OracleSettings = OracleSettings()
    select: SelectSettings = SelectSettings()
    sft: SftSettings = SftSettings()
    rl: RLSettings = RLSettings()
    eval: SuiteSettings = SuiteSettings()
    prices: Prices = Prices()


def load_recipe(path: Path, *, profile: str | None = None, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe, lay a profile's table over it, then `section.field=value` overrides.

    Raises:
        InputError: naming file, line and field of whatever is wrong, with the likely fix.
    """
    text = _read(path)
    table = _parse(text, path)
    over = _profile(table.pop("profiles", {}), profile, path)
    table = merge(table, over)
    changes = [(override, parse_override(override)) for override in overrides]
    for _, change in changes:
        table = merge(table, change)
    try:
        return Recipe.model_validate(table)
    except ValidationError as error:
        location = [str(part) for part in error.errors()[0]["loc"]]
        for override, change in reversed(changes):
            if _sets(change, location):
                raise _located(error, place=f"--set {override}") from None
        if profile is not None and _sets(over, location):
            location = ["profiles", profile, *location]
        raise _located(error, place=path, line=_line_of(text, location)) from None


def _profile(profiles: Any, name: str | None, path: Path) -> dict[str, Any]:
    if name is None:
        return {}
    tables = profiles if isinstance(profiles, dict) else {}
    if not isinstance(tables.get(name), dict):
        known = ", ".join(sorted(tables)) or "none"
        raise InputError(f"has no profile '{name}' (profiles: {known})", path=path)
    return dict(tables[name])


def _sets(table: Mapping[str, Any], location: Sequence[str]) -> bool:
    """Whether a table gives the value at a location, or one that the location lies in."""
    value: Any = table
    for part in location:
        if not isinstance(value, Mapping):
            return True
        if part not in value:
            return False
        value = value[part]
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("no such recipe", path=path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", path=path) from None


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+)", str(error))
        line = int(place.group(1)) if place else None
        raise InputError(f"is not TOML: {error}", path=path, line=line) from None


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `over` laid on it, table by table."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(below, value) if both else value  # type: ignore[arg-type]
    return merged


def parse_override(text: str) -> dict[str, Any]:
    """`"rl.learning_rate=1e-6"` as nested tables. The value is TOML; a bare word is a string.

    Raises:
        InputError: there is no `=`, or no field name before it.
    """
    field, equals, raw = text.partition("=")
    keys = [key.strip() for key in field.split(".")]
    if not equals or not all(keys):
        raise InputError(f"--set {text}: expected section.field=value")
    try:
        value: Any = tomllib.loads(f"value = {raw.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = raw.strip()
    for key in reversed(keys):
        value = {key: value}
    return dict(value)


def _located(error: ValidationError, *, place: Path | str, line: int | None = None) -> InputError:
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    message, hint = first["msg"], None
    if first["type"] == "extra_forbidden":
        message = "unknown field"
        known = _fields_of(location[:-1])
        close = difflib.get_close_matches(location[-1], known, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else f"Known fields: {', '.join(known)}"
    more = len(error.errors()) - 1
    message += f" (and {more} more problem{'s' * (more > 1)})" if more else ""
    return InputError(message, path=place, line=line, field=".".join(location), hint=hint)


def _fields_of(location: Sequence[str]) -> list[str]:
    model: type[BaseModel] = Recipe
    for part in location:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)


def _line_of(text: str, location: Sequence[str]) -> int | None:
    """The line that sets a field, or the inline table, array or `[section]` the field lies in."""
    section: list[str] = []
    found, depth = None, 0
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        setting = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if header:
            section = _keys(header.group(1))
        elif not setting:
            continue
        here = section if header else [*section, *_keys(setting.group(1))] if setting else []
        if depth < len(here) and here == list(location[: len(here)]):
            found, depth = number, len(here)
    return found


def _keys(dotted: str) -> list[str]:
    return [key.strip().strip("\"'") for key in dotted.split(".")]


def settings_rows() -> Iterator[tuple[str, str, str]]:
    """(field, default, what it does) of every recipe field, for `purpcode list settings`."""
    for name, field in Recipe.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            docs = _attribute_docs(section)
            for key, inner in section.model_fields.items():
                default = "required" if inner.is_required() else repr(inner.default)
                yield f"{name}.{key}", default, docs.get(key, "")
        else:
            default = "required" if field.is_required() else repr(field.default)
            yield name, default, _attribute_docs(Recipe).get(name, "")


def _attribute_docs(model: type[BaseModel]) -> dict[str, str]:
    import ast
    import inspect

    body = ast.parse(inspect.getsource(model)).body[0]
    docs: dict[str, str] = {}
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for before, after in itertools.pairwise(statements):
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name):
            text = after.value if isinstance(after, ast.Expr) else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                docs[before.target.id] = " ".join(text.value.split())
    return docs


def lock(recipe: Recipe, **facts: Any) -> dict[str, Any]:
    """The recipe with everything else a rerun needs to know: versions, machine, commit, facts."""
    return {
        "recipe": recipe.model_dump(mode="json"),
        "seed": recipe.seed,
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": f"{platform.system()} {platform.machine()}",
        "git_commit": _git_commit(),
        **facts,
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in LOCKED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _git_commit() -> str | None:
    """The commit of the purpcode checkout this runs from, `-dirty` with uncommitted changes; None
    for an installed package, also one that lies within a checkout of something else."""
    if _git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    return _git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def _git(*arguments: str) -> str | None:
    """What git says in the folder of this file; None where it fails or says nothing."""
    source = Path(__file__).resolve().parent
    try:
        run = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(source), *arguments],
            capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.strip() or None if run.returncode == 0 else None
