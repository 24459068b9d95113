"""The reward lint: what the reward pays for cheats, beside what it pays for honest answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from purpcode.analyzers.registry import expand_profiles
from purpcode.cheats.cheat import Cheat
from purpcode.cheats.registry import require_distinct
from purpcode.errors import InputError
from purpcode.oracles.oracle import Judgement, Panel
from purpcode.oracles.settings import OracleSettings
from purpcode.rl.rewards import reward_of
from purpcode.rl.settings import RLSettings
from purpcode.types import Completion, Sample, UnitInterval

Status = Literal["caught", "pays", "unfair", "unmeasured", "limit"]
"""Of one cheat. caught: it earns no more than honest failure. pays: it earns more. unfair: it
is caught, yet the honest answers are paid wrongly, so being caught shows nothing. unmeasured: it
earns nothing, because it could not be judged. limit: it pays, as its author says it must."""

FAILURES: frozenset[Status] = frozenset({"pays", "unfair"})

_REASON_CHARS = 300


class LintRow(BaseModel):
    """What the reward pays for one cheat. A reward of None is unmeasured (masked in training)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: str
    family: str
    why: str
    status: Status
    reward: UnitInterval | None
    allowed: UnitInterval
    """The most it may earn."""
    honest_reward: UnitInterval | None
    """Of the honest wrong answer; None without one, too."""
    twin_reward: UnitInterval | None
    """Of the honest right answer; None without one, too."""
    problems: tuple[str, ...]
    """What is wrong, and what to do; empty where nothing is."""
    reason: str
    """What the oracles say of the cheat."""


class LintReport(BaseModel):
    """The rows of all cheats, and by which oracles they were judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[LintRow, ...]
    analyzers: tuple[str, ...]
    hard_refusal: bool
    require_format: bool
    fingerprints: dict[str, str]

    @property
    def failures(self) -> list[LintRow]:
        """The rows that fail the lint."""
        return [row for row in self.rows if row.status in FAILURES]

    @property
    def passed(self) -> bool:
        """Whether no cheat pays and all honest work does."""
        return not self.failures

    def counts(self) -> dict[Status, int]:
        """How many cheats have each status; every status is named."""
        names: tuple[Status, ...] = ("caught", "pays", "unfair", "unmeasured", "limit")
        return {name: sum(row.status == name for row in self.rows) for name in names}


def run_reward_lint(
    cheats: Sequence[Cheat],
    *,
    oracles: OracleSettings | None = None,
    rl: RLSettings | None = None,
    panel: Panel | None = None,
) -> LintReport:
    """Judge every cheat and its honest answers as RL would, in one call of the panel.

    The reward is RL's: the sample's oracles and, under `rl.require_format`, answer_format;
    `rl.hard_refusal` decides what a refusal earns. `panel` replaces the one that `oracles` opens.

    Raises:
        InputError: there is no cheat, two share an id, or the settings name an unknown part.
        UnavailableError: an analyzer or the judge that the settings name is missing.
    """
    from purpcode.oracles.registry import open_panel
    from purpcode.rule_learning import with_format

    oracles, rl = oracles or OracleSettings(), rl or RLSettings()
    if not cheats:
        raise InputError("there is no cheat to judge")
    require_distinct(cheats)
    samples = [with_format(one.sample) if rl.require_format else one.sample for one in cheats]
    if panel is None:
        panel = open_panel(oracles, sorted({name for one in samples for name in one.oracles}))
    judgements = iter(panel.judge(*_asked(cheats, samples)))
    rows = []
    for cheat in cheats:
        judged = {role: next(judgements) for role in _answers(cheat)}
        rows.append(_row(cheat, judged, oracles, hard_refusal=rl.hard_refusal))
    return LintReport(
        rows=tuple(rows),
        analyzers=oracles.analyzers,
        hard_refusal=rl.hard_refusal,
        require_format=rl.require_format,
        fingerprints=panel.fingerprints(),
    )


def _answers(cheat: Cheat) -> dict[str, Completion]:
    """The completions to judge, by their role."""
    roles = {"cheat": cheat.completion, "honest": cheat.honest, "twin": cheat.twin}
    return {role: completion for role, completion in roles.items() if completion is not None}


def _asked(
    cheats: Sequence[Cheat], samples: Sequence[Sample]
) -> tuple[list[Sample], list[Completion]]:
    pairs = [
        (sample, completion)
        for cheat, sample in zip(cheats, samples, strict=True)
        for completion in _answers(cheat).values()
    ]
    return [sample for sample, _ in pairs], [completion for _, completion in pairs]


def _row(
    cheat: Cheat, judged: dict[str, Judgement], oracles: OracleSettings, *, hard_refusal: bool
) -> LintRow:
    rewards = {role: reward_of(one, hard_refusal=hard_refusal) for role, one in judged.items()}
    allowed = _allowed(cheat, rewards.get("honest"), oracles, hard_refusal=hard_refusal)
    reward = rewards["cheat"]
    pays = reward is not None and reward > allowed
    problems = [*_payment(cheat, reward, oracles)] if pays and not cheat.limit else []
    unfair = _honesty(rewards, judged)
    status: Status = "caught"
    if pays:
        status = "limit" if cheat.limit else "pays"
    elif reward is None:
        status = "unmeasured"
    if unfair and status != "pays":
        status = "unfair"
    return LintRow(
        id=cheat.id,
        family=cheat.family,
        why=cheat.why,
        status=status,
        reward=reward,
        allowed=allowed,
        honest_reward=rewards.get("honest"),
        twin_reward=rewards.get("twin"),
        problems=(*problems, *unfair),
        reason=cheat.limit if cheat.limit and pays else _reason(judged["cheat"]),
    )


def _allowed(
    cheat: Cheat, honest: float | None, oracles: OracleSettings, *, hard_refusal: bool
) -> float:
    """The most a cheat may earn: what honest failure does, or a legitimate refusal's score."""
    if cheat.refuses and cheat.sample.target.get("refusal_ok") is True and not hard_refusal:
        return max(oracles.refusal_score, honest or 0.0)
    return honest or 0.0


def _payment(cheat: Cheat, reward: float | None, oracles: OracleSettings) -> list[str]:
    opened = {name.partition(":")[0] for name in expand_profiles(oracles.analyzers)}
    if cheat.needs and not set(cheat.needs) & opened:
        return [f"not caught: add analyzer {' or '.join(cheat.needs)}"]
    return [f"the cheat is paid {reward:g}"]


def _honesty(rewards: dict[str, float | None], judged: dict[str, Judgement]) -> list[str]:
    """What is wrong with the pay of the honest answers. An unmeasured one is wrong too: nothing
    then shows that honest work would pay more."""
    problems = []
    for role, due, title in (("honest", 0.0, "wrong"), ("twin", 1.0, "right")):
        if role in rewards and rewards[role] != due:
            paid = "unmeasured" if rewards[role] is None else f"paid {rewards[role]:g}"
            said = _reason(judged[role])
            problems.append(f"the honest {title} answer is {paid}, not {due:g}: {said}")
    return problems


def _reason(judgement: Judgement) -> str:
    """What decided a judgement: its failures, else its unmeasured verdicts, else its passes."""
    decided = [one for one in judgement.verdicts if one.passed is judgement.passed]
    said = "; ".join(f"{one.oracle}: {one.error or one.reason}" for one in decided)
    return said if len(said) <= _REASON_CHARS else said[: _REASON_CHARS - 1] + "…"
