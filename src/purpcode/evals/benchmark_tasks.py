"""Every benchmark as an Inspect task: `inspect eval purpcode/cyberseceval_scg --model ...`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from inspect_ai import Task, task
from inspect_ai.model import GenerateConfig

from purpcode.errors import InputError
from purpcode.evals.benchmarks.benchmark import Benchmark
from purpcode.evals.benchmarks.registry import BENCHMARKS
from purpcode.evals.importing import load_rows
from purpcode.evals.inspect_errors import parse_settings, require_oracles, told_by_inspect
from purpcode.evals.inspect_turns import ask_turns, turns_scorer
from purpcode.evals.quick_suite import read_by_sample, recorded, suite_task
from purpcode.evals.scorers import panel_scorer


def task_name(benchmark: Benchmark) -> str:
    """The benchmark's name under Inspect, below `purpcode/`."""
    return benchmark.name.replace("-", "_")


def _task_of(benchmark: Benchmark) -> Callable[..., Task]:
    def build(
        data: str | None = None,
        completions: str | None = None,
        oracles: dict[str, Any] | str | None = None,
        allow_partial: bool = False,
    ) -> Task:
        with told_by_inspect():
            if benchmark.conversations and completions:
                raise InputError(
                    "conversations are asked turn by turn and not replayed", field="completions"
                )
            loaded = load_rows(benchmark, Path(data) if data else None, allow_partial=allow_partial)
            read = benchmark.read(loaded.rows, loaded.path)
            samples = [benchmark.prepare(sample) for sample in read]
            require_oracles(samples, parse_settings(oracles))
            solve = recorded(read_by_sample(Path(completions))) if completions else None
        name, config = task_name(benchmark), _protocol(benchmark)
        if benchmark.conversations:
            return suite_task(samples, ask_turns(), turns_scorer(oracles), name, config)
        return suite_task(samples, solve, panel_scorer(oracles), name, config)

    build.__name__ = build.__qualname__ = task_name(benchmark)
    build.__doc__ = f"""{benchmark.published}: {benchmark.measures}.

    Args:
        data: data file or the upstream project's checkout; without it, the folder that
            PURPCODE_DATA_DIR names, else the Hub.
        completions: JSONL file of rollouts to replay; without it the model is asked.
        oracles: the recipe's `[oracles]` section, as a mapping or JSON.
        allow_partial: go on with rows that are not the whole benchmark.
    """
    return build


def _protocol(benchmark: Benchmark) -> GenerateConfig:
    return GenerateConfig(
        temperature=benchmark.protocol.temperature, max_tokens=benchmark.protocol.max_tokens
    )


TASK_BUILDERS: dict[str, Callable[..., Task]] = {
    name: task(name=task_name(benchmark))(_task_of(benchmark))
    for name, benchmark in BENCHMARKS.items()
}
"""Short name → Inspect task."""
