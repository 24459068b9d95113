"""The findings of a program do not depend on the order in which a process keeps its sets."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
from purpcode.analyzers.flow.findings import find_weaknesses
code = "import os\\ndef show(d, c, b, a):\\n    os.system(f'ls {a} {b} {c} {d}')\\n"
print([one.message for one in find_weaknesses(code)])
"""


def test_of_equally_grave_sources_the_same_is_named_on_every_run() -> None:
    answers = set()
    for seed in ("0", "1", "2"):
        done = subprocess.run(
            [sys.executable, "-P", "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        answers.add(done.stdout)
    assert len(answers) == 1
    assert "parameter 'a'" in answers.pop()
