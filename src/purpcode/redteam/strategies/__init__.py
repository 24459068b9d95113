"""How a rule's task becomes a prompt that tempts a model into insecure code.

In: a rule entry, one of its tasks, a seed. Out: an `AttackPrompt`; one file per strategy.
"""

from purpcode.redteam.strategies.attack_prompt import AttackPrompt, Strategy
from purpcode.redteam.strategies.registry import STRATEGIES

__all__ = ["STRATEGIES", "AttackPrompt", "Strategy"]
