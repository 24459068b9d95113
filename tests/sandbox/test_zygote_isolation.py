"""What programs in zygotes share: nothing that one of them made or left."""

from __future__ import annotations

import itertools
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from purpcode.sandbox import Program, zygote_process
from purpcode.sandbox.packages import PackageSet
from purpcode.sandbox.process_tree import descendants
from purpcode.sandbox.zygote import ZygoteSandbox
from purpcode.sandbox.zygote_process import ZygoteProcess, ZygoteRecipe


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


NAMESPACES = "import os; print(*(os.readlink(f'/proc/self/ns/{kind}') for kind in ('net', 'ipc')))"
MAKING = {
    "a socket": "import socket; socket.socket(socket.AF_UNIX).close()",
    "a refused socket": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "a pair": "import socket; socket.socketpair()",
    "a child's socket": "import os, socket\nif os.fork() == 0: socket.socket()\nelse: os.wait()",
    "a queue": "import ctypes, platform\n"
    "number = {'x86_64': 240, 'aarch64': 180}[platform.machine()]\n"
    "ctypes.CDLL(None).syscall(number, b'any', 0o102, 0o600, None)",
}


def namespaces(sandbox: ZygoteSandbox) -> str:
    return sandbox.run(Program(code=NAMESPACES)).stdout


@pytest.mark.skipif(
    tuple(map(int, os.uname().release.split(".")[:2])) < (5, 5), reason="calls cannot be noted"
)
@pytest.mark.parametrize("code", MAKING.values(), ids=list(MAKING))
def test_what_a_program_may_have_made_in_a_shared_namespace_is_left_with_it(sandbox, code):
    before = namespaces(sandbox)
    assert namespaces(sandbox) == before
    sandbox.run(Program(code=code))
    after = namespaces(sandbox)
    assert set(after.split()).isdisjoint(before.split())
    assert namespaces(sandbox) == after
    assert len(idle(sandbox)) == 1


def test_where_calls_cannot_be_noted_every_program_has_namespaces_of_its_own(sandbox, monkeypatch):
    monkeypatch.setattr(zygote_process, "seccomp_number", lambda: 1 << 20)
    seen = [namespaces(sandbox) for _ in range(4)]
    for one, following in itertools.pairwise(seen):  # a number is free again after that
        assert set(one.split()).isdisjoint(following.split())
    assert len(idle(sandbox)) == 1


def test_arguments_of_a_noted_call_are_nowhere_in_the_zygote(sandbox):
    code = (
        "import ctypes\n"
        "mark = ctypes.c_long(0x12345678 << 32 | 0x5EA110E5)\n"
        "for _ in range(9): ctypes.CDLL(None).syscall({number}, 1, 1, 0, mark, mark, mark)"
    )
    number = {"x86_64": 41, "aarch64": 198}[os.uname().machine]
    sandbox.run(Program(code=code.format(number=number)))
    pid = first_process(idle(sandbox)[0])
    if os.geteuid() != 0:
        pytest.skip("only root can read a zygote")
    found = 0
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, mode = line.split()[:2]
            start, end = (int(word, 16) for word in span.split("-"))
            if "w" in mode and "[v" not in line:
                memory.seek(start)
                found += memory.read(end - start).count(bytes.fromhex("e510a15e78563412"))
    assert found == 0


def test_no_program_can_keep_its_end_from_being_reported(sandbox):
    code = (
        "import ctypes, os, platform, time\n"
        "number = {'x86_64': 56, 'aarch64': 220}[platform.machine()]\n"
        "made = ctypes.CDLL(None).syscall(number, 0x8011, 0, 0, 0, 0)  # beside this process\n"
        "if made == 0: os._exit(0)\n"
        "time.sleep(0.1); print(made)"
    )
    result = sandbox.run(Program(code=code))
    assert (result.status, result.stdout, list(sandbox.faults)) == ("passed", "-1\n", [])


def test_a_module_that_shares_memory_with_every_fork_is_not_imported_beforehand(tmp_path):
    (tmp_path / "sharing.py").write_text("import mmap; held = mmap.mmap(-1, 4096); held[0] = 1")
    sandbox = ZygoteSandbox(preload=["sharing"])
    package = PackageSet(paths=(tmp_path / "sharing.py",))
    sandbox._pool._recipe = ZygoteRecipe(sandbox._binary, package)
    code = "import sharing; print(sharing.held[0]); sharing.held[0] += 1"
    assert [sandbox.run(Program(code=code)).stdout for _ in range(2)] == ["1\n", "1\n"]
    assert [zygote.preload for zygote in idle(sandbox)] == [frozenset()]
    sandbox.close()


def test_without_descriptors_to_spare_no_program_is_lost_and_none_is_left_open(sandbox):
    def used() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    usual, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    sandbox.run(Program(code=MAKING["a pair"]))  # the next child is received with the next run
    highest = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    held = [os.open(os.devnull, os.O_RDONLY)]  # the limit is on numbers: none lower may be free
    while held[-1] < highest:
        held.append(os.dup(held[0]))
    before = used()
    seen = []
    for spare in range(16):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(held) + 1 + spare, most))
        try:
            result = sandbox.run(Program(code=MAKING["a pair"]))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (usual, most))
        seen.append(result.status)
        sandbox.run(Program(code=MAKING["a pair"]))
        assert used() == before
    for descriptor in held:
        os.close(descriptor)
    assert set(seen) == {"sandbox_error", "passed"}


def test_many_sockets_side_by_side_all_work(sandbox):
    code = (
        "import os, socket, threading\n"
        "def echo(n):\n"
        "    one, other = socket.socketpair(); one.send(bytes([n])); done.append(other.recv(1))\n"
        "done = []\n"
        "threads = [threading.Thread(target=echo, args=(n,)) for n in range(20)]\n"
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]\n"
        "print(len(set(done)))"
    )
    assert sandbox.run(Program(code=code)).stdout == "20\n"
