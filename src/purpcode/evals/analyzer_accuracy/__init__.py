"""Measures analyzers on code whose security is known.

In go labelled rows (JSONL, or a checkout of a published set) and analyzers; out come recall, false
positives and pairs told apart, of every analyzer and of all together, with intervals."""

from purpcode.evals.analyzer_accuracy.accuracy import (
    ENSEMBLE,
    Accuracy,
    Criterion,
    Judged,
    Match,
    evaluate_analyzers,
)
from purpcode.evals.analyzer_accuracy.families import related_cwes, same_weakness
from purpcode.evals.analyzer_accuracy.importers import IMPORTERS, import_labelled
from purpcode.evals.analyzer_accuracy.labelled import LabelledCode, label_counts, read_labelled
from purpcode.evals.analyzer_accuracy.own_examples import example_rows
from purpcode.evals.analyzer_accuracy.tables import (
    RowOutcome,
    accuracy_json,
    markdown_accuracy,
    print_accuracy,
    row_outcomes,
)

__all__ = [
    "ENSEMBLE",
    "IMPORTERS",
    "Accuracy",
    "Criterion",
    "Judged",
    "LabelledCode",
    "Match",
    "RowOutcome",
    "accuracy_json",
    "evaluate_analyzers",
    "example_rows",
    "import_labelled",
    "label_counts",
    "markdown_accuracy",
    "print_accuracy",
    "read_labelled",
    "related_cwes",
    "row_outcomes",
    "same_weakness",
]
