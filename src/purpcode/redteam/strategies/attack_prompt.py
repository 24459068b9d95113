"""What an attack strategy makes of a rule's task, and the seeded choice of a wording."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from purpcode.rules import RuleEntry, RuleTask


@dataclass(frozen=True)
class AttackPrompt:
    """A prompt and what it carries.

    `task_text` is the part that names the task, without the wording around it: near-duplicates
    are judged by it. `refusal_ok` says whether declining is a legitimate answer.
    """

    text: str
    task_text: str
    refusal_ok: bool


Strategy = Callable[[RuleEntry, RuleTask, int], AttackPrompt]
"""Turns a rule's task into a prompt; the seed varies the wording around the task."""


def choose_wording(
    templates: Sequence[str], strategy: str, entry: RuleEntry, task: RuleTask, seed: int
) -> str:
    """One of the templates, fixed by seed, strategy, rule and task."""
    return random.Random(f"{seed}/{strategy}/{entry.rule.id}/{task.id}").choice(templates)
