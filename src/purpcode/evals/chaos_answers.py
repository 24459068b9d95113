"""A drill on the user's own answers: the parts that judged them are broken, and what becomes
unmeasured is shown. Answers are read, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from purpcode.errors import InputError
from purpcode.evals.benchmarks.registry import find_benchmark
from purpcode.evals.broken_parts import PARTS, USERS, broken_oracle
from purpcode.evals.eval_settings import EvalSettings
from purpcode.evals.rescoring import saved_samples
from purpcode.evals.results import ScoredSample
from purpcode.evals.stage import read_header, units_of
from purpcode.evals.units import Unit
from purpcode.records import read_records
from purpcode.types import Completion, Rollout

STAND_INS = (
    "Here it is:\n\n```python\ndef add(a, b):\n    return a + b\n```\n",
    "This depends on the case; begin by reading the documentation of the library you use.",
)
"""Answers for rows that nobody has answered: one with code, one without."""


@dataclass(frozen=True)
class OracleDrill:
    """One oracle without the part it needs, over answers."""

    oracle: str
    part: str
    answers: int
    measured_before: int | None
    """How many of the answers had a verdict when they were saved; None where that is not known."""
    unmeasured: int
    leaks: tuple[str, ...]
    """Answers with a verdict although the part was asked, and failed."""

    @property
    def needless(self) -> int:
        """Answers with a verdict for which the part was not needed."""
        return self.answers - self.unmeasured - len(self.leaks)


def drill_folder(folder: Path, faults: Mapping[str, str]) -> list[OracleDrill]:
    """Judge a results folder's saved answers with broken parts.

    Raises:
        InputError: the folder has no saved answers, or none that need a broken part.
    """
    header = read_header(folder)
    rollouts = read_records(folder / "rollouts.jsonl", Rollout)
    samples = saved_samples(folder, rollouts)
    if header.oracles:
        samples = [one.model_copy(update={"oracles": header.oracles}) for one in samples]
    units = units_of(samples, rollouts, find_benchmark(header.suite), header.draws)
    records = read_records(folder / "records.jsonl", ScoredSample)
    saved = {
        (one.sample_id, one.index, verdict.oracle): verdict.passed is not None
        for one in records
        for verdict in one.verdicts
    }
    return _drill([unit for unit in units if unit.rollout], faults, saved)


def drill_rows(settings: EvalSettings, faults: Mapping[str, str]) -> list[OracleDrill]:
    """Judge stand-in answers to a benchmark's rows, which need no model, with broken parts.

    Raises what `load_questions` raises.
    """
    from purpcode.evals.preparation import load_questions

    questions = load_questions(settings)
    rollouts = [
        Rollout(
            sample_id=sample.id,
            index=index,
            messages=sample.messages,
            completion=Completion(text=text, stop_reason="stop"),
            model="stand-in",
        )
        for sample in questions.samples
        for index, text in enumerate(STAND_INS)
    ]
    whole = questions.benchmark
    if whole is not None and whole.conversations:
        raise InputError(
            "a conversation's rows cannot be answered by stand-ins",
            field="chaos",
            hint="Name the results folder of an evaluation with --folder.",
        )
    return _drill(units_of(questions.samples, rollouts, whole, len(STAND_INS)), faults, None)


def _drill(
    units: Sequence[Unit],
    faults: Mapping[str, str],
    saved: Mapping[tuple[str, int, str], bool] | None,
) -> list[OracleDrill]:
    names = list(dict.fromkeys(name for unit in units for name in unit.sample.oracles))
    found = [_drill_one(name, units, faults, saved) for name in names]
    drills = [one for one in found if one is not None]
    if not drills:
        needed = {part for part, users in USERS.items() if set(users) & set(names)}
        raise InputError(
            f"no oracle of these answers ({', '.join(names)}) needs {' or '.join(faults)}",
            field="chaos",
            hint=f"Break {' or '.join(sorted(needed))}." if needed else None,
        )
    return drills


def _drill_one(
    name: str,
    units: Sequence[Unit],
    faults: Mapping[str, str],
    saved: Mapping[tuple[str, int, str], bool] | None,
) -> OracleDrill | None:
    """One answer at a time, which tells whether the part was asked about it."""
    made = broken_oracle(name, faults)
    if made is None:
        return None
    oracle, part = made
    asked = [unit for unit in units if name in unit.sample.oracles]
    before = unmeasured = 0
    leaks: list[str] = []
    for unit in asked:
        calls = part.calls
        completion = unit.rollout.completion if unit.rollout else Completion(text="")
        (verdict,) = oracle.judge([unit.sample], [completion])
        if verdict.passed is None:
            unmeasured += 1
        elif part.calls > calls:
            leaks.append(unit.sample.id)
        before += bool(saved and saved.get((unit.sample_id, unit.index, name)))
    needs = next(part for part in faults if name in USERS[part])
    known = None if saved is None else before
    return OracleDrill(name, needs, len(asked), known, unmeasured, tuple(leaks))


def print_answers_drill(
    drills: Sequence[OracleDrill], faults: Mapping[str, str], say: Callable[[str], None] = print
) -> None:
    """Print what was broken, and for each oracle that needs it what became unmeasured."""
    for part, fault in faults.items():
        say(f"{part} {fault}: {PARTS[part][fault]}")
    say("\nanswers judged all the same; nothing was written:")
    width = max(len(one.oracle) for one in drills)
    for one in drills:
        was = "" if one.measured_before is None else f" ({one.measured_before} were measured)"
        line = f"  {one.oracle:<{width}}  {one.unmeasured} of {one.answers} unmeasured{was}"
        rest = f"; {one.needless} need no {one.part} to be judged" if one.needless else ""
        say(line + rest)
        for leak in one.leaks[:20]:
            say(f"LEAK: {one.oracle} judged '{leak}' without its {one.part}")
        if len(one.leaks) > 20:
            say(f"LEAK: … and {len(one.leaks) - 20} more answers")
    if not any(one.leaks for one in drills):
        say("\nNo oracle passed or failed an answer that it had asked a broken part about.")
