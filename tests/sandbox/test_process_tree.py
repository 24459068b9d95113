"""Watching processes that come and go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from purpcode.sandbox.process_tree import descendants, memory_of, socket_bytes


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


def test_the_memory_of_a_process_whose_first_thread_has_ended_is_counted() -> None:
    code = (
        "import ctypes, platform, sys, threading\n"
        "held = bytearray(64 << 20)\n"
        "threading.Thread(target=lambda: (print('up', flush=True), sys.stdin.read())).start()\n"
        "number = {'x86_64': 60, 'aarch64': 93}[platform.machine()]\n"
        "ctypes.CDLL(None).syscall(number, 0)"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        stat = Path(f"/proc/{process.pid}/stat")
        while ") Z " not in stat.read_text():
            pass
        assert memory_of([process.pid], 1 << 40) > 64 << 20  # resident
        assert memory_of([process.pid], 0) > 64 << 20  # proportional
        assert socket_bytes([process.pid]) == socket_bytes([os.getpid()])
        process.kill()
