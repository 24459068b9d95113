"""Zygotes end with those who hold them, and leave nothing."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from purpcode.sandbox import Program
from purpcode.sandbox.process_tree import descendants
from purpcode.sandbox.zygote import ZygoteSandbox
from purpcode.sandbox.zygote_process import ZygoteProcess


@pytest.fixture
def sandbox() -> Iterator[ZygoteSandbox]:
    made = ZygoteSandbox()
    yield made
    made.close()


def idle(sandbox: ZygoteSandbox) -> list[ZygoteProcess]:
    return sandbox._pool._idle


def first_process(zygote: ZygoteProcess) -> int:
    """The zygote's own pid, below bubblewrap's."""
    return descendants(zygote._process.pid)[0]


def test_runs_and_replacements_leave_no_descriptor_and_no_process():
    def counts() -> tuple[int, int]:
        return len(list(Path("/proc/self/fd").iterdir())), len(descendants(os.getpid()))

    before = counts()
    sandbox = ZygoteSandbox()
    for code in ("pass", "1 / 0", "import os; os._exit(1)", "print('x' * 2000)"):
        sandbox.run(Program(code=code, output_bytes=1000))
        first_process(idle(sandbox)[0])
    os.kill(first_process(idle(sandbox)[0]), signal.SIGKILL)
    sandbox.run(Program(code="pass"))
    sandbox.close()
    assert counts() == before


def test_a_sandbox_nobody_holds_ends_its_zygotes():
    sandbox = ZygoteSandbox()
    sandbox.run(Program(code="pass"))
    process = idle(sandbox)[0]._process
    del sandbox
    gc.collect()
    assert process.poll() is not None


def test_a_closed_sandbox_starts_again(sandbox):
    sandbox.run(Program(code="pass"))
    sandbox.close()
    assert idle(sandbox) == []
    assert sandbox.run(Program(code="print(1)")).stdout == "1\n"


def test_zygotes_outlive_the_thread_that_started_them(sandbox):
    thread = threading.Thread(target=sandbox.run, args=(Program(code="pass"),))
    thread.start()
    thread.join()
    (zygote,) = idle(sandbox)
    assert sandbox.run(Program(code="print(1)")).stdout == "1\n"
    assert idle(sandbox) == [zygote]


def test_after_a_fork_of_the_caller_both_have_zygotes_of_their_own(sandbox):
    sandbox.run(Program(code="pass"))
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            code = 0 if sandbox.run(Program(code="print('child')")).stdout == "child\n" else 2
            sandbox.close()
        os._exit(code)
    assert sandbox.run(Program(code="print('parent')")).stdout == "parent\n"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sandbox.run(Program(code="print('parent')")).stdout == "parent\n"


def test_the_callers_death_ends_zygote_and_program():
    code = (
        "import threading, time\n"
        "from purpcode.sandbox import Program\n"
        "from purpcode.sandbox.zygote import ZygoteSandbox\n"
        "program = Program(code='import time; time.sleep(99)', timeout_s=99)\n"
        "threading.Thread(target=ZygoteSandbox().run, args=(program,), daemon=True).start()\n"
        "time.sleep(99)"
    )
    caller = subprocess.Popen([sys.executable, "-c", code])
    until = time.monotonic() + 30
    while len(descendants(caller.pid)) < 4 and time.monotonic() < until:
        time.sleep(0.05)
    below = descendants(caller.pid)
    caller.kill()
    caller.wait()
    while any(map(_is_running, below)) and time.monotonic() < until:
        time.sleep(0.05)
    assert len(below) >= 4  # bubblewrap, zygote, first process, program
    assert not any(map(_is_running, below))


def test_the_callers_death_while_bubblewrap_waits_for_it_leaves_nothing():
    code = (
        "import os\n"
        "from purpcode.sandbox import Program, zygote_process\n"
        "from purpcode.sandbox.zygote import ZygoteSandbox\n"
        "zygote_process.RootMapping.write = lambda self: os.kill(os.getpid(), 9)\n"
        "ZygoteSandbox().run(Program(code='pass'))\n"
        "os.kill(os.getpid(), 9)  # not root: nothing was waited for"
    )
    for _ in range(5):
        caller = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        assert caller.wait() == -signal.SIGKILL
        until = time.monotonic() + 10
        while (left := in_session(caller.pid)) and time.monotonic() < until:
            time.sleep(0.02)
        assert left == []


def test_the_callers_death_ends_zygotes_although_a_fork_of_it_lives_on():
    code = (
        "import os, threading, time\n"
        "from purpcode.sandbox import Program\n"
        "from purpcode.sandbox.zygote import ZygoteSandbox\n"
        "sandbox = ZygoteSandbox()\n"
        "sandbox.run(Program(code='pass'))\n"
        "busy = Program(code='import time; time.sleep(20)', timeout_s=20)\n"
        "threading.Thread(target=sandbox.run, args=(busy,), daemon=True).start()\n"
        "time.sleep(0.3)\n"
        "fork = os.fork()\n"
        "if fork == 0: time.sleep(20)\n"
        "print(fork, flush=True); time.sleep(20)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as caller:
        assert caller.stdout
        fork = int(caller.stdout.readline())
        below = set(descendants(caller.pid)) - {fork}
        caller.kill()
    until = time.monotonic() + 5
    while any(map(_is_running, below)) and time.monotonic() < until:
        time.sleep(0.02)
    left = [pid for pid in below if _is_running(pid)]
    os.kill(fork, signal.SIGKILL)
    assert len(below) == 6  # bubblewrap, zygote, program and next child, a first process of each
    assert left == []


def in_session(session: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            pid, _, rest = path.read_text().partition(" ")
            state, _, _, of = rest.rpartition(")")[2].split()[:4]
            found += [int(pid)] if of == str(session) and state != "Z" else []
    return found


def _is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
