"""Watching processes that come and go."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from purpcode.sandbox.process_tree import descendants


def test_children_and_grandchildren_are_found() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 30 & wait"], start_new_session=True) as process:
        try:
            found: list[int] = []
            while not found:
                found = descendants(process.pid)
            assert process.pid in descendants(os.getpid())
            assert set(found) <= set(descendants(os.getpid()))
        finally:
            os.killpg(process.pid, 9)


def test_process_that_ends_while_it_is_looked_at_has_no_descendants(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def vanished(self: Path, pattern: str) -> None:
        raise FileNotFoundError(2, "No such file or directory", str(self))

    monkeypatch.setattr(Path, "glob", vanished)
    assert descendants(os.getpid()) == []
