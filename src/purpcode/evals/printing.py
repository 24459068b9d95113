"""What an evaluation tells the terminal: what it will do, how far it is, and the rates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from purpcode.analyzers.registry import expand_profiles
from purpcode.evals.costs import cost_words
from purpcode.evals.eval_settings import EvalSettings
from purpcode.evals.rates import pass_at_k_rows, rate_rows
from purpcode.evals.registry import TaskInfo
from purpcode.evals.results import DataInfo, EvalHeader, ScoredSample, TokenTotals
from purpcode.evals.statistics import Rate
from purpcode.models.registry import describe_endpoint
from purpcode.oracles.judge import HEURISTIC
from purpcode.oracles.settings import OracleSettings
from purpcode.sandbox.registry import sandbox_server

Say = Callable[[str], None]

RUN_PROGRAMS = ("unit_tests", "cwe_tests")
"""Oracles that run what the model wrote."""
GROUP_ROWS = 12
"""Rows printed of one breakdown; the rest stands in rates.json."""


def announce(
    task: TaskInfo,
    count: int,
    spec: str,
    base_url: str | None,
    settings: EvalSettings,
    data: DataInfo | None,
    say: Say,
) -> None:
    """Say what is about to be asked of whom, and where prompts leave this machine."""
    draws = f" × {settings.draws}" if settings.draws > 1 else ""
    say(f"{task.published}: {count} samples{draws}, model {spec}, judge {settings.oracles.judge}")
    if data is not None:
        edition = f": {data.edition}" if data.edition else ""
        say(f"  data: {data.source} ({data.rows} rows{edition})")
        if data.problem:
            say(f"  PARTIAL: {data.problem}")
        if count < data.rows:
            say(f"  only {count} of the {data.rows} rows are asked")
    endpoint = describe_endpoint(spec, base_url=base_url)
    if endpoint:
        say(f"  the model's prompts go to {endpoint}")
    announce_judge(settings.oracles.judge, say)


def announce_oracles(settings: OracleSettings, names: Iterable[str], say: Say) -> None:
    """Say which analyzers judge code, and where model-written programs may run elsewhere."""
    wanted = set(names)
    if "secure_code" in wanted:
        say(f"  code is judged by {', '.join(expand_profiles(settings.analyzers))}")
    server = sandbox_server(settings.sandbox)
    if server and not wanted.isdisjoint(RUN_PROGRAMS):
        say(f"  the model's programs {server}")


def announce_judge(judge: str, say: Say) -> None:
    """Say where a judge that is a model reads the answers."""
    endpoint = None if judge == HEURISTIC else describe_endpoint(judge)
    if endpoint:
        say(f"  the judge's prompts go to {endpoint}")


def print_tokens(tokens: TokenTotals, say: Say) -> None:
    """Print what the answers cost in tokens; answers that told nothing are said so."""
    if not tokens.counted:
        return
    told = tokens.counted, tokens.completions
    of_all = "" if told[0] == told[1] else f" (of {told[0]} of {told[1]} answers)"
    say(
        f"\nTokens: {tokens.prompt_tokens:,} of prompts, {tokens.completion_tokens:,} of"
        f" answers{of_all}"
    )


def print_cost(header: EvalHeader, say: Say) -> None:
    """Print what the run cost at the user's prices, where they were given."""
    words = cost_words(header)
    if words:
        say(f"Cost: {', '.join(words)}")


def progress(total: int, say: Say) -> Callable[[int], None]:
    """A counter that speaks up at every tenth of `total`."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        before, done = done, done + count
        if done * 10 // total > before * 10 // total:
            say(f"  asked {done} of {total}")

    return advance


def print_rates(
    scored: Sequence[ScoredSample],
    task: TaskInfo,
    label: str,
    draws: int,
    data: DataInfo | None,
    say: Say,
) -> None:
    """Print every metric's rate over all, then the breakdowns."""
    say(f"\n{label} on {task.published}")
    if data is not None and data.problem:
        say(f"  PARTIAL: {data.problem}")
    if data is not None and data.edition:
        say(f"  rows: {data.edition}")
    if cut_off := sum(one.completion.stop_reason == "length" for one in scored):
        say(f"  {cut_off} of {len(scored)} answers were cut off at the token limit")
    if draws > 1:
        table = [
            (row.group, row.value, f"{row.metric} pass@{row.k}", str(row), row.prompts)
            for row in pass_at_k_rows(scored, draws)
        ]
    else:
        table = [
            (row.group, row.value, row.metric, _shown(row.rate), row.rate.total)
            for row in rate_rows(scored)
        ]
    for group in dict.fromkeys(row[0] for row in table):
        rows = [row for row in table if row[0] == group]
        names = [" ".join(filter(None, (metric, value))) for _, value, metric, _, _ in rows]
        if group:
            say(f"\n  by {group}")
            order = sorted(range(len(rows)), key=lambda place: -rows[place][4])
            shown = sorted(order[:GROUP_ROWS])
        else:
            shown = list(range(len(rows)))
        width = max(len(names[place]) for place in shown)
        for place in shown:
            say(f"  {names[place]:<{width}}  {rows[place][3]}")
        if len(shown) < len(rows):
            say(f"  … and {len(rows) - len(shown)} more in rates.json")


def _shown(rate: Rate) -> str:
    """A rate; where nothing is measured, of how many."""
    return str(rate) if rate.measured else f"– ({rate.unmeasured} of {rate.total} unmeasured)"
