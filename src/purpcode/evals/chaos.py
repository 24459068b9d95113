"""A drill: parts are broken on purpose, and no answer may come out measured by what is broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from purpcode.errors import InputError
from purpcode.evals.benchmarks.benchmark import Benchmark
from purpcode.evals.broken_parts import PARTS, USERS, broken_panel
from purpcode.evals.statistics import Rate
from purpcode.evals.validation import (
    Check,
    judge_fixture,
    load_fixture,
    open_parts,
    told_missing,
)
from purpcode.oracles.oracle import Oracle, Panel
from purpcode.types import Completion, Sample, Verdict


def parse_faults(text: str) -> dict[str, str]:
    """`analyzer=down,judge=garbage` → part → fault.

    Raises:
        InputError: an unknown part or fault, or none at all.
    """
    faults: dict[str, str] = {}
    for word in filter(None, (word.strip() for word in text.split(","))):
        part, _, fault = word.partition("=")
        if fault not in PARTS.get(part, ()):
            known = ", ".join(f"{part}={fault}" for part, all_ in PARTS.items() for fault in all_)
            raise InputError(f"no fault '{word}'", field="chaos", hint=f"Faults: {known}")
        faults[part] = fault
    if not faults:
        raise InputError("names no fault", field="chaos", hint="Example: analyzer=down")
    return faults


@dataclass(frozen=True)
class DrillReport:
    """What became of the right answers of every benchmark while parts were broken.

    `leaks` are verdicts that an oracle gave without the part it needs; `missing` maps fixture rows
    that were left out to the part of theirs that is not on this machine.
    """

    faults: Mapping[str, str]
    rates: Mapping[str, Rate]
    leaks: tuple[str, ...] = field(default=())
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether nothing was measured by what is broken."""
        return not self.leaks


def run_drill(benchmarks: Sequence[Benchmark], faults: Mapping[str, str]) -> DrillReport:
    """Judge every benchmark's gold and bad answers with broken parts.

    Raises:
        InputError: a fixture is malformed.
        UnavailableError: a part that is not broken, and that all rows of a benchmark need, is
            missing here.
    """
    rates: dict[str, Rate] = {}
    leaks: list[str] = []
    missing: dict[str, str] = {}
    broken = {name for part in faults for name in USERS[part]}
    for benchmark in benchmarks:
        fixture, panel, left_out = open_parts(
            load_fixture(benchmark), lambda names: broken_panel(names, faults)
        )
        missing |= {f"{benchmark.name} {row}": fault for row, fault in left_out.items()}
        watched = _Watched(panel)
        checks: list[Check] = []
        checks += judge_fixture(fixture, "gold", watched)
        checks += judge_fixture(fixture, "bad", watched)
        rates[benchmark.name] = Rate.of(check.passed for check in checks)
        leaks += [
            f"{benchmark.name}: {oracle} {said} without its {_part_of(oracle)}"
            for oracle, said in watched.measured
            if oracle in broken
        ]
    return DrillReport(dict(faults), rates, tuple(leaks), missing)


def print_drill(report: DrillReport, say: Callable[[str], None] = print) -> None:
    """Print what was broken, and per benchmark how many answers were still measured."""
    for part, fault in report.faults.items():
        say(f"{part} {fault}: {PARTS[part][fault]}")
    width = max(map(len, report.rates))
    say("\nright and wrong answers of the fixtures, judged all the same:")
    for name, rate in report.rates.items():
        shown = str(rate) if rate.measured else "nothing measured"
        say(f"  {name:<{width}}  {rate.unmeasured} of {rate.total} unmeasured  {shown}")
    for line in told_missing(report.missing):
        say(f"  left out: {line}")
    for leak in report.leaks:
        say(f"LEAK: {leak}")
    if report.holds:
        say("\nNo oracle passed or failed an answer without the part it needs.")


class _Watched(Panel):
    """A panel that notes every verdict that is not unmeasured; a part's absence may still fail an
    answer for what was seen before the part was needed (no code at all, a syntax error)."""

    def __init__(self, panel: Panel) -> None:
        super().__init__({name: _Noting(one, self) for name, one in panel.oracles.items()})
        self.measured: list[tuple[str, str]] = []


class _Noting:
    def __init__(self, oracle: Oracle, panel: _Watched) -> None:
        self.name = oracle.name
        self._oracle = oracle
        self._panel = panel

    def fingerprint(self) -> str:
        return self._oracle.fingerprint()

    def judge(self, samples: Sequence[Sample], completions: Sequence[Completion]) -> list[Verdict]:
        verdicts = self._oracle.judge(samples, completions)
        for completion, verdict in zip(completions, verdicts, strict=True):
            needed = self.name in USERS["judge"] or "```" in completion.text
            if verdict.passed is not None and needed:
                said = "passed an answer" if verdict.passed else "failed an answer"
                self._panel.measured.append((self.name, said))
        return verdicts


def _part_of(oracle: str) -> str:
    return next(part for part, users in USERS.items() if oracle in users)
