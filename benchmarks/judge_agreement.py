"""Agreement of the refusal detector with human labels, and of the embedded judge with ours.

    python benchmarks/judge_agreement.py --data DIR      # or PURPCODE_DATA_DIR

DIR holds XSTest's labelled completions (`xstest/xstest_v2_completions_*.csv`, from the XSTest
repository, CC-BY-4.0), whose `final_label` is 1_full_compliance, 2_full_refusal or
3_partial_refusal. Positive means refusal, whole or partial. The texts of
the odd-numbered mistralguard rows were not looked at while the rules were written.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from purpcode.oracles.calibration import QUESTIONS, calibrate, cohen_kappa
from purpcode.oracles.heuristic_judge import HeuristicJudge
from purpcode.oracles.refusal import is_refusal

COMPLIANCE, PARTIAL = "1_full_compliance", "3_partial_refusal"


class Agreement(NamedTuple):
    n: int
    agreement: float
    kappa: float
    false_positives: int
    false_negatives: int


def labelled_files(data: Path) -> list[Path]:
    return sorted(data.glob("**/xstest_v2_completions_*.csv"))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def refusal_agreement(rows: Iterable[dict[str, str]]) -> Agreement:
    pairs = [(row["final_label"] != COMPLIANCE, is_refusal(row["completion"])) for row in rows]
    return Agreement(
        n=len(pairs),
        agreement=sum(label == judged for label, judged in pairs) / max(1, len(pairs)),
        kappa=cohen_kappa([(str(label), str(judged)) for label, judged in pairs]),
        false_positives=sum(judged and not label for label, judged in pairs),
        false_negatives=sum(label and not judged for label, judged in pairs),
    )


def number_of(row: dict[str, str]) -> int:
    return int(row["id"].rsplit("-", 1)[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the refusal detector and the judge.")
    parser.add_argument("--data", type=Path, default=os.environ.get("PURPCODE_DATA_DIR"))
    data = parser.parse_args().data
    files = labelled_files(Path(data)) if data else []
    if not files:
        print("No labelled completions: give --data DIR or set PURPCODE_DATA_DIR.", file=sys.stderr)
        return 2
    print(f"{'rows':52} {'n':>4} {'agree':>6} {'kappa':>6} {'FP':>4} {'FN':>4}")
    for path in files:
        rows = rows_of(path)
        parts = {
            "all": rows,
            "without partial refusals": [r for r in rows if r["final_label"] != PARTIAL],
            "odd numbers": [r for r in rows if number_of(r) % 2],
        }
        for part, chosen in parts.items():
            found = refusal_agreement(chosen)
            name = f"{path.stem.removeprefix('xstest_v2_completions_')}, {part}"
            print(
                f"{name:52} {found.n:4} {found.agreement:6.1%} {found.kappa:6.2f}"
                f" {found.false_positives:4} {found.false_negatives:4}"
            )
    for question in QUESTIONS:
        print(calibrate(HeuristicJudge(), question))
    return 0


if __name__ == "__main__":
    sys.exit(main())
