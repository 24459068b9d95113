"""How many snippets the analyzers judge per second, in batches and one process per snippet.

    python benchmarks/analyzer_throughput.py [--profiles fast,thorough] [--snippets 1000]

Every measurement runs in a fresh interpreter. The snippets are made of the rule catalogue's own
examples and solutions, no two alike. "Per core-second" divides by the CPU seconds of all processes
of the measurement, so that it holds whatever else the machine does; memory is the highest sum of
resident memory over these processes, polled. "One process per snippet" runs the same tools on a
subset: a tool's own process per snippet, or a fresh interpreter for a tool without one. The tools
of a profile run beside each other, each with the given number of workers.
`--snippets 10000` shows whether memory grows with the batch.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from purpcode.analyzers import Ensemble, Snippet, open_analyzers
from purpcode.analyzers.command_line import CommandLineAnalyzer
from purpcode.analyzers.registry import PROFILES
from purpcode.errors import PurpcodeError
from purpcode.rules import load_catalogue

SEED = 20250726
POLL_S = 0.02
COLUMNS = (
    "Snippets per core-second",
    "One process per snippet",
    "Ratio",
    "Peak MB",
    "Unmeasured",
    "Findings",
)


@dataclass
class Measured:
    """One measurement; times in seconds, memory in MiB."""

    snippets: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    unmeasured: int
    findings: int

    @property
    def per_core_second(self) -> float:
        return self.snippets / self.cpu_s

    @property
    def per_second(self) -> float:
        return self.snippets / self.wall_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", default="fast,thorough")
    parser.add_argument("--analyzers", help="measure this set instead of profiles")
    parser.add_argument("--snippets", type=int, default=1000)
    parser.add_argument("--subset", type=int, default=20)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(asdict(measure(**json.loads(arguments.measure)))))
        return
    if arguments.analyzers:
        sets = {"chosen": tuple(arguments.analyzers.split(","))}
    else:
        sets = {name: PROFILES[name] for name in arguments.profiles.split(",")}
    try:
        open_analyzers([name for names in sets.values() for name in names])
    except PurpcodeError as error:
        raise SystemExit(str(error)) from None
    report(sets, arguments.snippets, arguments.subset)


def report(sets: dict[str, tuple[str, ...]], count: int, subset: int) -> None:
    """Measure and print Markdown."""
    tools = list(dict.fromkeys(name for names in sets.values() for name in names))
    batches = {tool: elsewhere([tool], count, 1) for tool in tools}
    singles = {tool: elsewhere([tool], subset, 1, single=True) for tool in tools}
    print(f"{count} snippets in a batch; {subset} one at a time; one worker.\n")
    table_head("Tool", *COLUMNS)
    for tool in tools:
        print_row(tool, batches[tool], singles[tool].per_core_second)
    print()
    table_head("Profile", *COLUMNS, "Snippets/s, 1 worker", "2 workers", "Scaling")
    for name, members in sets.items():
        one, two = elsewhere(list(members), count, 1), elsewhere(list(members), count, 2)
        alone = subset / sum(singles[tool].cpu_s for tool in members)
        speeds = (one.per_second, two.per_second, two.per_second / one.per_second)
        print_row(name, one, alone, f"{speeds[0]:.1f}", f"{speeds[1]:.1f}", f"{speeds[2]:.2f}x")


def table_head(*titles: str) -> None:
    print("| " + " | ".join(titles) + " |\n|" + " --- |" * len(titles))


def print_row(name: str, batch: Measured, alone: float, *more: str) -> None:
    cells = [
        name,
        f"{batch.per_core_second:.1f}",
        f"{alone:.2f}",
        f"{batch.per_core_second / alone:.1f}x",
        f"{batch.peak_mb:.0f}",
        str(batch.unmeasured),
        str(batch.findings),
    ]
    print("| " + " | ".join((*cells, *more)) + " |", flush=True)


def elsewhere(names: list[str], count: int, workers: int, *, single: bool = False) -> Measured:
    """A measurement in a fresh interpreter."""
    job = json.dumps({"names": names, "count": count, "workers": workers, "single": single})
    done = subprocess.run(
        [sys.executable, __file__, "--measure", job], stdout=subprocess.PIPE, text=True, check=True
    )
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def measure(names: list[str], count: int, workers: int, single: bool) -> Measured:
    snippets = varied_snippets(count)
    analyzers = open_analyzers(names, workers=workers)
    if single:
        return measure_single(names[0], snippets)
    ensemble = Ensemble(analyzers)
    with watched() as seen:
        results = ensemble.analyze(snippets)
    unmeasured = sum(result.error is not None for result in results)
    return Measured(count, **seen, unmeasured=unmeasured, findings=findings_in(results))


def measure_single(name: str, snippets: list[Snippet]) -> Measured:
    (analyzer,) = open_analyzers([name], workers=1)
    unmeasured = findings = 0
    with watched() as seen:
        for snippet in snippets:
            if isinstance(analyzer, CommandLineAnalyzer):
                (result,) = analyzer.analyze([snippet])
                unmeasured += result.error is not None
                findings += len(result.findings)
            else:
                subprocess.run(fresh_interpreter(name), input=snippet.code, text=True, check=True)
    return Measured(len(snippets), **seen, unmeasured=unmeasured, findings=findings)


def fresh_interpreter(name: str) -> list[str]:
    program = (
        "import sys; from purpcode.analyzers import Snippet, open_analyzers;"
        " open_analyzers([sys.argv[1]], workers=1)[0].analyze([Snippet('s', sys.stdin.read())])"
    )
    return [sys.executable, "-c", program, name]


def findings_in(results: list[Any]) -> int:
    return sum(len(result.findings) for result in results)


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """Fills wall and CPU seconds and the peak memory of this process and its children."""
    seen: dict[str, float] = {}
    peak, polling, over = [0.0], [0.0], threading.Event()

    def poll() -> None:
        this = psutil.Process()
        while not over.wait(POLL_S):
            peak[0] = max(peak[0], tree_mb(this))
            polling[0] = time.thread_time()

    watcher = threading.Thread(target=poll, daemon=True)
    cpu, wall = cpu_seconds(), time.perf_counter()
    watcher.start()
    yield seen
    seen["wall_s"] = time.perf_counter() - wall
    spent = cpu_seconds() - cpu
    over.set()
    watcher.join()
    seen["cpu_s"] = spent - polling[0]
    seen["peak_mb"] = max(peak[0], tree_mb(psutil.Process()))


def tree_mb(process: psutil.Process) -> float:
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.Error:  # it ended between being listed and being asked
            continue
    return total / 2**20


def cpu_seconds() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)


def varied_snippets(count: int) -> list[Snippet]:
    """Snippets of one to four pieces of the catalogue's code, in seeded order, no two alike."""
    pieces = [
        code
        for entry in load_catalogue().values()
        for code in (
            *entry.rule.insecure_examples,
            *entry.rule.secure_examples,
            *(task.secure_code for task in entry.tasks),
        )
    ]
    draw = random.Random(SEED)
    snippets = []
    for number in range(count):
        parts = draw.choices(pieces, k=draw.randint(1, 4))
        name = f"part_{number}"
        code = "\n\n".join(part.strip("\n") for part in parts)
        snippets.append(Snippet(name, f'"""Part {number}."""\n\n{code}\n\n\n{name} = {number}\n'))
    return snippets


if __name__ == "__main__":
    main()
