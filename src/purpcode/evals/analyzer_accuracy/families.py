"""Which CWE numbers count as the same weakness when findings are compared with labels."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources


@cache
def cwe_families() -> dict[str, frozenset[int]]:
    """Name → CWEs, from `cwe_families.toml`, which documents how families match."""
    table = resources.files(__package__).joinpath("cwe_families.toml").read_text("utf-8")
    return {name: frozenset(cwes) for name, cwes in tomllib.loads(table)["families"].items()}


def related_cwes(cwe: int) -> frozenset[int]:
    """A CWE and all that share a family with it."""
    return frozenset({cwe}).union(*(one for one in cwe_families().values() if cwe in one))


def same_weakness(found: Iterable[int], labelled: Iterable[int]) -> bool:
    """Whether any CWE of a finding is, or shares a family with, any CWE of a label."""
    found = frozenset(found)
    return any(found & related_cwes(cwe) for cwe in labelled)
