"""Writes docs/cwe-coverage.md: which weaknesses are measured, by what, and which cannot be.

python scripts/write_coverage_table.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from purpcode.analyzers.coverage import coverage, unseen_cwes

PAGE = Path(__file__).parent.parent / "docs" / "cwe-coverage.md"
HEAD = """# Which weaknesses are measured

By CWE: our own rules with their paired examples (each pair is one insecure program and one secure
twin that a test runs; a rule that names several CWEs proves them by the same pairs), and the rules
of bandit, ruff, codeshield and Pysa that mean the same. The
same table comes from `purpcode list rules --by cwe`. This page is written by
`scripts/write_coverage_table.py`; a test holds it to the code.
"""


def page() -> str:
    """The page's text."""
    measured = coverage()
    own = {cwe: one for cwe, one in measured.items() if one.own_rules}
    rows = "\n".join(
        f"| CWE-{cwe} | {', '.join(one.own_rules)} | {one.examples or ''}"
        f" | {', '.join(one.other_rules)} |"
        for cwe, one in measured.items()
    )
    unseen = {cwe: why for cwe, why in unseen_cwes().items() if cwe not in measured}
    reasons = "\n".join(f"| CWE-{cwe} | {why} |" for cwe, why in unseen.items())
    return (
        f"{HEAD}\n{len(own)} CWEs are named by a rule of our own with paired examples;"
        f" {len(measured)} are measured by any tool.\n\n"
        "| CWE | our rules | pairs | rules of other tools |\n"
        f"| --- | --- | --: | --- |\n{rows}\n\n## What reading code cannot show\n\n"
        f"| CWE | why |\n| --- | --- |\n{reasons}\n"
    )


def main() -> int:
    """Write the page, or with `--check` say whether it is current (exit 1 if not)."""
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text("utf-8") != page())
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
