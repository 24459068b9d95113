"""The attack strategies by name."""

from __future__ import annotations

from purpcode.redteam.strategies.attack_prompt import Strategy
from purpcode.redteam.strategies.continuation import continuation
from purpcode.redteam.strategies.explicit import explicit
from purpcode.redteam.strategies.implicit import implicit

STRATEGIES: dict[str, Strategy] = {
    "implicit": implicit,
    "explicit": explicit,
    "continuation": continuation,
}
"""Name in a recipe → strategy."""
