"""What a program may rely on, the same in every backend that builds namespaces."""

from __future__ import annotations

import os
import time

import pytest

from purpcode.sandbox import Program
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.sandbox.process_tree import descendants
from purpcode.sandbox.zygote import ZygoteSandbox

BACKENDS = {"zygote": ZygoteSandbox, "bubblewrap": BubblewrapSandbox}


@pytest.fixture(scope="module", params=list(BACKENDS))
def sandbox(request):
    made = BACKENDS[request.param]()
    yield made
    if request.param == "zygote":
        made.close()


# Program → status, exit code, standard output: as `python main.py` has them.
ENDINGS = {
    "": ("passed", 0, ""),
    "import sys; sys.exit(3)": ("failed", 3, ""),
    "import sys; sys.exit(256)": ("passed", 0, ""),
    "import sys; sys.exit(-1)": ("failed", 255, ""),
    "import sys; sys.exit(1 << 70)": ("failed", 255, ""),
    "import sys; sys.exit('why')": ("failed", 1, ""),
    "import sys; sys.exit(None)": ("passed", 0, ""),
    "exit()": ("passed", 0, ""),
    "raise KeyboardInterrupt": ("failed", 130, ""),
    "import os; os._exit(7)": ("failed", 7, ""),
    "import os; os.abort()": ("failed", 134, ""),
    "import os; os.kill(os.getpid(), 15)": ("failed", 143, ""),
    "import os, time; os.kill(os.getpid(), 2); time.sleep(9)": ("failed", 130, ""),
    "import ctypes; ctypes.string_at(0)": ("failed", 139, ""),
    "1 +": ("failed", 1, ""),
    "x = '\0'": ("failed", 1, ""),
    "import atexit; atexit.register(print, 'bye'); 1 / 0": ("failed", 1, "bye\n"),
    "import sys; sys.excepthook = lambda *seen: print('hook', seen[1]); 1 / 0": (
        *("failed", 1),
        "hook division by zero\n",
    ),
    "import sys; sys.stdout.close()": ("passed", 0, ""),
    "import os; print('x'); os.close(1)": ("failed", 120, ""),
    "file = open(1, 'w'); file.write('unflushed')": ("passed", 0, "unflushed"),
    "import os\nif os.fork() == 0: raise SystemExit(3)\nprint(os.wait()[1])": (
        *("passed", 0),
        "768\n",
    ),
    "import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()\n"
    "print('main')": ("passed", 0, "main\nlate\n"),
    "class Ends:\n    def __del__(self): print('del')\n"
    "ends = Ends(); ring = [Ends()]; ring.append(ring)": ("passed", 0, "del\ndel\n"),
}


@pytest.mark.parametrize("code", ENDINGS)
def test_a_program_ends_as_under_the_plain_interpreter(sandbox, code):
    result = sandbox.run(Program(code=code))
    seen = result.status, result.evidence["returncode"], result.stdout
    assert seen == ENDINGS[code], result.stderr


def test_the_main_module_is_that_of_a_file(sandbox):
    code = (
        "names = sorted(globals())\n"
        "import __main__, sys\n"
        "print(__name__, __file__, __doc__, __package__, __spec__, __main__.__file__)\n"
        "print(sys.argv, sys.path[0], *names)"
    )
    first, second = sandbox.run(Program(code=code)).stdout.splitlines()
    assert first == "__main__ /tmp/main.py None None None /tmp/main.py"
    assert second == (
        "['/tmp/main.py'] /tmp __annotations__ __builtins__ __doc__ __file__ __loader__ __name__"
        " __package__ __spec__"
    )


def test_recursion_reaches_as_deep_as_in_a_file(sandbox):
    code = (
        "def fall(n):\n    global deepest\n    deepest = n\n    fall(n + 1)\n"
        "try: fall(0)\nexcept RecursionError: print(deepest)"
    )
    assert int(sandbox.run(Program(code=code)).stdout) >= 995


def test_standard_streams_are_pipes_that_can_be_opened_by_name(sandbox):
    code = (
        "import sys\n"
        "print(sys.stdin.isatty(), sys.stdin.seekable(), sys.stdout.line_buffering)\n"
        "print(open('/dev/stdin').read(), open(2, 'w').isatty(), flush=True)\n"
        "open('/dev/stdout', 'w').write('named')"
    )
    result = sandbox.run(Program(code=code, stdin="in"))
    assert result.stdout == "False False False\nin False\nnamed", result.stderr


def test_a_program_may_change_its_own_files(sandbox):
    code = (
        "import os\n"
        "open('a/new', 'w').close(); open('data', 'a').write('2'); os.rename('a/b', 'c')\n"
        "print(open('data').read(), *(oct(os.stat(name).st_mode) for name in ('data', 'a')))\n"
        "os.remove('data')"
    )
    result = sandbox.run(Program(code=code, files={"data": "1", "a/b": ""}))
    assert result.stdout == "12 0o100644 0o40755\n", result.stderr


def test_programs_share_neither_files_nor_ports_nor_random_numbers(sandbox):
    code = (
        "import os, random, socket\n"
        "server = socket.create_server(('127.0.0.1', 8000))\n"  # in TIME_WAIT afterwards
        "client = socket.create_connection(('127.0.0.1', 8000))\n"
        "server.accept()[0].close(); client.recv(1)\n"
        "for folder in ('/tmp', '/dev/shm'):\n"
        "    assert not os.path.exists(folder + '/left'); open(folder + '/left', 'w').close()\n"
        "print(random.random())"
    )
    results = [sandbox.run(Program(code=code)) for _ in range(3)]
    assert [result.status for result in results] == ["passed"] * 3, results[-1].stderr
    assert len({result.stdout for result in results}) == 3


def test_environment_user_and_limits_are_those_documented(sandbox):
    code = (
        "import os, resource as r\n"
        "print(os.getuid(), os.getgid(), os.getgroups(), os.getcwd(), os.umask(0), os.getpid())\n"
        "print(sorted(os.environ))\n"
        "print([r.getrlimit(x)[1] for x in (r.RLIMIT_AS, r.RLIMIT_NPROC, r.RLIMIT_NOFILE,"
        " r.RLIMIT_FSIZE, r.RLIMIT_CORE, r.RLIMIT_CPU)])\n"
        "print([x for x in open('/proc/self/status') if x[:3] in ('Cap', 'NoN', 'Sec', 'Thr')])"
    )
    lines = sandbox.run(Program(code=code, memory_mb=256, timeout_s=5)).stdout.splitlines()
    groups = "[]" if os.geteuid() == 0 else lines[0][lines[0].index("[") : lines[0].index("]") + 1]
    assert lines[0] == f"65534 65534 {groups} /tmp 18 2"
    assert lines[1].count("'") == 2 * 9
    assert lines[2] == f"[{256 << 20}, 64, 256, {64 << 20}, 0, {7 * (os.cpu_count() or 1)}]"
    for held in ("CapPrm", "CapEff", "CapAmb"):
        assert f"{held}:\\t0000000000000000" in lines[3]
    for set_once in ("NoNewPrivs:\\t1", "Seccomp:\\t2", "Threads:\\t1"):
        assert set_once in lines[3]


def test_ports_of_the_loopback_work_but_lead_nowhere(sandbox):
    code = "import socket; socket.create_connection(('1.1.1.1', 53), timeout=2)"
    result = sandbox.run(Program(code=code))
    assert "Network is unreachable" in result.stderr


def test_deadline_memory_and_output_stop_a_whole_tree(sandbox):
    sandbox.run(Program(code=""))
    before = descendants(os.getpid())
    forks = "import os, time\nfor _ in range(4): os.fork()\n"
    began = time.monotonic()
    assert sandbox.run(Program(code=forks + "time.sleep(60)", timeout_s=0.5)).status == "timeout"
    held = sandbox.run(Program(code=forks + "x = b'x' * (30 << 20); time.sleep(9)", memory_mb=128))
    assert held.status == "oom"
    flood = sandbox.run(Program(code=forks + "while True: print('x' * 99)", output_bytes=1000))
    assert flood.status == "output_limit"
    assert len(flood.stdout) + len(flood.stderr) == 1000
    assert time.monotonic() - began < 20
    while len(descendants(os.getpid())) > len(before):  # before: a zygote, maybe
        assert time.monotonic() - began < 25, "a process is left"
        time.sleep(0.02)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_worker_processes_start_by_every_method(sandbox, method):
    code = (
        "import multiprocessing\n"
        "def square(x): return x * x\n"
        "if __name__ == '__main__':\n"
        f"    with multiprocessing.get_context('{method}').Pool(2) as pool:\n"
        "        print(pool.map(square, [1, 2]))"
    )
    result = sandbox.run(Program(code=code))
    assert result.stdout == "[1, 4]\n", result.stderr


def test_a_program_cannot_stop_the_process_that_watches_it(sandbox):
    code = (
        "import os, resource, signal\n"
        "for target in (1, 0, -1):\n"
        "    for number in (signal.SIGINT, signal.SIGSTOP, signal.SIGCHLD, signal.SIGKILL):\n"
        "        if target == 1:\n"
        "            try: os.kill(target, number)\n"
        "            except OSError: pass\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); os.kill(0, signal.SIGTERM)\n"
        "for limit in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE):\n"
        "    try: resource.prlimit(1, limit, (0, 0))\n"
        "    except OSError: pass\n"
        "print('alive'); raise SystemExit(4)"
    )
    for _ in range(2):
        result = sandbox.run(Program(code=code))
        seen = (result.status, result.evidence["returncode"], result.stdout)
        assert seen == ("failed", 4, "alive\n"), result


def test_only_named_packages_can_be_imported(sandbox):
    result = sandbox.run(Program(code="import sys, numpy"))
    assert "No module named 'numpy'" in result.stderr
    installed = "import importlib.metadata as m; print(list(m.distributions()))"
    assert sandbox.run(Program(code=installed)).stdout == "[]\n"


def test_surrogates_and_nul_bytes_pass_through_files_and_stdin(sandbox):
    code = "import sys; print(ascii(open('f', 'rb').read()), ascii(sys.stdin.buffer.read()))"
    result = sandbox.run(Program(code=code, files={"f": "\0\ud800"}, stdin="é\0"))
    assert result.stdout == "b'\\x00\\xed\\xa0\\x80' b'\\xc3\\xa9\\x00'\n"


def test_threads_that_compute_side_by_side_are_out_of_time_not_of_memory(sandbox):
    code = (
        "import hashlib, threading\n"
        "def work():\n"
        "    while True: hashlib.sha256(bytes(1 << 20)).digest()\n"
        "for _ in range(3): threading.Thread(target=work).start()"
    )
    assert sandbox.run(Program(code=code, timeout_s=5.9)).status == "timeout"
