"""HumanEval+ and MBPP+: Python functions held against the reference solution on many inputs."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from purpcode.evals.benchmarks.benchmark import Benchmark, verdict_outcomes
from purpcode.evals.benchmarks.files import find_file, read_table
from purpcode.evals.benchmarks.rows import Data, Row, as_rows, user_message
from purpcode.types import Sample

_PROMPT = (
    "Write the Python function that is described here. Give the whole function, with what it"
    " imports, in one code block.\n\n```python\n{prompt}\n```"
)
_KEPT = ("entry_point", "canonical_solution", "base_input", "plus_input", "atol", "assertion",
         "prompt", "test")  # fmt: skip


def read_row(row: Row) -> Sample:
    """A task with EvalPlus' inputs (`base_input`, `plus_input`) or its `test` script. A row with
    neither (the recipe's Hub rows hold the prompt alone) is unmeasured by `unit_tests`."""
    target = {name: row.data[name] for name in _KEPT if row.data.get(name) is not None}
    return Sample(
        id=row.task_id,
        messages=row.messages,
        oracles=("unit_tests",),
        target={**target, "task_id": row.task_id, "language": "python"},
        metadata={"objective": "unit_tests", "language": "python"},
    )


def prepare(sample: Sample) -> Sample:
    """The target as `unit_tests` reads it: inputs get back the tuples and sets that JSON lacks."""
    from purpcode.oracles.unit_testing.evalplus import evalplus_target
    from purpcode.oracles.unit_testing.target import BadTargetError

    given = sample.target
    if "base_input" in given:
        try:
            return sample.model_copy(update={"target": evalplus_target(given)})
        except BadTargetError:
            return sample  # unit_tests says what is missing
    if "test" not in given:
        return sample
    solution = str(given.get("canonical_solution") or "")
    alone = f"def {given.get('entry_point')}" in solution
    reference = solution if alone else f"{given.get('prompt', '')}{solution}"
    target = {"entry_point": given.get("entry_point"), "tests": given["test"]}
    if solution:
        target["reference"] = reference
    return sample.model_copy(update={"target": target})


def rows_of(data: Iterable[Data], path: Path | None = None) -> list[dict[str, Any]]:
    """EvalPlus' own rows in the published schema: those of its files, and those of its Hub
    datasets (whose MBPP+ rows name the function only in `test_list`)."""
    rows = []
    for row in as_rows(data, path):
        prompt = row.text("prompt").strip()
        kept = {name: row.data[name] for name in _KEPT if row.data.get(name) is not None}
        if "test_list" in row.data:
            kept |= _mbpp_columns(row)
            prompt = kept["prompt"]
        asked = _PROMPT.format(prompt=prompt)
        rows.append({"task_id": row.task_id, "messages": user_message(asked), **kept})
    return rows


def _mbpp_columns(row: Row) -> dict[str, Any]:
    """A row of the Hub's MBPP+ as EvalPlus' file has it: its id; the function's name; the first
    assertion below the prompt, since only that names the function; the script of tests with what
    it imports."""
    code, examples = row.text("code"), _texts(row, "test_list")
    entry_point = _tested_function(code, examples)
    if entry_point is None:
        raise row.error("calls no function that 'code' defines", "test_list")
    number = row.task_id
    found = {
        "task_id": f"Mbpp/{number}" if number.isdecimal() else number,
        "entry_point": entry_point,
        "canonical_solution": code,
        "prompt": f'"""\n{row.text("prompt").strip()}\n{examples[0]}\n"""',
    }
    if "test" in row.data:
        found["test"] = "\n".join([*_texts(row, "test_imports"), row.text("test")])
    return found


def _texts(row: Row, name: str) -> list[str]:
    given = row.data.get(name)
    if given is None or isinstance(given, str) or not isinstance(given, Iterable):
        raise row.error("must be a list of texts", name)
    return [str(one) for one in given]


def _tested_function(code: str, assertions: Sequence[str]) -> str | None:
    """The function of `code` that the assertions call."""
    try:
        defined = {one.name for one in ast.parse(code).body if isinstance(one, ast.FunctionDef)}
        asserted = ast.parse("\n".join(assertions))
    except (SyntaxError, ValueError, RecursionError):
        return None
    called = [one.func for one in ast.walk(asserted) if isinstance(one, ast.Call)]
    names = [one.id for one in called if isinstance(one, ast.Name)]
    return next((name for name in names if name in defined), None)


def doubt(rows: Sequence[Data]) -> str:
    """Whether rows that bring scripts of tests have those of HumanEval, a fraction of
    HumanEval+'s: the latter hold lists of inputs."""
    tests = [str(row["test"]) for row in rows if row.get("test") and not row.get("base_input")]
    if len(tests) == len(rows) and not any("inputs = [" in test for test in tests):
        return "HumanEval's own tests, without the inputs that make it HumanEval+"
    return ""


def _importer(name: str, hub: str) -> Any:
    def import_from(path: Path) -> list[dict[str, Any]]:
        found = find_file(path, f"**/{name}*.jsonl*", f"**/{hub}*.jsonl*", "**/test-*.parquet",
                          what=f"{name}.jsonl[.gz]")  # fmt: skip
        return rows_of(read_table(found), found)

    return import_from


def _benchmark(name: str, published: str, file: str, rows: int, known: dict[str, str]) -> Benchmark:
    return Benchmark(
        name=name,
        published=published,
        measures="share of Python functions that agree with the reference on all inputs",
        rows=rows,
        licence="Apache-2.0",
        citation="Liu et al., EvalPlus, NeurIPS 2023, arXiv 2305.01210",
        oracles=("unit_tests",),
        read_row=read_row,
        import_from=_importer(file, name),
        upstream=f"EvalPlus' {file}.jsonl[.gz], or the Hub dataset evalplus/{name}",
        hub=f"evalplus/{name}",
        from_hub=rows_of,
        files=(f"{name}/{file}.jsonl*", f"{file}*.jsonl*"),
        sha256=known,
        doubt=doubt,
        outcomes=verdict_outcomes({"pass": "*"}, ("unit_tests",)),
        prepare=prepare,
    )


HUMANEVAL = _benchmark("humanevalplus", "purpcode/humanevalplus", "HumanEvalPlus", 164, {})
MBPP = _benchmark(
    "mbppplus",
    "purpcode/mbppplus",
    "MbppPlus",
    378,
    {"b54e762755248ca411b523c917fa9f93c07b5ff2966bf60b3917b853926a3dad": "MbppPlus.jsonl"},
)
