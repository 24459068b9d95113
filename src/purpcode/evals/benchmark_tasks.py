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
from purpcode.evals.inspect_turns import ask_turns, turns_scorer
from purpcode.evals.quick_suite import by_sample, recorded, suite_task
from purpcode.evals.scorers import panel_scorer
from purpcode.records import read_records
from purpcode.types import Rollout


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
        loaded = load_rows(benchmark, Path(data) if data else None, allow_partial=allow_partial)
        read = benchmark.read(loaded.rows, loaded.path)
        samples = [benchmark.prepare(sample) for sample in read]
        config = GenerateConfig(
            temperature=benchmark.protocol.temperature, max_tokens=benchmark.protocol.max_tokens
        )
        name = task_name(benchmark)
        if benchmark.conversations:
            if completions is not None:
                raise InputError("conversations are asked turn by turn and not replayed",
                                 field="completions")  # fmt: skip
            return suite_task(samples, ask_turns(), turns_scorer(oracles), name, config)
        if completions is None:
            return suite_task(samples, None, panel_scorer(oracles), name, config)
        rollouts = by_sample(read_records(Path(completions), Rollout))
        return suite_task(samples, recorded(rollouts), panel_scorer(oracles), name)

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


TASK_BUILDERS: dict[str, Callable[..., Task]] = {
    name: task(name=task_name(benchmark))(_task_of(benchmark))
    for name, benchmark in BENCHMARKS.items()
}
"""Short name → Inspect task."""
