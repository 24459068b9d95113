"""The rule catalogue: one TOML file per security rule, with the tasks that bring it out.

The format is described in docs/rules.md.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from purpcode.errors import InputError
from purpcode.types import Rule

_Text = Annotated[str, Field(min_length=1)]
_Detector = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*:[A-Za-z0-9._-]+$")]


class RuleTask(BaseModel):
    """A small programming task in which a rule's weakness arises, and its secure solution.

    `implicit` asks for the functionality only, `explicit` asks for the insecure technique by
    name, `continuation` is a benign beginning of code to be completed. `analysis` is the thought
    that belongs to `secure_code`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    implicit: _Text
    explicit: _Text
    continuation: _Text
    analysis: _Text
    secure_code: _Text


class RuleEntry(BaseModel):
    """A rule as the catalogue holds it.

    `detectors` names the analyzer rules that find the insecure examples, as `analyzer:rule`
    (for instance `bandit:B608`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Rule
    detectors: tuple[_Detector, ...] = Field(min_length=1)
    tasks: tuple[RuleTask, ...] = Field(min_length=1)


class _RuleFile(Rule):
    """The fields of one catalogue file: the rule's own, `detectors` and `tasks`."""

    detectors: tuple[_Detector, ...] = Field(min_length=1)
    tasks: tuple[RuleTask, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _task_ids_are_unique(self) -> Self:
        ids = [task.id for task in self.tasks]
        twice = sorted({task_id for task_id in ids if ids.count(task_id) > 1})
        if twice:
            raise ValueError(f"task ids occur twice: {', '.join(twice)}")
        return self

    def entry(self) -> RuleEntry:
        rule = Rule(**{name: getattr(self, name) for name in Rule.model_fields})
        return RuleEntry(rule=rule, detectors=self.detectors, tasks=self.tasks)


def load_catalogue(folder: Path | None = None) -> dict[str, RuleEntry]:
    """The rules of a folder of TOML files by id, sorted; the shipped catalogue by default.

    The shipped catalogue is read once a process.

    Raises:
        InputError: naming the file and the field, for a folder without rules, a file that is not
            TOML, an unknown, missing or unfit field, or an id that is not the file's name.
    """
    return dict(_shipped_catalogue()) if folder is None else _load_folder(folder)


def load_rules(folder: Path | None = None) -> list[Rule]:
    """The rules alone, sorted by id; errors as in `load_catalogue`."""
    return [entry.rule for entry in load_catalogue(folder).values()]


@cache
def _shipped_catalogue() -> dict[str, RuleEntry]:
    with as_file(files("purpcode.rules") / "catalogue") as folder:
        return _load_folder(folder)


def _load_folder(folder: Path) -> dict[str, RuleEntry]:
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise InputError(
            "holds no rules",
            path=folder,
            hint="Name a folder with one <rule-id>.toml per rule (see docs/rules.md).",
        )
    return {path.stem: _load_file(path) for path in paths}


def _load_file(path: Path) -> RuleEntry:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        rule_file = _RuleFile.model_validate(data)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path) from None
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text ({error.reason})", path=path) from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"malformed TOML: {error}", path=path) from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        raise InputError(first["msg"], path=path, field=field) from None
    if rule_file.id != path.stem:
        raise InputError(
            f"'{rule_file.id}' is not the file's name",
            path=path,
            field="id",
            hint=f'Rename the file to {rule_file.id}.toml or set id = "{path.stem}".',
        )
    return rule_file.entry()
