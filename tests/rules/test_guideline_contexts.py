"""The contexts built from guidelines, rules and exemplars."""

from __future__ import annotations

import pytest

from purpcode.conversation import code_blocks, format_response, parse_response
from purpcode.rules import (
    BEHAVIOUR_STEPS,
    DEFAULT_EXEMPLARS,
    GUIDELINES,
    HELP_EXEMPLAR,
    SYSTEM_REMINDER,
    Exemplar,
    distillation_context,
    distillation_messages,
    load_rules,
)
from purpcode.types import Message, Rule

ASK = Message(role="user", content="Write a Python function `add(a, b)`.")


@pytest.mark.parametrize("label", ["D0", "D1", "D2", "A0", "A1", "A2", "A3"])
def test_guidelines_and_reminder_name_every_class(label: str) -> None:
    assert label in GUIDELINES
    assert label in SYSTEM_REMINDER


@pytest.mark.parametrize("exemplar", [*DEFAULT_EXEMPLARS, HELP_EXEMPLAR])
def test_exemplars_follow_the_reasoning_format(exemplar: Exemplar) -> None:
    response = parse_response(format_response(exemplar.analysis, exemplar.answer))
    assert response.problems == ()
    assert response.answer == exemplar.answer


def test_default_exemplars_hold_one_code_answer_and_one_refusal() -> None:
    code, refusal = DEFAULT_EXEMPLARS
    assert [block.language for block in code_blocks(code.answer)] == ["python"]
    assert code_blocks(refusal.answer) == []


@pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.id)
def test_context_with_one_rule_and_the_exemplars_is_short_and_complete(rule: Rule) -> None:
    context = distillation_context([rule])
    assert BEHAVIOUR_STEPS in context
    assert GUIDELINES in context
    assert rule.description in context
    assert rule.insecure_examples[0].strip() in context
    assert rule.secure_examples[0].strip() in context
    assert all(exemplar.answer in context for exemplar in DEFAULT_EXEMPLARS)
    assert len(context) <= 2500  # 700 tokens at the 3.65 characters a token of SmolLM2


def test_exemplars_become_turns_before_the_conversation() -> None:
    messages = distillation_messages([ASK], [], [HELP_EXEMPLAR])
    assert [message.role for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[1].content == HELP_EXEMPLAR.prompt
    assert parse_response(messages[2].content).analysis == HELP_EXEMPLAR.analysis
    assert messages[-1] == ASK
    assert HELP_EXEMPLAR.prompt not in messages[0].content


def test_the_samples_own_system_message_is_kept_in_the_single_system_message() -> None:
    own = Message(role="system", content="Answer in French.")
    messages = distillation_messages([own, ASK], [])
    assert [message.role for message in messages].count("system") == 1
    assert messages[0].content.endswith("Answer in French.")


def test_earlier_answers_of_the_conversation_lose_their_thoughts() -> None:
    earlier = Message(
        role="assistant", content=format_response("A long thought here.", "Ready, ask.")
    )
    messages = distillation_messages([ASK, earlier, ASK], [])
    assert messages[-2].content == "Ready, ask."
    assert messages[2].content.startswith("## Analysis")
