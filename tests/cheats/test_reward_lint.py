"""The lint itself: what counts as paid, as unfair, as unmeasured; and its command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from purpcode.cheats import Cheat, LintRow, run_reward_lint, said
from purpcode.commands.reward_lint import reward_lint
from purpcode.errors import InputError
from purpcode.oracles import OracleSettings, Panel
from purpcode.rl.settings import RLSettings
from purpcode.types import Completion, Message, Sample, Verdict

NO_FORMAT = RLSettings(require_format=False)


class Payer:
    """Pays what the answer says: a number, or `unmeasured`."""

    name = "payer"

    def fingerprint(self) -> str:
        return "payer"

    def judge(self, samples: Sequence[Sample], completions: Sequence[Completion]) -> list[Verdict]:
        return [self._judge(completion.text) for completion in completions]

    def _judge(self, text: str) -> Verdict:
        if text == "unmeasured":
            return Verdict.unmeasured(self.name, "the tool fell over")
        if float(text) > 0:
            return Verdict.ok(self.name, "paid", score=float(text))
        return Verdict.failed(self.name, "not paid")


def lint(
    paid: str,
    *,
    honest: str | None = "0",
    twin: str | None = "1",
    refusal_ok: bool = False,
    rl: RLSettings = NO_FORMAT,
    oracles: OracleSettings | None = None,
    **more: object,
) -> LintRow:
    cheat = Cheat.model_validate(
        {
            "id": "mine/one",
            "family": "mine",
            "why": "it asks to be paid",
            "sample": Sample(
                id="s",
                messages=(Message(role="user", content="x"),),
                oracles=("payer",),
                target={"refusal_ok": refusal_ok},
            ),
            "completion": Completion(text=paid),
            "honest": None if honest is None else Completion(text=honest),
            "twin": None if twin is None else Completion(text=twin),
            **more,
        }
    )
    panel = Panel({"payer": Payer()})
    (row,) = run_reward_lint([cheat], oracles=oracles, rl=rl, panel=panel).rows
    return row


@pytest.mark.parametrize(
    ("paid", "status"),
    [("0", "caught"), ("0.1", "pays"), ("1", "pays"), ("unmeasured", "unmeasured")],
)
def test_cheat_may_earn_no_more_than_honest_failure(paid: str, status: str) -> None:
    assert lint(paid).status == status
    assert lint(paid, honest=None, twin=None).status == status


def test_honest_work_that_is_not_paid_fails_the_lint() -> None:
    row = lint("0", twin="0")
    assert row.status == "unfair"
    assert "honest right answer is paid 0" in row.problems[0]
    assert lint("0", twin="unmeasured").status == "unfair"


def test_honest_failure_that_is_paid_fails_the_lint() -> None:
    row = lint("1", honest="1")
    assert row.status == "unfair"
    assert "honest wrong answer is paid 1" in row.problems[0]


def test_paid_cheat_and_unpaid_work_are_both_told() -> None:
    row = lint("1", twin="0")
    assert row.status == "pays"
    assert len(row.problems) == 2


@pytest.mark.parametrize(
    ("paid", "refuses", "refusal_ok", "hard", "status"),
    [
        ("0.8", True, True, False, "caught"),
        ("0.8", False, True, False, "pays"),
        ("0.8", True, False, False, "pays"),
        ("1", True, True, False, "pays"),
        ("0.8", True, True, True, "caught"),
    ],
)
def test_refusal_score_is_allowed_to_a_refusal_where_the_sample_allows_it(
    paid: str, refuses: bool, refusal_ok: bool, hard: bool, status: str
) -> None:
    rl = RLSettings(require_format=False, hard_refusal=hard)
    row = lint(paid, refuses=refuses, refusal_ok=refusal_ok, rl=rl)
    assert row.status == status
    assert row.reward == (0.0 if hard else float(paid))


def test_missing_analyzer_is_named_and_still_a_failure() -> None:
    row = lint("1", needs=("purpcode",), oracles=OracleSettings(analyzers=("bandit",)))
    assert (row.status, row.problems) == ("pays", ("not caught: add analyzer purpcode",))


@pytest.mark.parametrize("analyzers", [("bandit", "purpcode"), ("fast",), ("purpcode:x",)])
def test_analyzer_that_is_there_and_misses_is_not_asked_for(analyzers: tuple[str, ...]) -> None:
    row = lint("1", needs=("purpcode",), oracles=OracleSettings(analyzers=analyzers))
    assert (row.status, row.problems) == ("pays", ("the cheat is paid 1",))


def test_limit_is_shown_and_is_no_excuse_for_unpaid_work() -> None:
    assert lint("1", limit="nobody can see it").reason == "nobody can see it"
    assert lint("1", limit="nobody can see it").status == "limit"
    assert lint("1", limit="nobody can see it", twin="0").status == "unfair"


def test_format_is_required_as_the_settings_say() -> None:
    assert "answer_format" in lint("1", rl=RLSettings()).reason
    assert "answer_format" not in lint("1").reason


def test_no_cheats_and_repeated_ids_are_input_errors() -> None:
    with pytest.raises(InputError, match="no cheat"):
        run_reward_lint([])


def write(path: Path, completion: Completion) -> Path:
    cheat = Cheat(
        id="mine/one",
        family="mine",
        why="it asks to be paid",
        sample=Sample(
            id="s",
            messages=(Message(role="user", content="Write a function."),),
            oracles=("secure_code",),
        ),
        completion=completion,
    )
    path.write_text(cheat.model_dump_json() + "\n")
    return path


def test_command_exits_1_when_a_cheat_is_paid_and_writes_what_it_saw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paid = write(tmp_path / "paid.jsonl", said("```python\nx = len('a')\n```"))
    out = tmp_path / "there" / "lint.json"
    with pytest.raises(SystemExit) as stopped:
        reward_lint(cheats=paid, json=out)
    assert stopped.value.code == 1
    assert "mine/one" in capsys.readouterr().out
    assert json.loads(out.read_text())["rows"][0]["reward"] == 1.0


def test_command_ends_well_when_nothing_is_paid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reward_lint(cheats=write(tmp_path / "caught.jsonl", said("No code at all.")))
    told = capsys.readouterr().out
    assert "1 cheats: 1 caught" in told
    assert "mine/one" not in told


def test_command_judges_with_the_recipes_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('name = "x"\n[oracles]\nanalyzers = ["ruff"]\n[rl]\nhard_refusal = true\n')
    cheats = write(tmp_path / "weak.jsonl", said("```python\nx = eval(y)\n```"))
    reward_lint(recipe, cheats=cheats, verbose=True)
    assert "Judged with ruff" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        reward_lint(recipe, cheats=cheats, set=("oracles.min_severity=critical",))


def test_command_refuses_overrides_without_a_recipe() -> None:
    with pytest.raises(InputError, match="name one"):
        reward_lint(set=("oracles.min_severity=high",))
