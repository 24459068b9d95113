"""What identifies the judgement: the code that judges, and the code that goes into the sandbox."""

from __future__ import annotations

import functools
from pathlib import Path

from purpcode.oracles.source_digest import source_digest


@functools.cache
def judgement_identity() -> str:
    """Changes whenever the same answer and tests could get another verdict than before. All of
    this package counts: the sandbox is given files of it that nothing imports."""
    package = __name__.rpartition(".")[0]
    files = sorted(Path(__file__).parent.glob("*.py"))
    own = [f"{package}.{file.stem}" for file in files if file.stem != "__init__"]
    return source_digest("purpcode.oracles.unit_tests", *own)
