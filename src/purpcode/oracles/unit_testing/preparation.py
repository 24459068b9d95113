"""What is found out about tests before they judge anybody: a negative control, and the reference.

Done once per content of the tests, in the sandbox that runs the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from purpcode.oracles.oracle import digest
from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.unit_testing.forms import Footing, Form
from purpcode.oracles.unit_testing.grading import Grade, Limits
from purpcode.oracles.unit_testing.running import Runner

_REFERENCE_PATIENCE = 4.0
"""Deadline of the reference, as a multiple of that of an answer."""

Prepared = tuple[Form, str | None]
"""A form, and the code of the reference if there is one."""


def footing_key(form: Form, reference: str | None) -> str:
    """Identity of what a footing says."""
    return digest(form.key, reference)


class Preparation:
    """Finds the footing of forms, and remembers it."""

    def __init__(self, runner: Runner, settings: OracleSettings) -> None:
        self._runner = runner
        self._settings = settings
        self._known: dict[str, Footing] = {}

    def footings(self, forms: Sequence[Prepared]) -> dict[str, Footing]:
        """Footing of every form by `footing_key`. A fault of the sandbox is not remembered."""
        keyed = {footing_key(*one): one for one in forms}
        new = {key: one for key, one in keyed.items() if key not in self._known}
        found = self._with_reference(new, self._after_control(new))
        self._known.update({key: footing for key, (footing, sure) in found.items() if sure})
        return {key: found[key][0] if key in found else self._known[key] for key in keyed}

    def _after_control(self, forms: Mapping[str, Prepared]) -> dict[str, tuple[Footing, bool]]:
        """Footings as the negative control leaves them, and whether they are worth keeping."""
        limits = Limits.of(self._settings)
        trials = {key: form.control(limits) for key, (form, _) in forms.items()}
        outcomes = self._runner.run([trial for trial in trials.values() if trial is not None])
        found = {}
        for key, trial in trials.items():
            footing, sure = Footing(), True
            if trial is not None:
                grade = outcomes[trial.key].grade
                sure = not grade.found.get("sandbox_fault")
                footing = Footing(
                    None if grade.passed else grade.reason,
                    keep_arguments=bool(grade.found.get("keep_arguments")),
                    refused_arrays=str(grade.found.get("refused_arrays", "")),
                )
            found[key] = footing, sure
        return found

    def _with_reference(
        self, forms: Mapping[str, Prepared], found: Mapping[str, tuple[Footing, bool]]
    ) -> dict[str, tuple[Footing, bool]]:
        """Footings with what the reference adds."""
        plain = Limits.of(self._settings)
        limits = replace(plain, timeout_s=plain.timeout_s * _REFERENCE_PATIENCE)
        trials = {
            key: form.measure(reference, limits, found[key][0])
            for key, (form, reference) in forms.items()
            if reference is not None and found[key][0].fault is None
        }
        outcomes = self._runner.run(list(trials.values()))
        completed = dict(found)
        for key, trial in trials.items():
            outcome = outcomes[trial.key]
            footing = found[key][0]
            fault = _reference_fault(outcome.grade)
            values = outcome.grade.found.get("values")
            seconds = outcome.seconds / max(1, outcome.programs)
            footing = replace(footing, fault=fault, reference_s=seconds, values=values)
            completed[key] = footing, outcome.grade.passed is not None
        return completed


def _reference_fault(grade: Grade) -> str | None:
    if grade.passed is True:
        return None
    said = "fails its own tests" if grade.passed is False else "could not be run"
    return f"the reference solution {said}: {grade.reason}"
