"""Proof, without a model, that each benchmark scores a right answer 1 and a wrong one 0."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from purpcode.errors import InputError, UnavailableError
from purpcode.evals.benchmarks.benchmark import Benchmark
from purpcode.evals.benchmarks.files import read_table
from purpcode.evals.oracle_choice import Checkouts, open_eval_panel
from purpcode.evals.units import Unit, draw_units, id_of_turn, turn_messages, turn_units
from purpcode.oracles.oracle import Panel
from purpcode.oracles.settings import OracleSettings
from purpcode.types import Completion, Rollout, Sample

Kind = Literal["gold", "bad"]
FIXTURES = Path(__file__).parent / "benchmarks" / "fixtures"
"""Per benchmark `<name>.jsonl`, rows written by us in its published schema, and
`<name>.answers.json`, which maps their ids to a gold and a bad answer (lists for the turns of a
conversation)."""


@dataclass(frozen=True)
class Check:
    """One fixture answer and what became of it; `passed` as in a judgement.

    `missing` says which part of its oracles is not on this machine: it was then not judged.
    """

    benchmark: str
    sample_id: str
    kind: Kind
    passed: bool | None
    reason: str
    missing: str = ""

    @property
    def holds(self) -> bool:
        """Whether the answer was scored as it should be."""
        return self.passed is (self.kind == "gold")


@dataclass(frozen=True)
class Fixture:
    """A benchmark's fixture rows as samples, with their answers."""

    benchmark: Benchmark
    samples: tuple[Sample, ...]
    answers: Mapping[str, Mapping[str, Any]]

    def rollouts(self, kind: Kind) -> list[Rollout]:
        """The answers of one kind, as if a model had given them."""
        found: list[Rollout] = []
        for sample in self.samples:
            given = self.answers[sample.id][kind]
            texts = given if isinstance(given, list) else [given]
            for turn, text in enumerate(texts):
                answers = {(one.sample_id, 0): one for one in found}
                messages = turn_messages(sample, turn, answers) if len(texts) > 1 else None
                found.append(
                    Rollout(
                        sample_id=sample.id if len(texts) == 1 else id_of_turn(sample, turn),
                        index=0,
                        messages=messages or sample.messages,
                        completion=Completion(text=text, stop_reason="stop"),
                        model=kind,
                    )
                )
        return found

    def units(self, kind: Kind) -> list[Unit]:
        """The answers of one kind, as they are judged."""
        answers = {(rollout.sample_id, 0): rollout for rollout in self.rollouts(kind)}
        if self.benchmark.conversations:
            return turn_units(self.samples, answers, 1)
        return draw_units(self.samples, answers, 1)


def load_fixture(benchmark: Benchmark) -> Fixture:
    """The benchmark's fixture.

    Raises:
        InputError: it is missing or malformed.
    """
    path = FIXTURES / f"{benchmark.name}.jsonl"
    samples = [benchmark.prepare(one) for one in benchmark.read(read_table(path), path)]
    answers_path = FIXTURES / f"{benchmark.name}.answers.json"
    answers = json.loads(answers_path.read_text(encoding="utf-8"))
    for sample in samples:
        if not {"gold", "bad"} <= set(answers.get(sample.id, ())):
            raise InputError(
                f"'{sample.id}' has no gold and bad answer", path=answers_path, field=sample.id
            )
    return Fixture(benchmark, tuple(samples), answers)


def validate(
    benchmarks: Sequence[Benchmark], settings: OracleSettings, panel: Panel | None = None
) -> list[Check]:
    """Judge every benchmark's gold and bad answers; unmeasured ones do not hold.

    Raises:
        InputError: a fixture is malformed.
        UnavailableError: the parts of all oracles of a benchmark are missing here. Where those of
            some of its rows are, their checks say so (`missing`).
    """
    checks: list[Check] = []
    for benchmark in benchmarks:
        fixture, judges, missing = open_parts(
            load_fixture(benchmark),
            lambda names: panel or open_eval_panel(settings, names, Checkouts()),
        )
        kinds: tuple[Kind, ...] = ("gold", "bad")
        for kind in kinds:
            checks += judge_fixture(fixture, kind, judges)
            checks += [
                Check(benchmark.name, sample, kind, None, fault, missing=fault)
                for sample, fault in missing.items()
            ]
    return checks


def open_parts(
    fixture: Fixture, open_panel: Callable[[Iterable[str]], Panel]
) -> tuple[Fixture, Panel, dict[str, str]]:
    """The rows of a fixture whose oracles can be opened here, their panel, and the other rows'
    ids with what is missing.

    Raises:
        UnavailableError: no row's oracles can be opened.
    """
    names = list(dict.fromkeys(name for one in fixture.samples for name in one.oracles))
    try:
        return fixture, open_panel(names), {}
    except UnavailableError as error:
        first = error
    faults: dict[str, str] = {}
    for name in names:
        try:
            open_panel([name])
        except UnavailableError as error:
            faults[name] = str(error)
    missing = {
        sample.id: next(faults[name] for name in sample.oracles if name in faults)
        for sample in fixture.samples
        if faults.keys() & set(sample.oracles)
    }
    left = tuple(sample for sample in fixture.samples if sample.id not in missing)
    if not left:
        raise first
    opened = open_panel([name for name in names if name not in faults])
    return replace(fixture, samples=left), opened, missing


def told_missing(missing: Mapping[str, str]) -> list[str]:
    """A line for each part that is not on this machine: the rows that need it, how to get it."""
    faults = dict.fromkeys(missing.values())
    return [
        f"{', '.join(row for row in missing if missing[row] == fault)}:"
        f" {'; '.join(line.strip() for line in fault.splitlines())}"
        for fault in faults
    ]


def judge_fixture(fixture: Fixture, kind: Kind, panel: Panel) -> list[Check]:
    """The fixture's answers of one kind, judged; a conversation is one check, of all its turns."""
    units = fixture.units(kind)
    completions = [
        unit.rollout.completion if unit.rollout else Completion(text="", stop_reason="error")
        for unit in units
    ]
    judgements = panel.judge([unit.sample for unit in units], completions)
    by_sample: dict[str, list[tuple[bool | None, str]]] = {}
    missing: dict[str, str] = {}
    for unit, judgement in zip(units, judgements, strict=True):
        reasons = "; ".join(f"{v.oracle}: {v.error or v.reason}" for v in judgement.verdicts)
        key = unit.conversation or unit.sample_id
        by_sample.setdefault(key, []).append((judgement.passed, reasons))
        if any("missing_tool" in verdict.evidence for verdict in judgement.verdicts):
            missing[key] = reasons
    checks = []
    for sample_id, seen in by_sample.items():
        outcomes = [passed for passed, _ in seen]
        passed = False if False in outcomes else (None if None in outcomes else True)
        reason = next((why for out, why in seen if out is passed), "")
        told = missing.get(sample_id, "")
        checks.append(Check(fixture.benchmark.name, sample_id, kind, passed, reason, missing=told))
    return checks
