"""What can be evaluated, by name: the quick suite and the benchmarks."""

from __future__ import annotations

from typing import NamedTuple

from purpcode.errors import InputError
from purpcode.evals.benchmarks.registry import BENCHMARKS, plain_name


class TaskInfo(NamedTuple):
    """A task: its short name, its published name, and what it measures."""

    name: str
    published: str
    measures: str


QUICK_SUITE = TaskInfo(
    "quick-suite",
    "purpcode/QuickSuite",
    "secure code, malicious assistance and overrefusal on held-out tasks of the package",
)

TASKS: dict[str, TaskInfo] = {
    QUICK_SUITE.name: QUICK_SUITE,
    **{name: TaskInfo(name, one.published, one.measures) for name, one in BENCHMARKS.items()},
}
"""Short name → task."""


def find_task(name: str) -> TaskInfo:
    """The task of a short or published name; case, dashes and underscores do not matter.

    Raises:
        InputError: no such task.
    """
    wanted = plain_name(name)
    for task in TASKS.values():
        if wanted in (plain_name(task.name), plain_name(task.published)):
            return task
    known = ", ".join(task.published for task in TASKS.values())
    raise InputError(f"no benchmark named '{name}'", hint=f"Available: {known}")
