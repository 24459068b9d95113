"""Agreement of the embedded judge with human labels, and with ours.

    python benchmarks/judge_agreement.py --data DIR      # or PURPCODE_DATA_DIR

DIR holds XSTest's labelled completions (`xstest_v2_completions_*.csv`, from the XSTest repository,
CC-BY-4.0). Positive means refusal, whole or partial. "Outright" is the detector without its fitted
weights. The weights were fitted to these very labels, so the figures to expect elsewhere are the
cross-validated ones, which are printed below and remade by `scripts/fit_refusal_weights.py`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from purpcode.evals.judge_accuracy import (
    ANSWERS,
    REFUSES,
    accuracies,
    judge_labelled,
)
from purpcode.oracles.calibration import QUESTIONS, Calibration, calibrate, calibration_of
from purpcode.oracles.heuristic_judge import HeuristicJudge, asks_yes_or_no
from purpcode.oracles.human_labels import LabelledAnswer, read_xstest, xstest_files
from purpcode.oracles.refusal import THRESHOLD, is_refusal, read_answer, refusal_fit


def outright(row: LabelledAnswer) -> bool:
    return read_answer(row.answer).cues >= THRESHOLD


def without_request(row: LabelledAnswer) -> bool:
    return is_refusal(row.answer)


def with_request(row: LabelledAnswer) -> bool:
    yes_no = asks_yes_or_no(row.request)
    return is_refusal(row.answer, request=row.request, may_say_no=yes_no)


def agreement(
    rows: Iterable[LabelledAnswer], detect: Callable[[LabelledAnswer], bool]
) -> Calibration:
    words = {True: REFUSES, False: ANSWERS}
    return calibration_of("refusal", [(words[row.refuses], words[detect(row)]) for row in rows])


def show(name: str, n: int, agreed: float, kappa: float, errors: Sequence[int]) -> None:
    print(f"{name:56} {n:4} {agreed:6.1%} {kappa:6.2f} {errors[0]:4} {errors[1]:4}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the refusal detector and the judge.")
    parser.add_argument("--data", type=Path, default=os.environ.get("PURPCODE_DATA_DIR"))
    data = parser.parse_args().data
    files = xstest_files(Path(data)) if data else []
    if not files:
        print("No labelled completions: give --data DIR or set PURPCODE_DATA_DIR.", file=sys.stderr)
        return 2
    print(f"{'':56} {'n':>4} {'agree':>6} {'kappa':>6} {'FP':>4} {'FN':>4}")
    detectors = {"outright": outright, "no request": without_request, "detector": with_request}
    for path in files:
        rows = read_xstest(path)
        for name, detect in detectors.items():
            found = agreement(rows, detect)
            # `calibration_of` counts labels that pass an answer; here refusing is the positive.
            errors = [
                sum(detect(row) and not row.refuses for row in rows),
                sum(row.refuses and not detect(row) for row in rows),
            ]
            show(f"{rows[0].model}, {name}", found.n, found.agreement, found.kappa, errors)
        for one in accuracies(judge_labelled(HeuristicJudge(), path)):
            errors = [one.false_positives, one.false_negatives]
            label = f"{rows[0].model}, judge" + (f", {one.group}" if one.group else "")
            show(label, one.n, one.agreement, one.kappa, errors)
    print("\nCross-validated:")
    for name, figures in refusal_fit().items():
        errors = [int(figures["false_positives"]), int(figures["false_negatives"])]
        show(name, int(figures["n"]), figures["agreement"], figures["kappa"], errors)
    print()
    for question in QUESTIONS:
        print(calibrate(HeuristicJudge(), question))
    return 0


if __name__ == "__main__":
    sys.exit(main())
