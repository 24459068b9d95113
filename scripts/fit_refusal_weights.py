"""Fit the weights of the refusal detector to human labels, and say how well they carry over.

    python scripts/fit_refusal_weights.py --data DIR [--write]     # or PURPCODE_DATA_DIR

DIR holds XSTest's labelled completions (`xstest_v2_completions_*.csv`, CC-BY-4.0). Only weights are
written, none of its text. The model is a logistic regression on the log-odds of the hand-weighted
cues and the numbers of `refusal_features`, whose signs are given there; a ridge penalty pulls the
cues' weight to 1 and all others to 0. Answers that the rules decide take no part in the fit.

Cross-validation. Each figure is over answers that neither the weights nor the penalty saw: the
penalty is chosen inside the training part, by the log-loss of five folds of its own. Folds never
separate answers to the same prompt, and "one model to another" shares prompts but no answers.
The cues and the numbers are written by hand; the answers of odd number in the mistralguard file
were not looked at while they were, so that "held-out half" is free of that too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from purpcode.oracles.heuristic_judge import asks_yes_or_no
from purpcode.oracles.human_labels import LabelledAnswer, read_xstest, xstest_files
from purpcode.oracles.refusal import BIAS, CUE_LOG_ODDS, THRESHOLD, Reading, read_answer
from purpcode.oracles.refusal_features import SIGNS

ORACLES = Path(__file__).parent.parent / "src" / "purpcode" / "oracles"
OUT = ORACLES / "data" / "refusal_weights.json"
PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0)
BIAS_PENALTY = 0.01
FOLDS, INNER_FOLDS, REPEATS = 10, 5, 5
NAMES = (BIAS, CUE_LOG_ODDS, *SIGNS)
HELD_OUT_MODEL = "mistralguard"

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Answers(NamedTuple):
    """Labelled answers as arrays of equal length; `numbers` are those of the prompts."""

    inputs: Floats
    weighed: Bools
    by_rule: Bools
    refuses: Bools
    partial: Bools
    numbers: NDArray[np.int64]
    models: NDArray[np.str_]


def read_answers(rows: list[LabelledAnswer]) -> Answers:
    """What the detector reads in the answers, with their labels."""
    readings = [
        read_answer(row.answer, request=row.request, may_say_no=asks_yes_or_no(row.request))
        for row in rows
    ]
    return Answers(
        inputs=np.array([_inputs(reading) for reading in readings]),
        weighed=np.array([reading.signals is not None for reading in readings]),
        by_rule=np.array([reading.cues >= THRESHOLD for reading in readings]),
        refuses=np.array([row.refuses for row in rows]),
        partial=np.array([row.partial for row in rows]),
        numbers=np.array([row.number for row in rows]),
        models=np.array([row.model for row in rows]),
    )


def _inputs(reading: Reading) -> list[float]:
    signals = reading.signals or {}
    return [1.0, *(signals.get(name, 0.0) for name in NAMES[1:])]


def fit(answers: Answers, part: Bools, penalty: float) -> Floats:
    """The weights over the weighed answers of a part."""
    from scipy.optimize import minimize

    chosen = part & answers.weighed
    inputs, labels = answers.inputs[chosen], answers.refuses[chosen].astype(float)
    prior = np.array([0.0, 1.0, *(0.0 for _ in SIGNS)])
    pull = np.array([BIAS_PENALTY, *(penalty for _ in NAMES[1:])])

    def loss(weights: Floats) -> tuple[float, Floats]:
        odds, away = inputs @ weights, weights - prior
        value = np.sum(np.logaddexp(0, odds) - labels * odds) + 0.5 * pull @ away**2
        return float(value), inputs.T @ (1 / (1 + np.exp(-odds)) - labels) + pull * away

    bounds: list[tuple[int | None, int | None]] = [(None, None), (0, None)]
    bounds += [(0, None) if sign > 0 else (None, 0) for sign in SIGNS.values()]
    found: Floats = minimize(loss, prior, jac=True, bounds=bounds, method="L-BFGS-B").x
    return found


def choose_penalty(answers: Answers, part: Bools) -> float:
    """The penalty of the least log-loss over folds within a part, grouped by prompt."""
    prompts = np.unique(answers.numbers[part])
    fold = np.random.default_rng(0).permutation(len(prompts)) % INNER_FOLDS
    folds = [part & np.isin(answers.numbers, prompts[fold == one]) for one in range(INNER_FOLDS)]

    def cost(penalty: float) -> float:
        total = 0.0
        for held in folds:
            odds = answers.inputs @ fit(answers, part & ~held, penalty)
            losses = np.logaddexp(0, odds) - answers.refuses * odds
            total += float(losses[held & answers.weighed].sum())
        return total

    return min(PENALTIES, key=cost)


def predict(answers: Answers, weights: Floats) -> Bools:
    """Which answers refuse: by their cues, or by the weights where they take part."""
    return np.where(answers.weighed, answers.inputs @ weights >= 0, answers.by_rule)


def carried_over(answers: Answers, train: Bools) -> Bools:
    """Predictions of weights and penalty from the training part alone."""
    return predict(answers, fit(answers, train, choose_penalty(answers, train)))


def cross_validated(answers: Answers, seed: int) -> Bools:
    """Predictions for every answer from the folds that hold no answer to its prompt."""
    prompts = np.unique(answers.numbers)
    fold = np.random.default_rng(seed).permutation(len(prompts)) % FOLDS
    predicted = np.zeros(len(answers.refuses), dtype=bool)
    for one in range(FOLDS):
        held = np.isin(answers.numbers, prompts[fold == one])
        predicted[held] = carried_over(answers, ~held)[held]
    return predicted


def figures(answers: Answers, predicted: Bools, part: Bools) -> dict[str, Any]:
    """Agreement, kappa and errors of predictions over a part; positive is a refusal."""
    from purpcode.oracles.calibration import cohen_kappa

    label, judged = answers.refuses[part], predicted[part]
    pairs = zip(label, judged, strict=True)
    return {
        "n": int(part.sum()),
        "agreement": round(float((label == judged).mean()), 4),
        "kappa": round(cohen_kappa([(str(a), str(b)) for a, b in pairs]), 3),
        "false_positives": int((judged & ~label).sum()),
        "false_negatives": int((label & ~judged).sum()),
    }


def report(answers: Answers, say: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """All cross-validated figures by name, said as they come."""
    found: dict[str, dict[str, Any]] = {}

    def add(name: str, predicted: Bools, part: Bools) -> None:
        found[name] = shown = figures(answers, predicted, part)
        say(f"{name:62}" + "".join(f" {value:>7}" for value in shown.values()))

    say(f"{'':62} {'n':>7} {'agree':>7} {'kappa':>7} {'FP':>7} {'FN':>7}")
    every = np.ones(len(answers.refuses), dtype=bool)
    models = sorted(set(answers.models))
    for model in models:
        of_model = answers.models == model
        if len(models) > 1:
            add(f"{model}, fitted on the other models", carried_over(answers, ~of_model), of_model)
    held = (answers.models == HELD_OUT_MODEL) & (answers.numbers % 2 == 1)
    if held.any():
        add(f"{HELD_OUT_MODEL}, held-out half", carried_over(answers, ~held), held)
    runs = [cross_validated(answers, seed) for seed in range(REPEATS)]
    for model in [*models, "all"]:
        part = every if model == "all" else answers.models == model
        order = sorted(range(REPEATS), key=lambda run: (runs[run] == answers.refuses)[part].sum())
        middle = runs[order[REPEATS // 2]]
        add(f"{model}, {FOLDS} folds by prompt, median of {REPEATS}", middle, part)
        add(f"{model}, the same without partial refusals", middle, part & ~answers.partial)
    return found


def main() -> int:
    """Report, and write the weights where asked to."""
    parser = argparse.ArgumentParser(description="Fit the refusal detector's weights.")
    parser.add_argument("--data", type=Path, default=os.environ.get("PURPCODE_DATA_DIR"))
    parser.add_argument("--write", action="store_true", help="replace the shipped weights")
    ask = parser.parse_args()
    files = xstest_files(Path(ask.data)) if ask.data else []
    if not files:
        print("No labelled completions: give --data DIR or set PURPCODE_DATA_DIR.", file=sys.stderr)
        return 2
    answers = read_answers([row for path in files for row in read_xstest(path)])
    found = report(answers, print)
    every = np.ones(len(answers.refuses), dtype=bool)
    penalty = choose_penalty(answers, every)
    weights = {
        name: round(float(value), 3)
        for name, value in zip(NAMES, fit(answers, every, penalty), strict=True)
    }
    print(f"\nWeights over all answers, penalty {penalty}:")
    for name, value in weights.items():
        print(f"  {name:30} {value:7.3f}")
    if ask.write:
        about = "Written by scripts/fit_refusal_weights.py; see purpcode.oracles.refusal."
        labels = "XSTest completions (arXiv 2308.01263, CC-BY-4.0): labels only, no text"
        content = {"about": about, "labels": labels, "penalty": penalty, "weights": weights}
        OUT.write_text(json.dumps({**content, "cross_validated": found}, indent=2) + "\n")
        print(f"\nWritten: {OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
