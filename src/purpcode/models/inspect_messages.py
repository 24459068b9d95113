"""Messages and completions between Inspect's types and ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from purpcode.types import Completion, Message, StopReason, Usage

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage, ModelOutput

_InspectStop = Literal["stop", "max_tokens", "content_filter", "unknown"]

FROM_INSPECT: dict[str, StopReason] = {
    "stop": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
}
"""Inspect's stop reasons that have a name of ours; the others are unknown."""

TO_INSPECT: dict[StopReason, _InspectStop] = {
    "stop": "stop",
    "length": "max_tokens",
    "content_filter": "content_filter",
    "error": "unknown",
    "unknown": "unknown",
}


def to_chat_messages(messages: Sequence[Message]) -> list[ChatMessage]:
    """Our conversation as Inspect's."""
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

    kinds = {
        "system": ChatMessageSystem,
        "user": ChatMessageUser,
        "assistant": ChatMessageAssistant,
    }
    return [kinds[message.role](content=message.content) for message in messages]


def from_chat_messages(messages: Sequence[ChatMessage]) -> list[Message]:
    """Inspect's conversation as ours; tool messages have no place in it and are left out."""
    return [
        Message(role=message.role, content=_storable(message.text))
        for message in messages
        if message.role != "tool"
    ]


def to_completion(output: ModelOutput) -> Completion:
    """A completion of Inspect's as ours. No choice at all, or an error, is `stop_reason="error"`;
    a content filter's refusal carries an error text too and stays a refusal."""
    if output.empty or (output.error and output.stop_reason != "content_filter"):
        return Completion(text="", stop_reason="error")
    usage = output.usage and Usage(
        prompt_tokens=output.usage.input_tokens, completion_tokens=output.usage.output_tokens
    )
    return Completion(
        text=_storable(output.completion),
        stop_reason=FROM_INSPECT.get(output.stop_reason, "unknown"),
        usage=usage,
    )


def to_model_output(completion: Completion, model: str) -> ModelOutput:
    """Our completion as Inspect's; an unanswered prompt becomes an output with an error."""
    from inspect_ai.model import ModelOutput, ModelUsage

    failed = completion.stop_reason == "error"
    output = ModelOutput.from_content(
        model,
        completion.text,
        stop_reason=TO_INSPECT[completion.stop_reason],
        error="the model gave no answer" if failed else None,
    )
    if completion.usage:
        spent = completion.usage
        output.usage = ModelUsage(
            input_tokens=spent.prompt_tokens,
            output_tokens=spent.completion_tokens,
            total_tokens=spent.prompt_tokens + spent.completion_tokens,
        )
    return output


def _storable(text: str) -> str:
    """Text without lone surrogates: JSON escapes bring them in, UTF-8 files cannot hold them."""
    return text.encode("utf-8", "replace").decode("utf-8")
