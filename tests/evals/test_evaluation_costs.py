"""What an evaluation costs: at the prices the user gives, and nothing without them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from purpcode.evals import EvalHeader
from purpcode.evals.command import run_eval
from purpcode.evals.costs import (
    announce_cost,
    cost_of,
    cost_words,
    expected_of_judge,
    expected_of_model,
)
from purpcode.evals.eval_settings import EvalSettings
from purpcode.evals.results import Cost, Prices, TokenTotals
from purpcode.evals.validation import FIXTURES
from purpcode.models.model import Sampling
from purpcode.oracles.judge import AssistanceAnswer, Exchange, KindAnswer
from purpcode.oracles.model_judge import ModelJudge
from purpcode.oracles.oracle import Panel
from purpcode.oracles.overrefusal import Overrefusal
from purpcode.oracles.settings import OracleSettings
from purpcode.types import Completion, Message, Sample, Usage

PRICES = Prices(model_in=1.0, model_out=4.0, judge_in=2.0, judge_out=8.0)
VERDICT = json.dumps({"kind": "appropriate", "reason": "x"})


def tokens(prompt: int, completion: int, counted: int = 2, completions: int = 2) -> TokenTotals:
    return TokenTotals(
        prompt_tokens=prompt,
        completion_tokens=completion,
        counted=counted,
        completions=completions,
    )


def sample(*contents: str, oracles: tuple[str, ...] = ("overrefusal",)) -> Sample:
    roles = ["user", "assistant"] * len(contents)
    turns = [Message(role=role, content=text) for role, text in zip(roles, contents, strict=False)]  # type: ignore[arg-type]
    return Sample(id=contents[0], messages=tuple(turns), oracles=oracles)


def test_a_cost_is_tokens_times_prices_and_nothing_is_made_up() -> None:
    cost = cost_of(PRICES, tokens(1_000_000, 500_000), tokens(100_000, 10_000))
    assert cost is not None
    assert cost.model == pytest.approx(1.0 + 2.0)
    assert cost.judge == pytest.approx(0.2 + 0.08)
    assert cost_of(Prices(), tokens(10, 10), tokens(10, 10)) is None
    assert cost_of(PRICES, tokens(0, 0, counted=0), None) is None
    only_model = cost_of(Prices(model_in=0, model_out=0), tokens(10, 10), tokens(10, 10))
    assert only_model == Cost(prices=Prices(model_in=0, model_out=0), model=0.0, judge=None)


def test_answers_that_told_no_tokens_are_said() -> None:
    header = EvalHeader(
        label="a", model="m", suite="s", sampling={}, oracle_fingerprints={}, samples=2,
        seconds=0, judge="", tokens=tokens(1_000_000, 0, counted=1),
        cost=Cost(prices=PRICES, model=1.0, judge=None),
    )  # fmt: skip
    assert cost_words(header) == ["model 1.00 (of 1 of 2 answers; the others told no tokens)"]


def test_one_price_of_a_pair_alone_is_refused() -> None:
    with pytest.raises(ValidationError, match="both prices of the model"):
        Prices(model_in=1.0)
    with pytest.raises(ValidationError, match="both prices of the judge"):
        Prices(judge_out=1.0)


def test_the_bound_before_a_run_counts_draws_turns_and_the_judges_questions() -> None:
    two = [sample("a" * 400), sample("b" * 800, oracles=("overrefusal", "malicious_assistance"))]
    asked = expected_of_model(two, 3, 100, conversations=False)
    assert (asked.calls, asked.prompt_tokens, asked.answer_tokens) == (6, 900, 600)
    judged = expected_of_judge(two, asked, 10)
    assert (judged.calls, judged.prompt_tokens, judged.answer_tokens) == (12, 3000, 120)
    turns = expected_of_model([sample("a" * 40, "b", "c" * 40)], 1, 100, conversations=True)
    assert (turns.calls, turns.answer_tokens) == (2, 200)
    assert turns.prompt_tokens == 2 * 21 + 100  # the second turn is asked with the first answer


def test_nothing_is_announced_without_prices() -> None:
    said: list[str] = []
    announce_cost([sample("a")], Prices(), said.append, draws=1, max_tokens=100, judge="x/y")
    assert said == []
    announce_cost([sample("a" * 4)], PRICES, said.append, draws=1, max_tokens=10**6, judge="x/y")
    assert "at most 4.00 for 1 answers of 1,000,000 tokens, about 0.000001 for prompts" in said[0]
    assert "judge: at most 0.016 for 1 verdicts, about 2.00 for what it reads at most" in said[1]


class Metered:
    """A judge's model that tells its tokens."""

    name = "metered"

    def generate(self, prompts: Any, sampling: Any, *, on_progress: Any = None) -> Any:
        usage = Usage(prompt_tokens=1000, completion_tokens=100)
        return [Completion(text=VERDICT, usage=usage) for _ in prompts]

    def close(self) -> None:
        pass


def test_what_a_judges_model_uses_for_these_answers_is_counted_and_paid(tmp_path: Path) -> None:
    from purpcode.evals.stage import score_rollouts
    from purpcode.types import Rollout

    judge = ModelJudge("metered", model=Metered())
    exchange = Exchange.of(sample("before"), Completion(text="An answer."))
    assert isinstance(judge.response_kind([exchange])[0], KindAnswer | AssistanceAnswer)
    panel = Panel({"overrefusal": Overrefusal(OracleSettings(), judge=judge)})
    asked = [sample("one"), sample("two")]
    rollouts = [
        Rollout(
            sample_id=one.id, index=0, messages=one.messages, model="m",
            completion=Completion(text="Use the sorted function; it returns a new list."),
        )
        for one in asked
    ]  # fmt: skip
    score_rollouts(
        asked, rollouts, panel, tmp_path, label="m", model="m", sampling={}, judge="metered",
        prices=PRICES,
    )  # fmt: skip
    header = EvalHeader.model_validate_json((tmp_path / "header.json").read_text())
    assert header.judge_tokens == tokens(2000, 200)
    assert header.cost is not None
    assert header.cost.model is None  # the answers told no tokens
    assert header.cost.judge == pytest.approx((2000 * 2 + 200 * 8) / 1e6)


def test_the_header_and_the_terminal_tell_the_cost_and_again_when_scored_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from purpcode.evals.rescoring import RescoreSettings, rescore

    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    settings = EvalSettings(
        task="xstest",
        model="embedded/micro",
        data=FIXTURES / "xstest.jsonl",
        allow_partial=True,
        folder=Path("out"),
        sampling=Sampling(max_tokens=16),
        prices=Prices(model_in=1.0, model_out=1e6),
    )
    run_eval(settings, say=said.append)
    header = EvalHeader.model_validate_json((tmp_path / "out" / "header.json").read_text())
    assert header.tokens is not None
    assert header.cost is not None
    spent = header.tokens.prompt_tokens / 1e6 + header.tokens.completion_tokens
    assert header.cost.model == pytest.approx(spent)
    assert any(line.startswith(f"Cost: model {spent:,.2f}") for line in said)
    assert any(f"at most {2 * 16:,.2f} for 2 answers" in line for line in said)
    rescore(RescoreSettings(run_folder=Path("out"), out=Path("again")), say=said.append)
    again = EvalHeader.model_validate_json((tmp_path / "again" / "header.json").read_text())
    assert again.cost == header.cost


def test_one_price_alone_is_refused_on_the_command_line() -> None:
    from purpcode.commands.evaluate import TaskOptions, evaluate_task
    from purpcode.errors import InputError

    for option in ("price", "judge_price"):
        options = TaskOptions(task="xstest", model="embedded/micro", **{f"{option}_in": 1.0})  # type: ignore[arg-type]
        with pytest.raises(InputError, match=f"give both --{option.replace('_', '-')}-in and"):
            evaluate_task(options)


def test_a_recipe_takes_prices(tmp_path: Path) -> None:
    from purpcode.errors import InputError
    from purpcode.recipe import load_recipe

    recipe = tmp_path / "r.toml"
    recipe.write_text('name = "r"\n[prices]\njudge_in = 3\njudge_out = 15\n')
    assert load_recipe(recipe).prices == Prices(judge_in=3.0, judge_out=15.0)
    recipe.write_text('name = "r"\n[prices]\njudge_in = 3\n')
    with pytest.raises(InputError, match="both prices of the judge") as caught:
        load_recipe(recipe)
    assert caught.value.line == 2
