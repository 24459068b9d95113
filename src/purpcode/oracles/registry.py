"""The oracles by name, and the panel a recipe asks for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable

from purpcode.errors import InputError
from purpcode.oracles.oracle import Oracle, Panel
from purpcode.oracles.settings import OracleSettings

OracleConstructor = Callable[[OracleSettings], Oracle]


def _answer_format(_: OracleSettings) -> Oracle:
    from purpcode.oracles.answer_format import AnswerFormat

    return AnswerFormat()


def _secure_code(settings: OracleSettings) -> Oracle:
    from purpcode.oracles.secure_code import SecureCode

    return SecureCode(settings)


def _unit_tests(settings: OracleSettings) -> Oracle:
    from purpcode.oracles.unit_tests import UnitTests

    return UnitTests(settings)


def _malicious_assistance(settings: OracleSettings) -> Oracle:
    from purpcode.oracles.malicious_assistance import MaliciousAssistance

    return MaliciousAssistance(settings)


def _overrefusal(settings: OracleSettings) -> Oracle:
    from purpcode.oracles.overrefusal import Overrefusal

    return Overrefusal(settings)


def _choice(_: OracleSettings) -> Oracle:
    from purpcode.oracles.choice import Choice

    return Choice()


ORACLES: dict[str, OracleConstructor] = {
    "answer_format": _answer_format,
    "secure_code": _secure_code,
    "unit_tests": _unit_tests,
    "malicious_assistance": _malicious_assistance,
    "overrefusal": _overrefusal,
    "choice": _choice,
}
"""Name → constructor. Each imports its oracle only when called."""

JUDGED: dict[str, str] = {
    "malicious_assistance": "assistance",
    "overrefusal": "response_kind",
}
"""Oracle that asks the judge → the question it asks."""


def open_oracle(name: str, settings: OracleSettings) -> Oracle:
    """The oracle of a registered name, or of outside code as `package.module:attribute` (anything
    callable with the settings that returns an `Oracle`).

    Raises:
        InputError: no such oracle, or the outside code cannot be imported.
    """
    constructor = ORACLES.get(name)
    if constructor is None:
        constructor = _outside(name)
    return constructor(settings)


def open_panel(settings: OracleSettings, names: Iterable[str]) -> Panel:
    """The panel of the named oracles, with one judge shared by the judged ones.

    A judge on the panel is held against the calibration set first, for the questions it is to
    answer, so a model judge is loaded here.

    Raises:
        InputError: an unknown name.
        UnavailableError: a part is missing, or the judge's agreement is below
            `settings.judge_min_kappa`.
    """
    wanted = list(dict.fromkeys(names))
    panel = Panel({name: open_oracle(name, settings) for name in wanted})
    questions = [JUDGED[name] for name in wanted if name in JUDGED]
    if questions:
        from purpcode.oracles.calibration import require_agreement
        from purpcode.oracles.judge import open_judge

        require_agreement(open_judge(settings), settings.judge_min_kappa, questions)
    return panel


def _outside(name: str) -> OracleConstructor:
    module, colon, attribute = name.partition(":")
    if not colon or not attribute:
        known = ", ".join(sorted(ORACLES))
        raise InputError(
            f"no oracle named '{name}'",
            hint=f"Known oracles: {known}; outside code is named as package.module:attribute.",
        )
    try:
        constructor = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"oracle '{name}' cannot be imported ({error})") from None
    if not callable(constructor):
        raise InputError(f"oracle '{name}' is not callable")
    return constructor  # type: ignore[no-any-return]
