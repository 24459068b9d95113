"""How many small programs a second each way of running them manages, and at what CPU cost.

Run on an idle machine: CPU is read from /proc/stat, so that it counts everything a program causes
(bubblewrap's processes are not all reaped by it, and the kernel takes namespaces down on its own).

    python benchmarks/sandbox_throughput.py [--programs 200] [--workers N] [--output table.md]
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from purpcode.sandbox import Program
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.sandbox.zygote import ZygoteSandbox

PLAIN = """
def digits(number):
    total = 0
    while number:
        number, digit = divmod(number, 10)
        total += digit
    return total


def test_digits():
    assert digits({number}) == {expected}
    assert digits(0) == 0
    assert [digits(n) for n in (1, 10, 19)] == [1, 1, 10]
"""
NUMPY = """
import numpy as np


def spread(values):
    return float(np.max(values) - np.min(values))


def test_spread():
    assert spread(np.arange({number})) == {number} - 1
    assert spread([1.5, 1.5]) == 0
"""
CALLS = {"plain": "\n\ntest_digits()\n", "numpy": "\n\ntest_spread()\n"}


def texts(kind: str, count: int) -> list[str]:
    """Small programs that differ in a number, as a model's answers to one task do."""
    made = []
    for number in range(2, count + 2):
        expected = sum(map(int, str(number)))
        body = PLAIN if kind == "plain" else NUMPY
        made.append(body.replace("{number}", str(number)).replace("{expected}", str(expected)))
    return made


def in_sandbox(sandbox: ZygoteSandbox | BubblewrapSandbox) -> Callable[..., int]:
    def run(codes: Sequence[str], kind: str, workers: int) -> int:
        programs = [Program(code=code + CALLS[kind], timeout_s=60) for code in codes]
        results = sandbox.run_many(programs, workers)
        return sum(result.status == "passed" for result in results)

    return run


def in_process(*command: str, calls: bool) -> Callable[..., int]:
    def run(codes: Sequence[str], kind: str, workers: int) -> int:
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:

            def one(number: int) -> int:
                path = Path(folder) / f"test_{number}.py"
                path.write_text(codes[number] + (CALLS[kind] if calls else ""))
                words = [sys.executable, *command, str(path)]
                done = subprocess.run(words, cwd=folder, capture_output=True, check=False)
                return int(done.returncode == 0)

            return sum(pool.map(one, range(len(codes))))

    return run


def cpu_seconds() -> float:
    """CPU seconds of the whole machine so far: user, nice, system, interrupts."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _, _, irq, softirq = map(int, fields[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def measure(run: Callable[..., int], kind: str, count: int, workers: int) -> tuple[float, float]:
    """Programs a second and CPU milliseconds a program, after a short warm-up."""
    codes = texts(kind, count)
    run(codes[: 2 * workers], kind, workers)
    began, cpu = time.perf_counter(), cpu_seconds()
    passed = run(codes, kind, workers)
    seconds, used = time.perf_counter() - began, cpu_seconds() - cpu
    if passed != count:
        raise SystemExit(f"only {passed} of {count} {kind} programs passed")
    return count / seconds, 1000 * used / count


def table(kind: str, rows: dict[str, tuple[float, float]], numbers: str) -> str:
    per_program, bare = rows["bubblewrap per program"], rows["fresh `python -I`, no sandbox"]
    pytest = rows["fresh `python -m pytest`, no sandbox"]
    lines = [f"### {kind} programs ({numbers})\n"]
    lines.append("| way | programs/s | × bubblewrap | × pytest | CPU ms/program | × bare CPU |")
    lines.append("|---|--:|--:|--:|--:|--:|")
    for name, (rate, cpu) in rows.items():
        ratios = f"{rate / per_program[0]:.1f} | {rate / pytest[0]:.1f}"
        lines.append(f"| {name} | {rate:.1f} | {ratios} | {cpu:.1f} | {cpu / bare[1]:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    numbers = f"{options.programs} programs, {options.workers} workers"
    report = [
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, "
        f"load before {load:.1f}\n"
    ]
    for kind in ("plain", "numpy"):
        packages = ("numpy",) if kind == "numpy" else ()
        zygote = ZygoteSandbox(packages)
        ways = {
            "zygote": in_sandbox(zygote),
            "bubblewrap per program": in_sandbox(BubblewrapSandbox(packages)),
            "fresh `python -I`, no sandbox": in_process("-I", calls=True),
            "fresh `python -m pytest`, no sandbox": in_process(
                "-m", "pytest", "-q", "-p", "no:cacheprovider", calls=False
            ),
        }
        rows = {
            name: measure(run, kind, options.programs, options.workers)
            for name, run in ways.items()
        }
        zygote.close()
        report.append(table(kind, rows, numbers))
    text = "\n".join(report)
    print(text)
    if options.output:
        options.output.write_text(text)


if __name__ == "__main__":
    main()
