"""The benchmarks by name."""

from __future__ import annotations

from typing import NamedTuple

from purpcode.errors import InputError


class TaskInfo(NamedTuple):
    """A benchmark: its short name, its published name, and what it measures."""

    name: str
    published: str
    measures: str


TASKS: dict[str, TaskInfo] = {
    "quick-suite": TaskInfo(
        "quick-suite",
        "purpcode/QuickSuite",
        "secure code, malicious assistance and overrefusal on held-out tasks of the package",
    ),
}
"""Short name → benchmark."""


def find_task(name: str) -> TaskInfo:
    """The benchmark of a short or published name; case, dashes and underscores do not matter.

    Raises:
        InputError: no such benchmark.
    """
    wanted = _plain(name)
    for task in TASKS.values():
        if wanted in (_plain(task.name), _plain(task.published)):
            return task
    known = ", ".join(task.published for task in TASKS.values())
    raise InputError(f"no benchmark named '{name}'", hint=f"Available: {known}")


def _plain(name: str) -> str:
    return name.lower().removeprefix("purpcode/").replace("-", "").replace("_", "")
