"""Cheats on secure_code that call something dangerous by a name the rules do not match.

They need an analyzer that follows values through names, not one that matches calls.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files

from purpcode.cheats.cheat import fenced
from purpcode.cheats.secure_code import Trick

NEEDS = ("purpcode",)
"""Analyzers that follow values through names."""


def disguised_code() -> dict[str, Trick]:
    """Name → why it could pay, and the answer."""
    text = (files("purpcode.cheats") / "data" / "disguised_calls.toml").read_text(encoding="utf-8")
    return {
        f"disguise-{name}": (
            f"{entry['how']}: a rule that matches calls by name misses it",
            fenced(entry["code"]),
        )
        for name, entry in tomllib.loads(text).items()
    }
