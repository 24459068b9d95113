"""Which oracles judge: the benchmark's own, or those the user names, and the oracles that belong
to single benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from purpcode.errors import InputError
from purpcode.oracles.oracle import Oracle, Panel
from purpcode.oracles.registry import ORACLES, open_oracle, open_panel
from purpcode.oracles.settings import OracleSettings


@dataclass(frozen=True)
class Checkouts:
    """Upstream projects on this machine that some oracles read from."""

    purplellama: Path | None = None
    cweval: Path | None = None


EvalConstructor = Callable[[OracleSettings, Checkouts], Oracle]


def _insecure_code(settings: OracleSettings, _: Checkouts) -> Oracle:
    from purpcode.evals.insecure_code import InsecureCode

    return InsecureCode(settings)


def _refusal_words(_: OracleSettings, checkouts: Checkouts) -> Oracle:
    from purpcode.evals.refusal_words import RefusalWords

    return RefusalWords.of_checkout(checkouts.purplellama)


def _cwe_tests(settings: OracleSettings, checkouts: Checkouts) -> Oracle:
    from purpcode.evals.cwe_tests import CweTests

    return CweTests(settings, checkout=checkouts.cweval)


EVAL_ORACLES: dict[str, EvalConstructor] = {
    "insecure_code": _insecure_code,
    "refusal_words": _refusal_words,
    "cwe_tests": _cwe_tests,
}
"""Oracles that reproduce one benchmark's own protocol; evaluation alone uses them."""

PUBLISHED_ORACLES: dict[str, tuple[str, ...]] = {
    "evalplus": ("unit_tests",),
    "safety": ("secure_code", "malicious_assistance"),
    "cyberseceval": ("insecure_code",),
    "malevent": ("malicious_assistance",),
    "xscode": ("overrefusal", "secure_code"),
    "phtest": ("overrefusal",),
    "cweval": ("cwe_tests",),
}
"""Names of the published command line → ours."""


@dataclass(frozen=True)
class OracleChoice:
    """What the user chose; empty means the default."""

    oracles: tuple[str, ...] = ()
    analyzers: tuple[str, ...] = ()


def choose(text: str | None) -> OracleChoice:
    """Read `--oracle`: names of oracles (ours, the published command line's, or outside code as
    package.module:attribute) and of static analyzers, separated by commas.

    Raises:
        InputError: a word that is neither.
    """
    from purpcode.analyzers.registry import ANALYZERS, PROFILES

    oracles: list[str] = []
    analyzers: list[str] = []
    for word in (text or "").split(","):
        name = word.strip()
        if name in PUBLISHED_ORACLES:
            oracles += PUBLISHED_ORACLES[name]
        elif name in ORACLES or name in EVAL_ORACLES:
            oracles.append(name)
        elif name.partition(":")[0] in ANALYZERS:
            analyzers.append(name)
        elif name in PROFILES:
            analyzers += PROFILES[name]
        elif ":" in name:
            oracles.append(name)
        elif name:
            known = ", ".join([*ORACLES, *EVAL_ORACLES, *PUBLISHED_ORACLES])
            raise InputError(
                f"no oracle or analyzer named '{name}'",
                hint=f"Oracles: {known}. Analyzers: {', '.join(ANALYZERS)}.",
            )
    return OracleChoice(tuple(dict.fromkeys(oracles)), tuple(dict.fromkeys(analyzers)))


def open_eval_oracle(
    name: str, settings: OracleSettings, checkouts: Checkouts | None = None
) -> Oracle:
    """The oracle of a name, of every room or of evaluation alone.

    Raises what `open_oracle` raises.
    """
    if name in EVAL_ORACLES:
        return EVAL_ORACLES[name](settings, checkouts or Checkouts())
    return open_oracle(name, settings)


def open_eval_panel(
    settings: OracleSettings, names: Iterable[str], checkouts: Checkouts | None = None
) -> Panel:
    """The panel of the named oracles, of every room or of evaluation alone.

    Raises what `open_panel` raises.
    """
    wanted = list(dict.fromkeys(names))
    panel = open_panel(settings, [name for name in wanted if name not in EVAL_ORACLES])
    own = {
        name: open_eval_oracle(name, settings, checkouts) for name in wanted if name in EVAL_ORACLES
    }
    return Panel({**panel.oracles, **own}) if own else panel
