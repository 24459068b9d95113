"""The release gate: a tuned model must be safer, and neither less useful nor more evasive.

Every check must pass, so that each is tested at the full level without adjustment for their
number: an intersection-union test (Berger 1982, Technometrics 24:295).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from purpcode.evals.noninferiority import NonInferiority, non_inferiority
from purpcode.evals.results import ScoredSample
from purpcode.evals.statistics import PairedTest, Rate, paired
from purpcode.reports.comparison import flip_kind
from purpcode.reports.evaluations import Sides
from purpcode.reports.gate_settings import HELD, GateSettings, Role
from purpcode.reports.pairing import (
    SampleKey,
    clusters,
    conversations_of,
    counted_once,
    headline_metric,
    keyed_samples,
    measures,
    outcome,
)
from purpcode.reports.protocol import protocol_differences, refuse_differences
from purpcode.reports.wording import p_words, points

Status = Literal["passed", "failed", "undecided", "missing"]


@dataclass(frozen=True)
class Check:
    """One measure of one benchmark, and whether it may be released.

    `objective` is the objective, or what the benchmark counts apart (`secure` of XSCode).
    `worst_difference` is the difference if every unmeasured answer went against the tuned model.
    `bound` is None where the measure must improve, or nothing could be tested.
    """

    suite: str
    objective: str
    role: Role
    must_improve: bool
    base: Rate
    tuned: Rate
    test: PairedTest
    worst_difference: float | None
    bound: NonInferiority | None
    status: Status
    reason: str
    regressed: tuple[SampleKey, ...] = ()


@dataclass(frozen=True)
class GateResult:
    """All checks. `base` and `tuned` name the models."""

    base: str
    tuned: str
    settings: GateSettings
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed, and there was one."""
        return bool(self.checks) and all(check.status == "passed" for check in self.checks)


def decide(sides: Sides, settings: GateSettings) -> GateResult:
    """Check the tuned model (side B) against the base (side A).

    Raises:
        InputError: when the two were judged, sampled or asked differently: nothing can be said
            of such a pair.
    """
    checks: list[Check] = []
    for pair in zip(sides.a, sides.b, strict=True):
        headers = [model.header for model in pair]
        folders = [model.folder for model in pair]
        refuse_differences(protocol_differences(*headers), (), folders, optional=False)
        base, tuned = keyed_samples(pair)
        checks += _suite_checks(headers[0].suite, base, tuned, settings)
    checks += [
        _missing(model.header.suite, f"{sides.label_b} was not evaluated on it")
        for model in sides.only_a
    ]
    present = {check.role for check in checks if settings.is_known(check.suite, check.objective)}
    checks += [
        _missing("", f"no {role} measure was evaluated under both models", role)
        for role in settings.require
        if role not in present
    ]
    unused = [
        f"Only {sides.label_b} was evaluated on {model.header.suite}: it is not checked."
        for model in sides.only_b
    ]
    warnings = (*sides.warnings, *unused)
    return GateResult(sides.label_a, sides.label_b, settings, tuple(checks), warnings)


def _suite_checks(
    suite: str,
    base: Mapping[SampleKey, ScoredSample],
    tuned: Mapping[SampleKey, ScoredSample],
    settings: GateSettings,
) -> list[Check]:
    objectives: dict[str, list[SampleKey]] = {}
    for key in dict.fromkeys((*base, *tuned)):
        known = base.get(key) or tuned[key]
        objectives.setdefault(known.objective, []).append(key)
    checked: list[tuple[str, dict[SampleKey, str]]] = []
    for objective, keys in objectives.items():
        samples = {key: base.get(key) or tuned[key] for key in keys}
        headlines = {key: headline_metric(sample) for key, sample in samples.items()}
        checked += [(objective, headlines), *_held(samples)]
    return [
        _check(suite, measure, metrics, base, tuned, settings)
        for measure, metrics in checked
        if settings.role(suite, measure) != "ignore"
    ]


def _held(samples: Mapping[SampleKey, ScoredSample]) -> Iterable[tuple[str, dict[SampleKey, str]]]:
    """What a benchmark counts beside its headline, as far as the gate knows it, with the samples
    in which it counts."""
    counted: dict[str, dict[SampleKey, str]] = {}
    for key, sample in samples.items():
        for _, _, metric in measures(sample)[1:]:
            if metric in HELD:
                counted.setdefault(metric, {})[key] = metric
    return counted.items()


def _check(
    suite: str,
    objective: str,
    metrics: Mapping[SampleKey, str],
    base: Mapping[SampleKey, ScoredSample],
    tuned: Mapping[SampleKey, ScoredSample],
    settings: GateSettings,
) -> Check:
    whole = conversations_of((base, tuned))
    before = counted_once({key: outcome(base.get(key), metrics[key]) for key in metrics}, whole)
    after = counted_once({key: outcome(tuned.get(key), metrics[key]) for key in metrics}, whole)
    cluster = clusters((base, tuned))
    observed = paired(before, after, cluster=cluster)
    worst = paired(
        {key: passed is not False for key, passed in before.items()},
        {key: passed is True for key, passed in after.items()},
        cluster=cluster,
    )
    test = worst if settings.worst_case else observed
    rates = Rate.clustered(before, cluster), Rate.clustered(after, cluster)
    must_improve = settings.must_improve(suite, objective)
    bound = None
    if test.both_measured and not must_improve:
        bound = non_inferiority(test, settings.margin(suite, objective), alpha=settings.alpha)
    status, reason = _verdict(rates, test, bound, settings)
    if observed.not_paired and worst.difference is not None:
        reason += f"; {points(worst.difference)} points if all unmeasured went against it"
    regressed = [
        key
        for key, metric in metrics.items()
        if flip_kind(base.get(key), tuned.get(key), metric) == "regressed"
    ]
    return Check(
        suite,
        objective,
        settings.role(suite, objective),
        must_improve,
        *rates,
        test,
        worst.difference,
        bound,
        status,
        reason,
        tuple(regressed),
    )


def _verdict(
    rates: tuple[Rate, Rate],
    test: PairedTest,
    bound: NonInferiority | None,
    settings: GateSettings,
) -> tuple[Status, str]:
    for name, rate in zip(("base", "tuned"), rates, strict=True):
        if rate.unmeasured > settings.max_unmeasured * rate.total:
            share = f"{rate.unmeasured} of {rate.total} unmeasured under the {name} model"
            return "failed", f"{share}, more than {settings.max_unmeasured:.1%}"
    independent = test.both_measured / test.design_effect
    if independent < settings.min_pairs:
        kind = "samples" if test.design_effect == 1 else "independent samples"
        counted = f"{independent:.0f} {kind} measured under both models"
        return "undecided", f"{counted}, fewer than {settings.min_pairs}"
    if bound is None:
        return _improved(rates[0], test, settings.alpha)
    return _no_worse(test, bound)


def _improved(base: Rate, test: PairedTest, alpha: float) -> tuple[Status, str]:
    difference, p = test.difference, test.p_value
    if difference is None or p is None:
        return "undecided", "no sample was measured under both models"
    words = f"{points(difference)} points, {p_words(p)}"
    if base.passed == base.measured:
        hint = 'the base model passes everything: to require no loss, set safety = "no-worse"'
        return "failed", f"no improvement is possible ({words}); {hint}"
    if p < alpha:
        return ("passed", f"safer: {words}") if difference > 0 else ("failed", f"worse: {words}")
    if difference > 0:
        return "undecided", f"better, but not beyond chance: {words}"
    return "failed", f"no improvement: {words}"


def _no_worse(test: PairedTest, bound: NonInferiority) -> tuple[Status, str]:
    level, margin = f"{bound.confidence:.0%}", f"{100 * bound.margin:g} points"
    seen = f"{points(test.difference or 0.0)} points"
    if bound.outcome == "non-inferior":
        return "passed", f"{seen}, at worst {points(bound.lower)} ({level} bound), within {margin}"
    if bound.outcome == "inferior":
        return "failed", f"{seen}, at best {points(bound.upper)} ({level} bound): beyond {margin}"
    span = f"{points(bound.lower)} to {points(bound.upper)}"
    return "undecided", f"{seen}, but {span} are possible: too few samples to exclude {margin}"


def _missing(suite: str, reason: str, role: Role = "ignore") -> Check:
    nothing = PairedTest(0, 0, 0, 0, None, None, None)
    rates = Rate(0, 0), Rate(0, 0)
    return Check(suite, "", role, False, *rates, nothing, None, None, "missing", reason)
