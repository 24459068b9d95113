"""Run many programs of every kind through the zygote; nothing may be left, nothing may grow.

    python benchmarks/sandbox_soak.py [20000] [--workers N] [--seed 0]

Exits 1 when a program's status is not the expected one, or when a process, mount, temporary file,
descriptor or control group is left over, or the zygotes' memory grew, or a zygote had to be
replaced and its program tried again: no program here can harm one.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from purpcode.sandbox import ExecutionResult, Program
from purpcode.sandbox.process_tree import descendants
from purpcode.sandbox.zygote import ZygoteSandbox

_GROWTH_MIB = 8
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Kind:
    program: Program
    status: str
    share: int
    stdout: str = ""


LOOP = Program(code="while True: pass", timeout_s=0.5)
HUGE = Program(code="held = bytearray(10 ** 9)", memory_mb=128)
KINDS = {
    "right": Kind(Program(code="print(sum(range(10)))"), "passed", 40, "45\n"),
    "stdin": Kind(
        Program(
            code="import helper; print(helper.f(input()))",
            stdin="a\n",
            files={"helper.py": "def f(x): return x * 2"},
        ),
        *("passed", 10, "aa\n"),
    ),
    "wrong": Kind(Program(code="assert 1 + 1 == 3"), "failed", 15),
    "no syntax": Kind(Program(code="def"), "failed", 5),
    "exit": Kind(Program(code="import sys; sys.exit(3)"), "failed", 5),
    "crash": Kind(Program(code="import os; os.abort()"), "failed", 5),
    "loop": Kind(LOOP, "timeout", 1),
    "sleeping tree": Kind(
        Program(
            code="import os, time\nfor _ in range(3): os.fork()\ntime.sleep(60)", timeout_s=0.5
        ),
        *("timeout", 1),
    ),
    "flood": Kind(
        Program(code="while True: print('x' * 999)", output_bytes=9999), "output_limit", 5
    ),
    "forks": Kind(
        Program(
            code="import os\nfor _ in range(9):\n    if os.fork() == 0: os._exit(0)\n"
            "for _ in range(9): os.wait()\nprint('done')"
        ),
        *("passed", 5, "done\n"),
    ),
    "leaves a daemon": Kind(
        Program(code="import os, time\nif os.fork() == 0: os.setsid(); time.sleep(60)"),
        *("passed", 3),
    ),
    "memory": Kind(HUGE, "oom", 3),
    "sockets": Kind(
        Program(
            code="import socket\nfor n in range(9):\n    one, other = socket.socketpair()\n"
            "    one.send(bytes([n])); assert other.recv(1) == bytes([n])\nprint('done')"
        ),
        *("passed", 5, "done\n"),
    ),
    "sockets at its end": Kind(
        Program(
            code="import os, socket, time\nfor _ in range(4):\n    if os.fork() == 0:\n"
            "        while True: socket.socketpair()\ntime.sleep(0.02); os._exit(4)"
        ),
        *("failed", 2),
    ),
    "files": Kind(
        Program(code="open('x', 'wb').write(bytes(1 << 20)); open('/dev/shm/x', 'w')"),
        *("passed", 2),
    ),
}

BATCH = 500


@dataclass
class State:
    """What must be the same before and after."""

    descriptors: int
    mounts: int
    processes: int
    control_groups: int
    temporary_files: list[str]


def state(folder: Path) -> State:
    groups = Path("/sys/fs/cgroup").rglob(f"purpcode-{os.getpid()}*")
    return State(
        descriptors=len(list(Path("/proc/self/fd").iterdir())),
        mounts=len(Path("/proc/self/mountinfo").read_text().splitlines()),
        processes=len(descendants(os.getpid())),
        control_groups=len(list(groups)),
        temporary_files=sorted(path.name for path in folder.iterdir()),
    )


def resident_mib(pids: list[int]) -> float:
    """Resident size of the largest of these processes that are there now."""
    sizes = []
    for pid in pids:
        try:
            sizes.append(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 2**20)
        except OSError:
            continue
    return max(sizes, default=0.0)


def agrees(kind: Kind, result: ExecutionResult) -> bool:
    return result.status == kind.status and (not kind.stdout or result.stdout == kind.stdout)


def soak(sandbox: ZygoteSandbox, names: list[str], workers: int) -> list[str]:
    """Run the named programs; describes every result that is not the expected one."""

    def one(name: str) -> str | None:
        result = sandbox.run(KINDS[name].program)
        if agrees(KINDS[name], result):
            return None
        return f"{name}: {result.status} {result.evidence} {result.stderr[-200:]!r}"

    faults: list[str] = []
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(names), BATCH):  # a future per program would look like a leak
            faults += filter(None, pool.map(one, names[start : start + BATCH]))
    return faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", type=int, nargs="?", default=20_000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    weights = [kind.share for kind in KINDS.values()]
    names = random.Random(options.seed).choices(list(KINDS), weights, k=options.programs)
    with tempfile.TemporaryDirectory() as name:
        tempfile.tempdir = name
        before = state(Path(name))
        sandbox = ZygoteSandbox()
        began = time.monotonic()
        first = max(1, options.programs // 10)
        faults = soak(sandbox, names[:first], options.workers)
        early = resident_mib(descendants(os.getpid())), resident_mib([os.getpid()])
        faults += soak(sandbox, names[first:], options.workers)
        late = resident_mib(descendants(os.getpid())), resident_mib([os.getpid()])
        seconds = time.monotonic() - began
        replaced = list(sandbox.faults)
        sandbox.close()
        after = state(Path(name))
    if after != before:
        faults.append(f"left over: {before} became {after}")
    for what, was, became in zip(("zygote", "this process"), early, late, strict=True):
        print(f"resident MiB of {what}: {was:.1f} after {first} programs, {became:.1f} at the end")
        if became > was + _GROWTH_MIB:
            faults.append(f"memory of {what} grew from {was:.1f} to {became:.1f} MiB")
    print(f"zygotes that had to be replaced: {len(replaced)}")
    faults += [f"a zygote had to be replaced: {reason}" for reason in replaced]
    counted = collections.Counter(names)
    for name, kind in KINDS.items():
        print(f"{counted[name]:>7} {name}: {kind.status}")
    print(f"{options.programs} programs, {options.workers} workers, {seconds:.0f} s: ", end="")
    print(f"{len(faults)} faults" if faults else "all as expected, nothing left over")
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
