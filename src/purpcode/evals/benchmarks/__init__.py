"""The benchmarks of the recipe, one a file: rows of published data in, samples with oracles out.

In: a Hub dataset, a local file in its schema, or the upstream project's own data. Out: `Sample`s
that name their oracles, and how their verdicts are counted.
"""

from purpcode.evals.benchmarks.benchmark import Benchmark, Protocol
from purpcode.evals.benchmarks.registry import BENCHMARKS, find_benchmark

__all__ = ["BENCHMARKS", "Benchmark", "Protocol", "find_benchmark"]
