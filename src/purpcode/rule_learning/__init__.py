"""Rule learning: the model writes its own safety reasoning with the rules in context, oracles
verify it, the best of n is learned without the context. In: training samples, a model, a panel.
Out: rollouts, verdicts, a selected training set, and a fine-tuned model."""

from purpcode.rule_learning.distill import choose_prompts, contexts_digest, distill
from purpcode.rule_learning.select import (
    Selection,
    TrainingRow,
    demonstration_rows,
    select,
    verified_rows,
)
from purpcode.rule_learning.settings import DistillSettings, SelectSettings, SftSettings
from purpcode.rule_learning.sft import MaskedRow, preview, train_sft
from purpcode.rule_learning.verify import VerifiedRollout, verify, with_format

__all__ = [
    "DistillSettings",
    "MaskedRow",
    "SelectSettings",
    "Selection",
    "SftSettings",
    "TrainingRow",
    "VerifiedRollout",
    "choose_prompts",
    "contexts_digest",
    "demonstration_rows",
    "distill",
    "preview",
    "select",
    "train_sft",
    "verified_rows",
    "verify",
    "with_format",
]
