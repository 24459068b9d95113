"""The shipped seed requests (`data/*.jsonl`): coding tasks, questions, benign, malicious."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from purpcode.conversation import MIN_ANALYSIS_CHARS, MIN_ANSWER_CHARS
from purpcode.records import read_records

MAX_ANALYSIS_CHARS = 160
"""Seed analyses stay short: small models learn the reasoning format from them."""

_Text = Annotated[str, Field(min_length=1)]
_Analysis = Annotated[str, Field(min_length=MIN_ANALYSIS_CHARS, max_length=MAX_ANALYSIS_CHARS)]
_Answer = Annotated[str, Field(min_length=MIN_ANSWER_CHARS)]
_T = TypeVar("_T", bound=BaseModel)


class _Seed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    prompt: _Text
    analysis: _Analysis


class CodingTask(_Seed):
    """A plain Python function to write; `tests` are lines `assert f(args) == literal`."""

    entry_point: str = Field(pattern=r"^[a-z_][a-z0-9_]*$")
    tests: _Text
    solution: _Text


class SecurityQuestion(_Seed):
    """A benign security question with a short answer."""

    category: _Text
    answer: _Answer


class OverrefusalRequest(_Seed):
    """A benign request that sounds dangerous: `keyword` is the word it turns on."""

    cwe: int | None
    keyword: _Text
    answer: _Answer


class MaliciousEvent(_Seed):
    """A malicious request at request level, with a refusal that offers something benign."""

    category: _Text
    refusal: _Answer


def coding_tasks() -> list[CodingTask]:
    """The shipped coding tasks."""
    return _read("coding_tasks.jsonl", CodingTask)


def security_questions() -> list[SecurityQuestion]:
    """The shipped security questions."""
    return _read("security_questions.jsonl", SecurityQuestion)


def overrefusal_requests() -> list[OverrefusalRequest]:
    """The shipped benign requests that models wrongly refuse."""
    return _read("overrefusal.jsonl", OverrefusalRequest)


def malicious_events() -> list[MaliciousEvent]:
    """The shipped malicious requests."""
    return _read("malicious_events.jsonl", MaliciousEvent)


def _read(name: str, model: type[_T]) -> list[_T]:
    with as_file(files("purpcode.redteam") / "data" / name) as path:
        return read_records(path, model)
