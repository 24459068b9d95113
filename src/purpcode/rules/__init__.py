"""What the model is taught: security rules with their tasks, and the safety guidelines.

In: one TOML file per rule (`catalogue/`), and a sample's messages. Out: `RuleEntry` objects, and
the system prompts and messages from which answers are distilled.
"""

from purpcode.rules.catalogue import RuleEntry, RuleTask, load_catalogue, load_rules
from purpcode.rules.exemplars import (
    DEFAULT_EXEMPLARS,
    HELP_EXEMPLAR,
    REFUSAL_EXEMPLAR,
    SECURE_CODE_EXEMPLAR,
    Exemplar,
)
from purpcode.rules.guidelines import (
    BEHAVIOUR_STEPS,
    GUIDELINES,
    SYSTEM_REMINDER,
    distillation_context,
    distillation_messages,
    rule_hint,
)

__all__ = [
    "BEHAVIOUR_STEPS",
    "DEFAULT_EXEMPLARS",
    "GUIDELINES",
    "HELP_EXEMPLAR",
    "REFUSAL_EXEMPLAR",
    "SECURE_CODE_EXEMPLAR",
    "SYSTEM_REMINDER",
    "Exemplar",
    "RuleEntry",
    "RuleTask",
    "distillation_context",
    "distillation_messages",
    "load_catalogue",
    "load_rules",
    "rule_hint",
]
