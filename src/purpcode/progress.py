"""Progress on the terminal: a bar with the time left, or a line now and then without a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

LINE_EVERY_S = 15.0
RESUMED_WITHIN_S = 2.0
"""Work reported sooner was done by an earlier try and says nothing about the time left."""


class StageProgress:
    """Counts a stage's work. `set` takes (done, total); `advance` adds to done."""

    def __init__(self, stage: str, console: Console, total: int | None) -> None:
        self.stage = stage
        self.done = 0
        self.total = total
        self._console = console
        self._began = time.monotonic()
        self._first = 0
        self._last_line = self._began
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def attach(self, bar: Progress) -> None:
        """Draw on a rich progress bar instead of printing lines."""
        self._bar = bar
        self._task = bar.add_task(self.stage, total=self.total)

    def advance(self, count: int) -> None:
        """Add finished work."""
        self.set(self.done + count, self.total)

    def set(self, done: int, total: int | None) -> None:
        """Replace the counters."""
        self.done, self.total = done, total
        if time.monotonic() - self._began < RESUMED_WITHIN_S:
            self._first = done
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)
        elif time.monotonic() - self._last_line >= LINE_EVERY_S:
            self._last_line = time.monotonic()
            self._console.print(f"  {self.stage}: {done}/{total or '?'}{self._time_left()}")

    def _time_left(self) -> str:
        new = self.done - self._first
        if not self.total or new <= 0:
            return ""
        left = (time.monotonic() - self._began) / new * (self.total - self.done)
        return f", about {format_seconds(left)} left"


@contextmanager
def stage_progress(
    stage: str, console: Console, total: int | None = None
) -> Iterator[StageProgress]:
    """Show the progress of one stage while the block runs."""
    shown = StageProgress(stage, console, total)
    if not (console.is_terminal and sys.stdout.isatty()):
        yield shown
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("  {task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        shown.attach(bar)
        yield shown


def format_seconds(seconds: float) -> str:
    """Seconds as "48 s", "3 min 20 s" or "1 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
