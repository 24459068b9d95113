"""`purpcode reward-lint`: does a recipe's reward pay cheats, and does it pay honest work?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from purpcode.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from purpcode.cheats import Cheat, LintReport, LintRow

_STYLES = {"caught": "green", "pays": "red", "unfair": "red", "unmeasured": "yellow"}
_MANY = Parameter(negative="", show_default=False)


def reward_lint(
    recipe: Path | None = None,
    *,
    profile: str | None = None,
    set: Annotated[tuple[str, ...], _MANY] = (),
    family: Annotated[tuple[str, ...], _MANY] = (),
    cheats: Path | None = None,
    json: Path | None = None,
    verbose: bool = False,
) -> None:
    """Judge a library of cheating answers with a recipe's own oracles and reward.

    Exit code 1 when a cheat earns more than honest failure, or honest work is not paid.

    Parameters
    ----------
    recipe
        A TOML recipe; without one, the default settings are judged.
    profile
        A `[profiles.NAME]` table of the recipe, laid over it.
    set
        Override a field, as section.field=value; may be given often.
    family
        Only this family of cheats; may be given often.
    cheats
        JSONL file of further cheats; without --family only these are judged.
    json
        Write the whole result to this file.
    verbose
        List the caught cheats too.
    """
    from rich.console import Console

    from purpcode.cheats import run_reward_lint
    from purpcode.recipe import load_recipe

    if recipe is not None:
        loaded = load_recipe(recipe, profile=profile, overrides=set)
        oracles, rl = loaded.oracles, loaded.rl
    elif profile is not None or set:
        raise InputError("--profile and --set change a recipe; name one")
    else:
        oracles, rl = None, None
    report = run_reward_lint(_chosen(family, cheats), oracles=oracles, rl=rl)
    if json is not None:
        from purpcode.records import write_text_atomic

        write_text_atomic(json, report.model_dump_json(indent=1) + "\n")
    _print(report, Console(highlight=False), verbose=verbose)
    if not report.passed:
        raise SystemExit(1)


def _chosen(families: tuple[str, ...], path: Path | None) -> list[Cheat]:
    from purpcode.cheats import cheats_of, read_cheats

    outside = read_cheats(path) if path is not None else []
    own = cheats_of(families) if families or path is None else []
    return [*own, *outside]


def _print(report: LintReport, console: Console, *, verbose: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    shown = [row for row in report.rows if verbose or row.status != "caught"]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("cheat", overflow="fold", ratio=1)
    for title in ("earns", "may earn", "wrong", "right"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in shown:
        rewards = (row.reward, row.allowed, row.honest_reward, row.twin_reward)
        about = Text.assemble(row.id, "\n", (_told(row), "dim"))
        paid = ["–" if one is None else f"{one:g}" for one in rewards]
        table.add_row(Text(row.status, _STYLES.get(row.status, "")), about, *paid)
    if shown:
        console.print(table)
    counts = report.counts()
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    console.print(f"{len(report.rows)} cheats: {told}", style="bold")
    console.print(
        f"Judged with {', '.join(report.analyzers)}. Wrong and right: what the honest answers earn;"
        " – is none, or unmeasured.",
        style="dim",
        markup=False,
    )
    if counts["limit"]:
        console.print(
            f"{counts['limit']} cheats are paid all the same, as known limits: a reward of their"
            " oracles alone can be had without the work. Their rows say which oracle to add.",
            style="yellow",
        )
    if not report.passed:
        console.print("the reward pays what it must not, or does not pay honest work", style="red")


def _told(row: LintRow) -> str:
    """What to know about a row, without characters that could steer a terminal."""
    text = "; ".join(row.problems) or row.reason
    if row.status == "pays":
        text = f"{text}. {row.why}"
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
