"""Answers that try to be paid without doing the work, and the lint that shows what they earn.

In go a recipe's oracle and reward settings; out comes, for every cheat, its reward beside those
of an honest wrong answer and an honest right one: no cheat may pay, all honest work must."""

from purpcode.cheats.cheat import Cheat, fenced, said
from purpcode.cheats.lint import LintReport, LintRow, run_reward_lint
from purpcode.cheats.registry import FAMILIES, cheats_of, read_cheats

__all__ = [
    "FAMILIES",
    "Cheat",
    "LintReport",
    "LintRow",
    "cheats_of",
    "fenced",
    "read_cheats",
    "run_reward_lint",
    "said",
]
