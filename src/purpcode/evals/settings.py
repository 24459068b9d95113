"""The `[eval]` section of a recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Label = Literal["base", "rule-learned", "rl"]


class SuiteSettings(BaseModel):
    """How the base and the trained models answer the held-out quick suite."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    models: tuple[Label, ...] = ("base", "rule-learned", "rl")
    """Which models of the run are evaluated; the first is what the others are compared with."""
    temperature: float = Field(0.0, ge=0)
    """0 is greedy, the protocol of the recipe."""
    max_tokens: int = Field(8192, ge=16)
    """Completion budget, tokens."""
    batch_size: int = Field(16, ge=1)
    """Prompts answered together."""
    analyzers: tuple[str, ...] | None = Field(None, min_length=1)
    """Static analyzers that judge the held-out answers, where not those of `[oracles]`: a model
    trained against some is then measured with others, whose blind spots it has not learned."""
