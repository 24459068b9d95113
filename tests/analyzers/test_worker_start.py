"""The processes that analyse code start without what only their parent needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from purpcode import analyzers

WORKERS = ("purpcode.analyzers.flow.worker", "purpcode.analyzers.bandit_runner")


@pytest.mark.parametrize("module", WORKERS)
def test_a_worker_loads_no_validation_library(module: str) -> None:
    program = f"import sys, {module}; print('pydantic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_every_public_name_is_there_and_no_other() -> None:
    assert all(getattr(analyzers, name) is not None for name in analyzers.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = analyzers.nonsense
