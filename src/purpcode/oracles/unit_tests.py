"""`unit_tests`: passes when the answer's code passes the sample's tests in the sandbox."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from purpcode.errors import UnavailableError
from purpcode.oracles.oracle import digest
from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.unit_testing.answer_code import NoCodeError, python_code, source_code
from purpcode.oracles.unit_testing.forms import Footing, Form, forms_of
from purpcode.oracles.unit_testing.grading import Grade, Limits, Trial
from purpcode.oracles.unit_testing.identity import judgement_identity
from purpcode.oracles.unit_testing.preparation import Preparation, footing_key
from purpcode.oracles.unit_testing.running import Outcome, Runner, evidence_of
from purpcode.oracles.unit_testing.target import BadTargetError, TestTarget, read_target
from purpcode.sandbox.execution import Sandbox
from purpcode.types import Completion, Sample, Verdict

PACKAGES = ("pytest", "numpy")
"""Packages that tests and answers may import, where they are installed beside purpcode and the
settings name none."""

_REASON_CHARS = 2000
_REMEMBERED = 20_000


@dataclass(frozen=True)
class _Case:
    """An answer's code for every form of its target."""

    forms: tuple[tuple[Form, str], ...]
    reference: str | None


class UnitTests:
    """Runs an answer's code against `Sample.target`, in the sandbox.

    The target (`unit_testing.target.TestTarget`) holds `tests` (assert statements), `pytest` (the
    text of a test file), `calls` (`[{"args", "kwargs", "expected"}]`), `base_input` and
    `plus_input` (arguments whose values a `reference` gives), or `inputs` and `outputs` (standard
    input and output; also for C, C++ and JavaScript). Every form that is there must pass.

    An answer without code, or whose code does not parse, fails. Unmeasured are: a target without
    tests; tests at fault, among them those that code which does nothing passes and those that the
    reference fails; a missing toolchain; a sandbox that fails twice.
    """

    name = "unit_tests"

    def __init__(self, settings: OracleSettings, sandbox: Sandbox | None = None) -> None:
        """With the settings' sandbox, or another in its place.

        Raises:
            InputError: `sandbox_packages` names what is no package.
            UnavailableError: it names one that is not installed.
        """
        self.settings = settings
        self._packages = _offered(settings)
        self._sandbox = sandbox
        self._parts: tuple[Runner, Preparation] | None = None
        self._known: OrderedDict[str, Outcome] = OrderedDict()

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox, opened on first use.

        Raises:
            UnavailableError: when no sandbox holds against its probes.
        """
        if self._sandbox is None:
            from purpcode.sandbox.registry import open_sandbox

            self._sandbox = open_sandbox(self.settings.sandbox, packages=self._packages)
        return self._sandbox

    def fingerprint(self) -> str:
        """What the judgement does (see `judgement_identity`), its limits and the sandbox. Raises
        `UnavailableError` without a sandbox."""
        limits = (self.settings.test_timeout_s, self.settings.test_memory_mb, self._packages)
        return digest(self.name, judgement_identity(), *limits, self.sandbox.fingerprint())

    def judge(self, samples: Sequence[Sample], completions: Sequence[Completion]) -> list[Verdict]:
        """One verdict per pair. All programs of the batch run side by side; the same code on the
        same tests runs once, also over batches."""
        cases = [
            self._prepare(sample, completion)
            for sample, completion in zip(samples, completions, strict=True)
        ]
        real = [case for case in cases if isinstance(case, _Case)]
        try:
            footings = self._footings(real)
            trials = {id(case): self._trials(case, footings) for case in real}
            outcomes = self._run([trial for found in trials.values() for trial in found])
        except UnavailableError as error:
            return [
                Verdict.unmeasured(self.name, error.message) if isinstance(case, _Case) else case
                for case in cases
            ]
        return [
            self._verdict(case, footings, [outcomes[trial.key] for trial in trials[id(case)]])
            if isinstance(case, _Case)
            else case
            for case in cases
        ]

    def _prepare(self, sample: Sample, completion: Completion) -> _Case | Verdict:
        try:
            target = read_target(sample.target)
            forms = [
                (form, _code(completion.text, target, form.whole_program))
                for form in forms_of(target)
            ]
        except BadTargetError as error:
            return Verdict.unmeasured(self.name, str(error))
        except NoCodeError as error:
            return Verdict.failed(self.name, str(error))
        return _Case(tuple(forms), target.reference)

    def _opened(self) -> tuple[Runner, Preparation]:
        if self._parts is None:
            runner = Runner(self.sandbox, self.settings.workers)
            self._parts = runner, Preparation(runner, self.settings)
        return self._parts

    def _footings(self, cases: Sequence[_Case]) -> dict[str, Footing]:
        forms = [(form, case.reference) for case in cases for form, _ in case.forms]
        return self._opened()[1].footings(forms) if forms else {}

    def _run(self, trials: Sequence[Trial]) -> Mapping[str, Outcome]:
        """Outcome of every trial by its key; what is known from earlier batches is not run."""
        new = [trial for trial in trials if trial.key not in self._known]
        found = self._opened()[0].run(new) if new else {}
        outcomes = {**self._known, **found}
        for key, outcome in found.items():
            if outcome.grade.passed is not None:
                self._known[key] = outcome
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return outcomes

    def _trials(self, case: _Case, footings: Mapping[str, Footing]) -> list[Trial]:
        trials = []
        for form, code in case.forms:
            footing = footings[footing_key(form, case.reference)]
            if footing.fault is None:
                limits = Limits.of(self.settings, footing.reference_s)
                trials.append(form.trial(code, limits, footing))
        return trials

    def _verdict(
        self, case: _Case, footings: Mapping[str, Footing], ran: Sequence[Outcome]
    ) -> Verdict:
        faults = [footings[footing_key(form, case.reference)].fault for form, _ in case.forms]
        grades = [outcome.grade for outcome in ran]
        grades += [Grade(None, fault) for fault in faults if fault is not None]
        grade = next((one for one in grades if one.passed is False), None)
        grade = grade or next((one for one in grades if one.passed is None), grades[0])
        seconds = sum(outcome.seconds for outcome in ran)
        if grade.passed is None:
            return Verdict.unmeasured(self.name, grade.reason[:_REASON_CHARS], seconds=seconds)
        make = Verdict.ok if grade.passed else Verdict.failed
        evidence = evidence_of(ran, self.sandbox.name)
        return make(self.name, grade.reason[:_REASON_CHARS], seconds=seconds, evidence=evidence)


def _offered(settings: OracleSettings) -> tuple[str, ...]:
    """The packages to offer inside: those that the settings name, which must be installed."""
    from purpcode.sandbox.packages import find_packages, offered

    if settings.sandbox_packages is None:
        return offered(PACKAGES)
    try:
        find_packages(settings.sandbox_packages)
    except UnavailableError as error:
        raise UnavailableError(
            f"oracles.sandbox_packages: {error.message}", hint=error.hint
        ) from None
    return settings.sandbox_packages


def _code(text: str, target: TestTarget, whole_program: bool) -> str:
    if target.language != "python":
        return source_code(text, target.language)
    return python_code(text, target.entry_point, whole_program)
