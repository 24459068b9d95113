"""What a language model is to the rest of purpcode: prompts in, completions out, in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from purpcode.types import Completion, Message


class Sampling(BaseModel):
    """How to decode. `temperature=0` is greedy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(0.0, ge=0.0)
    top_p: float = Field(1.0, gt=0.0, le=1.0)
    max_tokens: int = Field(512, ge=1)
    """Completion budget, tokens."""
    seed: int = 0


class LanguageModel(Protocol):
    """A model behind one door: embedded weights, a local path, a server, or a script."""

    name: str

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        """One completion per prompt, in order; `on_progress` hears of each finished count.

        A prompt that cannot be answered gets `Completion(text="", stop_reason="error")`.

        Raises:
            UnavailableError: the model itself cannot be reached or loaded.
        """
        ...

    def close(self) -> None:
        """Free memory and connections."""
        ...
