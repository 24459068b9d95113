"""How often the analyzers are right, over several labelled sets at once, as one Markdown table.

    python benchmarks/analyzer_accuracy.py SET.jsonl ... [--profile thorough] [--match cwe]

The sets are JSONL files as `purpcode analyzers import` writes them. A cell reads: insecure rows
flagged / secure rows flagged / pairs told apart, in % with counts; `?` counts unmeasured rows.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from purpcode.analyzers import open_analyzers
from purpcode.commands.analyzers import chosen_analyzers
from purpcode.errors import PurpcodeError
from purpcode.evals.analyzer_accuracy import (
    Accuracy,
    Criterion,
    evaluate_analyzers,
    label_counts,
    read_labelled,
)
from purpcode.evals.statistics import Rate
from purpcode.types import SEVERITIES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--analyzers")
    parser.add_argument("--profile")
    parser.add_argument("--min-severity", choices=SEVERITIES, default="medium")
    parser.add_argument("--match", choices=["any", "cwe"], default="any")
    parser.add_argument("--timeout-s", type=float, default=300.0)
    arguments = parser.parse_args()
    names = chosen_analyzers(arguments.analyzers, arguments.profile)
    analyzers = open_analyzers(names, timeout_s=arguments.timeout_s)
    criterion = Criterion(arguments.min_severity, arguments.match)
    columns: dict[str, dict[str, str]] = {}
    for path in arguments.sets:
        rows = read_labelled(path)
        counts = label_counts(rows)
        head = f"{path.stem} ({counts['insecure']} / {counts['secure']})"
        judged = evaluate_analyzers(rows, analyzers, criterion)
        columns[head] = {one.name: cell(one.overall) for one in judged}
    print(f"Recall / false positives / pairs; {arguments.min_severity} severity or above, ", end="")
    print(f"match: {arguments.match}. Rows of a set: insecure / secure.\n")
    print("| Judge |", " | ".join(columns), "|")
    print("| --- |" + " --- |" * len(columns))
    for name in next(iter(columns.values())):
        print(f"| {name} |", " | ".join(column[name] for column in columns.values()), "|")
    print()
    for analyzer in analyzers:
        print(f"- {analyzer.name}: {analyzer.fingerprint()}")


def cell(part: Accuracy) -> str:
    return " / ".join(map(share, (part.recall, part.false_positives, part.pairs)))


def share(rate: Rate) -> str:
    unknown = f", {rate.unmeasured}?" if rate.unmeasured else ""
    if rate.rate is None:
        return f"–{unknown}"
    return f"{100 * rate.rate:.1f} ({rate.passed}/{rate.measured}{unknown})"


if __name__ == "__main__":
    try:
        main()
    except PurpcodeError as error:
        raise SystemExit(str(error)) from None
