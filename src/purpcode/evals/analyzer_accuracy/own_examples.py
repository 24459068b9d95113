"""The paired examples of our own rules as a labelled set."""

from __future__ import annotations

from itertools import zip_longest

from purpcode.analyzers.flow.rules import load_rules
from purpcode.evals.analyzer_accuracy.labelled import Label, LabelledCode

_LABELS: tuple[Label, Label] = ("insecure", "secure")


def example_rows() -> list[LabelledCode]:
    """One row per example of every rule, insecure and secure by turns.

    The rules were written with them, so that on this set other analyzers are measured, and the
    ensemble's tolerance of our secure twins; our own analyzer's figures there prove nothing.
    """
    return [
        LabelledCode(
            id=f"{rule.id}:{label}-{number}",
            code=code,
            label=label,
            cwe=rule.cwes,
            pair=f"{rule.id}:{number}" if None not in twins else None,
        )
        for rule in load_rules()
        for number, twins in enumerate(zip_longest(rule.insecure, rule.secure))
        for label, code in zip(_LABELS, twins, strict=True)
        if code is not None
    ]
