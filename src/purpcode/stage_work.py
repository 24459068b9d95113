"""One stage at work: reused when complete, else begun or continued, with its progress shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from purpcode.progress import StageProgress, format_seconds, stage_progress
from purpcode.run_folder import Stage, StageState

if TYPE_CHECKING:
    from rich.console import Console


class Judged(Protocol):
    """A record with a verdict's three outcomes."""

    @property
    def passed(self) -> bool | None:
        """None is unmeasured."""
        ...


class StageWork:
    """What a stage's body works with: its folder, its state to fill in, and its progress."""

    def __init__(self, folder: Path, state: StageState, console: Console) -> None:
        self.folder = folder
        self.state = state
        self._console = console

    def progress(self, total: int | None) -> AbstractContextManager[StageProgress]:
        """A progress display over `total` pieces of work."""
        return stage_progress(self.state.stage, self._console, total)


@contextmanager
def stage_work(
    stage: Stage, inputs: Mapping[str, Any], console: Console
) -> Iterator[StageWork | None]:
    """The stage's work, or None when it is complete with these inputs.

    Raises:
        PurpcodeError: the stage was made from other inputs.
    """
    if stage.is_complete(inputs):
        console.print(f"[dim]{stage.name:<8} already complete[/dim]")
        yield None
        return
    begun = stage.load() is not None
    console.print(f"[bold]{stage.name:<8}[/bold]" + (" continues" if begun else ""))
    with stage.working(inputs) as state:
        yield StageWork(stage.folder, state, console)
    console.print(
        f"  done in {format_seconds(state.seconds)}, peak {state.peak_memory_mb / 1024:.1f} GB:"
        f" {counts_line(state.counts)}"
    )
    for note in state.notes:
        console.print(f"  {note}", markup=False)


def counts_line(counts: Mapping[str, Any]) -> str:
    """Counts in one line; a table of counts as its numbers between slashes."""
    parts = []
    for name, value in counts.items():
        if isinstance(value, dict):
            shown = " / ".join(str(number) for number in value.values())
        else:
            shown = f"{value:.3g}" if isinstance(value, float) else str(value)
        parts.append(f"{name.replace('_', ' ')} {shown}")
    return ", ".join(parts)


def outcome_counts(judged: Iterable[Judged]) -> dict[str, int]:
    """How many records passed, failed and are unmeasured."""
    outcomes = [record.passed for record in judged]
    return {
        "passed": sum(outcome is True for outcome in outcomes),
        "failed": sum(outcome is False for outcome in outcomes),
        "unmeasured": sum(outcome is None for outcome in outcomes),
    }
