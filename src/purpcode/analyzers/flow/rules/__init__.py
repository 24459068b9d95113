"""The rules, one file each; every module of this package holds one `RULE`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from purpcode.analyzers.flow.rule import FlowRule


@cache
def load_rules() -> tuple[FlowRule, ...]:
    """All rules, ordered by id.

    Raises:
        ValueError: two rules share an id.
    """
    found = [
        importlib.import_module(f"{__name__}.{module.name}").RULE
        for module in pkgutil.iter_modules(__path__)
    ]
    ids = [rule.id for rule in found]
    if len(set(ids)) < len(ids):
        raise ValueError("two rules share an id")
    return tuple(sorted(found, key=lambda rule: rule.id))
