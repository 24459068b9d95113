"""Running an Inspect task from inside: quiet, offline, and leaving the process as it was."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from purpcode.errors import PurpcodeError

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.log import EvalLog


def run_task(task: Task, log_dir: Path, *, model: str, samples: int) -> EvalLog:
    """Run a task that calls no model, and return its log (also written to `log_dir`).

    All samples are in flight together, so that the scorer can judge them as one batch. `model`
    is named in the log and not opened.

    Raises:
        PurpcodeError: Inspect could not finish the task.
        KeyboardInterrupt: the user stopped it.
    """
    with _unchanged_process(), _writable_data_home():
        import inspect_ai
        from inspect_ai.model import get_model

        import purpcode.models.inspect_provider  # noqa: F401 (registers the provider)

        try:
            log = inspect_ai.eval(
                task,
                model=get_model(f"purpcode/{model}", memoize=False),
                display="none",
                log_level="error",
                log_dir=str(log_dir),
                log_format="eval",
                log_realtime=False,
                max_samples=max(1, samples),
                fail_on_error=False,
                score_display=False,
                ctl_server=False,
                acp_server=False,
            )[0]
        except PurpcodeError:
            raise
        except Exception as error:
            raise _failed(f"{type(error).__name__}: {error}") from error
    if log.status == "cancelled":
        raise KeyboardInterrupt
    if log.status != "success":
        raise _failed(log.error.message if log.error else log.status)
    return log


def _failed(reason: str) -> PurpcodeError:
    return PurpcodeError(
        f"the evaluation could not be run: {reason}",
        hint="The completions are saved; the same command scores them again.",
    )


@contextmanager
def _unchanged_process() -> Iterator[None]:
    """Undo what Inspect sets for its own command line: log handlers and the exception hook."""
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, sys.excepthook
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        sys.excepthook = hook


@contextmanager
def _writable_data_home() -> Iterator[None]:
    """Give Inspect's traces a place where the home folder cannot be written (containers)."""
    variable = "XDG_DATA_HOME"
    before = os.environ.get(variable)
    home = Path(before) if before else Path.home() / ".local" / "share"
    if _can_write(home / "inspect_ai"):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="purpcode-inspect-") as scratch:
        os.environ[variable] = scratch
        try:
            yield
        finally:
            if before is None:
                del os.environ[variable]
            else:
                os.environ[variable] = before


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
