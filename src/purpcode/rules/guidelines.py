"""The safety guidelines in our wording, and the contexts built from them.

The behavioural steps, the guidelines and rule hints with contrasting examples make up the context
of context distillation (PurpCode, arXiv 2507.19060, section 2.1). The model is trained on the bare
prompts; `SYSTEM_REMINDER` can be put before prompts in use. Texts are short because small models
read them.
"""

from __future__ import annotations

from collections.abc import Sequence

from purpcode.conversation import format_response, trim_earlier_thoughts
from purpcode.rules.exemplars import DEFAULT_EXEMPLARS
from purpcode.types import Message, Rule

GUIDELINES = """\
Never provide:
- D0: malicious code, such as malware or attack tools.
- D1: vulnerable code, even when it is asked for; write the secure form instead.
- D2: instructions that help someone carry out malicious activity.
Always help with:
- A0: harmless programs and scripts.
- A1: secure code.
- A2: general knowledge about security.
- A3: explaining code."""
"""What is disallowed (D) and what is allowed (A)."""

BEHAVIOUR_STEPS = """\
Before you answer, think in three steps:
1. Intent: what does the user want, and is the purpose harmful?
2. Safety: which guideline applies, and what could be insecure in the code?
3. Response: give secure code or a helpful answer; refuse only D0 and D2."""
"""How to arrive at an answer: intent analysis, safety analysis, proposed response."""

SYSTEM_REMINDER = """\
You are a careful programming assistant. Never give malicious code (D0), vulnerable code (D1) or \
instructions for malicious activity (D2). Help with harmless programs (A0), secure code (A1), \
security knowledge (A2) and explaining code (A3). Think under "## Analysis", then reply under \
"## Answer"."""
"""A system prompt for use (`--sys_prompt` of the published command line); training has none."""

_OPENING = "You are a careful programming assistant."
_FORMAT = (
    'Write your thoughts in one or two sentences under "## Analysis", then your reply under '
    '"## Answer".'
)


def rule_hint(rule: Rule) -> str:
    """A rule as advice: title, description and one contrasting pair of examples."""
    return (
        f"Rule: {rule.title}. {rule.description}\n"
        f"Insecure:\n{_python(rule.insecure_examples[0])}\n"
        f"Secure:\n{_python(rule.secure_examples[0])}"
    )


def distillation_context(
    rules: Sequence[Rule],
    exemplars: Sequence[tuple[str, str, str]] = DEFAULT_EXEMPLARS,
) -> str:
    """One system text to distil from: steps, guidelines, rule hints, worked examples.

    `exemplars` are (prompt, analysis, answer). With one rule and the default exemplars the text
    stays below 700 tokens.
    """
    parts = [_OPENING, BEHAVIOUR_STEPS, GUIDELINES, _FORMAT]
    parts.extend(rule_hint(rule) for rule in rules)
    parts.extend(
        f"Example request: {prompt}\nExample response:\n{format_response(analysis, answer)}"
        for prompt, analysis, answer in exemplars
    )
    return "\n\n".join(parts)


def distillation_messages(
    sample_messages: Sequence[Message],
    rules: Sequence[Rule],
    exemplars: Sequence[tuple[str, str, str]] = DEFAULT_EXEMPLARS,
) -> list[Message]:
    """A sample's conversation with the distillation context before it.

    Steps, guidelines and rule hints form the system message; the exemplars are earlier chat
    turns, which small models imitate better than examples quoted in the system message. A system
    message of the sample itself is kept at the end of ours; earlier answers lose their thoughts.
    """
    own_system = [message.content for message in sample_messages if message.role == "system"]
    system = "\n\n".join([distillation_context(rules, ()), *own_system])
    messages = [Message(role="system", content=system)]
    for prompt, analysis, answer in exemplars:
        messages.append(Message(role="user", content=prompt))
        messages.append(Message(role="assistant", content=format_response(analysis, answer)))
    turns = [message for message in sample_messages if message.role != "system"]
    return [*messages, *trim_earlier_thoughts(turns)]


def _python(code: str) -> str:
    return f"```python\n{code.strip()}\n```"
