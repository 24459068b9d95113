"""What an evaluation costs in money, at the prices the user gives; without prices nothing is said.

Amounts are in the currency of the prices. Before a run the answers' part is a bound (every answer
as long as its budget allows), the prompts' part an estimate by `CHARS_PER_TOKEN`. After a run both
are what the model's service reported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from purpcode.evals.results import Cost, EvalHeader, Prices, TokenTotals
from purpcode.evals.units import turns_of
from purpcode.oracles.judge import HEURISTIC
from purpcode.oracles.oracle import Panel
from purpcode.oracles.registry import JUDGED
from purpcode.types import Sample

CHARS_PER_TOKEN = 4
"""A rule of thumb for English text and code."""


@dataclass(frozen=True)
class Expected:
    """Tokens before anything was asked."""

    calls: int
    prompt_tokens: int
    """About; of a later turn with the earlier answers at their full length."""
    answer_tokens: int
    """At most."""

    def cost(self, price_in: float, price_out: float) -> tuple[float, float]:
        """(about, for the prompts; at most, for the answers)."""
        return self.prompt_tokens * price_in / 1e6, self.answer_tokens * price_out / 1e6


def expected_of_model(
    samples: Sequence[Sample], draws: int, max_tokens: int, *, conversations: bool
) -> Expected:
    """What asking the samples takes; each turn of a conversation is a call of its own."""
    calls = prompt_tokens = 0
    for sample in samples:
        chars = sum(len(message.content) for message in sample.messages)
        turns = turns_of(sample) if conversations else 1
        earlier_answers = max_tokens * turns * (turns - 1) // 2
        calls += turns
        prompt_tokens += turns * -(-chars // CHARS_PER_TOKEN) + earlier_answers
    return Expected(calls * draws, prompt_tokens * draws, calls * draws * max_tokens)


def expected_of_judge(samples: Sequence[Sample], asked: Expected, answer_tokens: int) -> Expected:
    """What judging takes where every verdict is readable at once; `answer_tokens` is the judge's
    budget. Each answer is read with its prompt, by each oracle that asks the judge."""
    questions = max(
        (sum(name in JUDGED for name in sample.oracles) for sample in samples), default=0
    )
    calls = asked.calls * questions
    read = (asked.prompt_tokens + asked.answer_tokens) * questions
    return Expected(calls, read, calls * answer_tokens)


def announce_cost(
    samples: Sequence[Sample],
    prices: Prices,
    say: Callable[[str], None],
    *,
    draws: int,
    max_tokens: int,
    conversations: bool = False,
    judge: str = HEURISTIC,
) -> None:
    """Say what the run may cost, as far as prices were given."""
    asked = expected_of_model(samples, draws, max_tokens, conversations=conversations)
    if prices.model_in is not None and prices.model_out is not None:
        about, most = asked.cost(prices.model_in, prices.model_out)
        say(
            f"  cost: at most {money(most)} for {asked.calls:,} answers of {max_tokens:,} tokens,"
            f" about {money(about)} for prompts (less what is saved already)"
        )
    if judge == HEURISTIC or prices.judge_in is None or prices.judge_out is None:
        return
    from purpcode.oracles.model_judge import SAMPLING

    judged = expected_of_judge(samples, asked, SAMPLING.max_tokens)
    about, most = judged.cost(prices.judge_in, prices.judge_out)
    say(
        f"  judge: at most {money(most)} for {judged.calls:,} verdicts, about {money(about)} for"
        " what it reads at most (its calibration and repeated questions aside)"
    )


def cost_of(prices: Prices, tokens: TokenTotals, judge_tokens: TokenTotals | None) -> Cost | None:
    """What was spent, as far as prices were given and tokens are known."""
    model = _amount(tokens, prices.model_in, prices.model_out)
    judge = judge_tokens and _amount(judge_tokens, prices.judge_in, prices.judge_out)
    if model is None and judge is None:
        return None
    return Cost(prices=prices, model=model, judge=judge)


def judge_spending(panel: Panel) -> TokenTotals | None:
    """What the model behind a panel's judge has used so far; None where no model judges."""
    from purpcode.oracles.judged import JudgedOracle
    from purpcode.oracles.model_judge import ModelJudge

    judges = [one.judge_model for one in panel.oracles.values() if isinstance(one, JudgedOracle)]
    spent = next((judge.spent for judge in judges if isinstance(judge, ModelJudge)), None)
    if spent is None:
        return None
    return TokenTotals(
        prompt_tokens=spent.prompt_tokens,
        completion_tokens=spent.completion_tokens,
        counted=spent.counted,
        completions=spent.replies,
    )


def spent_since(before: TokenTotals | None, now: TokenTotals | None) -> TokenTotals | None:
    """What was used between two looks at `judge_spending`."""
    if before is None or now is None:
        return None
    return TokenTotals(**{name: getattr(now, name) - value for name, value in before})


def _amount(tokens: TokenTotals, price_in: float | None, price_out: float | None) -> float | None:
    if price_in is None or price_out is None or not tokens.counted:
        return None
    return (tokens.prompt_tokens * price_in + tokens.completion_tokens * price_out) / 1e6


def cost_words(header: EvalHeader) -> list[str]:
    """What an evaluation cost, in words, with what is not counted; empty where no prices were
    given."""
    cost = header.cost
    if cost is None:
        return []
    words = []
    parts = (("model", cost.model, header.tokens), ("judge", cost.judge, header.judge_tokens))
    for name, amount, tokens in parts:
        if amount is not None and tokens is not None:
            words.append(f"{name} {money(amount)}{_partly(tokens)}")
    return words


def _partly(tokens: TokenTotals) -> str:
    if tokens.counted == tokens.completions:
        return ""
    return f" (of {tokens.counted} of {tokens.completions} answers; the others told no tokens)"


def money(amount: float) -> str:
    """An amount with as many digits as say something."""
    if amount >= 1 or amount == 0:
        return f"{amount:,.2f}"
    return f"{Decimal(f'{amount:.2g}'):f}"
