"""The benchmarks by name, one line each."""

from __future__ import annotations

from purpcode.errors import InputError
from purpcode.evals.benchmarks import (
    codelmsec,
    cweval,
    cyberseceval_frr,
    cyberseceval_mitre,
    cyberseceval_scg,
    evalplus,
    phtest,
    redteam_conversations,
    security_qa,
    xscode,
    xstest,
)
from purpcode.evals.benchmarks.benchmark import Benchmark

BENCHMARKS: dict[str, Benchmark] = {
    "cyberseceval-scg": cyberseceval_scg.BENCHMARK,
    "cyberseceval-mitre": cyberseceval_mitre.BENCHMARK,
    "cyberseceval-frr": cyberseceval_frr.BENCHMARK,
    "codelmsec": codelmsec.BENCHMARK,
    "cweval": cweval.BENCHMARK,
    "xscode": xscode.BENCHMARK,
    "xstest": xstest.BENCHMARK,
    "humanevalplus": evalplus.HUMANEVAL,
    "mbppplus": evalplus.MBPP,
    "phtest": phtest.BENCHMARK,
    "security-qa": security_qa.BENCHMARK,
    "redteam-conversations": redteam_conversations.BENCHMARK,
}
"""Short name → benchmark."""


def find_benchmark(name: str) -> Benchmark | None:
    """The benchmark of a short or published name; case, dashes, underscores and a plus written
    out do not matter. None when it is not among these."""
    wanted = plain_name(name)
    for benchmark in BENCHMARKS.values():
        if wanted in (plain_name(benchmark.name), plain_name(benchmark.published)):
            return benchmark
    return None


def require_benchmark(name: str) -> Benchmark:
    """Like `find_benchmark`.

    Raises:
        InputError: no such benchmark.
    """
    found = find_benchmark(name)
    if found is None:
        raise InputError(f"no benchmark named '{name}'", hint=f"Available: {', '.join(BENCHMARKS)}")
    return found


def plain_name(name: str) -> str:
    """A benchmark's name reduced to what tells it from others."""
    plain = name.lower().removeprefix("purpcode/").replace("+", "plus")
    return plain.replace("-", "").replace("_", "")
