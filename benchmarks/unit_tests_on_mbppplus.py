"""What unit_tests says of MBPP+: canonical solutions must pass, mutated ones must fail.

    PURPCODE_DATA_DIR=<folder> python benchmarks/unit_tests_on_mbppplus.py

The folder holds mbppplus/MbppPlus.jsonl.gz. `--limit 60` takes every n-th task. For each task it
judges the canonical solution by the inputs of base and plus (`calls`) and by the row's assertions
(`asserts`), and wrong solutions made from it: an operator swapped, a comparison turned, a constant
off by one, `return None`, `return []`, a constant, the argument.
A mutant that gives the canonical values on every input is equivalent as far as the row can tell;
how many mutants passed is printed, with their names under `--verbose`.
"""

from __future__ import annotations

import argparse
import ast
import copy
import gzip
import json
import os
import random
import time
from collections import Counter
from pathlib import Path

from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.unit_testing.evalplus import evalplus_target
from purpcode.oracles.unit_tests import UnitTests
from purpcode.types import Completion, Message, Sample

_SWAPS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
}
_TURNS = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


def read_rows(limit: int) -> list[dict]:
    path = Path(os.environ["PURPCODE_DATA_DIR"]) / "mbppplus" / "MbppPlus.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    step = max(1, len(rows) // limit) if limit else 1
    return rows[::step][: limit or None]


def mutants(code: str, entry_point: str, seed: str) -> dict[str, str]:
    """Wrong solutions by the name of what was changed; one of each kind."""
    tree, rng = ast.parse(code), random.Random(seed)
    arguments = "*args, **kwargs"
    made = {
        "returns None": f"def {entry_point}({arguments}):\n    return None",
        "returns 7919": f"def {entry_point}({arguments}):\n    return 7919",
        "returns an empty list": f"def {entry_point}({arguments}):\n    return []",
        "returns its argument": f"def {entry_point}({arguments}):\n    return args[0]",
    }
    for name, change in (("operator", _swap), ("comparison", _turn), ("off by one", _off_by_one)):
        places = [row for row, node in enumerate(ast.walk(tree)) if change(copy.deepcopy(node))]
        if places:
            mutated, place = copy.deepcopy(tree), rng.choice(places)
            change(list(ast.walk(mutated))[place])
            made[name] = ast.unparse(ast.fix_missing_locations(mutated))
    return made


def _swap(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _SWAPS:
        node.op = _SWAPS[type(node.op)]()
        return True
    return False


def _turn(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _TURNS:
        node.ops[0] = _TURNS[type(node.ops[0])]()
        return True
    return False


def _off_by_one(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        node.value += 1
        return True
    return False


def sample_of(row: dict, target: dict) -> Sample:
    messages = (Message(role="user", content=row["prompt"]),)
    return Sample(id=row["task_id"], messages=messages, oracles=("unit_tests",), target=target)


def answer(code: str) -> Completion:
    return Completion(text=f"```python\n{code}\n```")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--limit", type=int, default=0, help="tasks to take; 0 takes all")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="name every surprise")
    options = parser.parse_args()
    oracle = UnitTests(OracleSettings(workers=options.workers, test_memory_mb=2048))
    rows, began = read_rows(options.limit), time.monotonic()
    labels, pairs = [], []
    for row in rows:
        by_calls = sample_of(row, evalplus_target(row))
        asserts = {"tests": row["assertion"], "entry_point": row["entry_point"]}
        by_asserts = sample_of(row, asserts)
        wrong = mutants(row["canonical_solution"], row["entry_point"], row["task_id"])
        for form, sample in (("calls", by_calls), ("asserts", by_asserts)):
            pairs.append((sample, answer(row["canonical_solution"])))
            labels.append((form, "canonical"))
            for name, code in wrong.items():
                pairs.append((sample, answer(code)))
                labels.append((form, name))
    verdicts = oracle.judge([one for one, _ in pairs], [one for _, one in pairs])
    seconds = time.monotonic() - began
    counts = Counter(
        (form, name, verdict.passed) for (form, name), verdict in zip(labels, verdicts, strict=True)
    )
    print(f"{len(rows)} tasks, {len(pairs)} verdicts in {seconds:.0f} s with {oracle.sandbox.name}")
    print(f"{'form':8} {'solution':22} {'passed':>7} {'failed':>7} {'unmeasured':>11}")
    for form, name in dict.fromkeys(labels):
        row = [counts[form, name, outcome] for outcome in (True, False, None)]
        print(f"{form:8} {name:22} {row[0]:7} {row[1]:7} {row[2]:11}")
    for (sample, _), (form, name), verdict in zip(pairs, labels, verdicts, strict=True):
        if verdict.passed is not (name == "canonical") and (name == "canonical" or options.verbose):
            said = verdict.error or verdict.reason
            print(f"{sample.id} by {form}, {name}: passed is {verdict.passed}: {said[:200]}")


if __name__ == "__main__":
    main()
