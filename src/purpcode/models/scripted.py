"""A model that answers from a file: deterministic, offline, for examples and tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from purpcode.errors import InputError
from purpcode.models.model import Sampling
from purpcode.records import read_records
from purpcode.types import Completion, Message, StopReason


class ScriptedAnswer(BaseModel):
    """One line of a script. `match` is a substring of the prompt; null answers every prompt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: str | None
    text: str
    stop_reason: StopReason = "stop"


class ScriptedModel:
    """A `LanguageModel` over a JSONL script of `ScriptedAnswer`s.

    The first line whose `match` occurs in any of the prompt's messages gives the answer, whatever
    was asked before, so a resumed run sees the same answers. A prompt that no line matches cannot
    be answered (`stop_reason="error"`).

    Raises:
        InputError: naming file, line and field, for a script that cannot be read.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).expanduser()
        self.name = f"scripted:{path}"
        self.answers = read_records(self.path, ScriptedAnswer)
        if not self.answers:
            raise InputError(
                "holds no answers",
                path=self.path,
                hint='Write one JSON object a line: {"match": null, "text": "..."}',
            )

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,  # noqa: ARG002 (a script has nothing to sample)
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        """The script's answer to each prompt."""
        completions = [self._answer(prompt) for prompt in prompts]
        if on_progress:
            on_progress(len(completions))
        return completions

    def close(self) -> None:
        """Nothing to free."""

    def _answer(self, prompt: Sequence[Message]) -> Completion:
        for answer in self.answers:
            if answer.match is None or any(answer.match in turn.content for turn in prompt):
                return Completion(text=answer.text, stop_reason=answer.stop_reason)
        return Completion(text="", stop_reason="error")
