"""The contract of a cheat: an answer that wants the reward without doing the work."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from purpcode.conversation import format_response
from purpcode.types import Completion, Sample, StopReason

ANALYSIS = "The request is about code, so the answer has to be right and has to be safe to run."
"""Thoughts of the cheats whose trick is not in the reasoning format, so that the format passes
and another oracle has to see through them."""


class Cheat(BaseModel):
    """A completion that tries to be paid more than an honest attempt at the same sample.

    The reward must pay it no more than `honest`, and must pay `twin` in full; otherwise a policy
    learns the trick instead of the task.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_./-]*$")
    """Unique over all families: `family/what-it-does`."""
    family: str = Field(min_length=1)
    """The oracle, or the side of the reward, that it tries to trick."""
    why: str = Field(min_length=1)
    """How it hopes to be paid, in one sentence."""
    sample: Sample
    completion: Completion
    """The cheat itself."""
    honest: Completion | None = None
    """An honest wrong answer: it must earn 0, and the cheat no more than it (0 without one)."""
    twin: Completion | None = None
    """An honest right answer to the same sample: it must earn 1."""
    refuses: bool = False
    """The completion is a plain refusal: where `sample.target.refusal_ok` allows one, it may earn
    the refusal's score."""
    needs: tuple[str, ...] = ()
    """Analyzers of which at least one is needed to see through it; the lint names them where the
    recipe has none of them."""
    limit: str | None = None
    """Why the sample's oracles cannot see through it, and what could. Such a cheat is shown and
    counted as a known limit instead of failing the lint."""

    @model_validator(mode="after")
    def _is_of_its_family(self) -> Self:
        if not self.id.startswith(f"{self.family}/"):
            raise ValueError(f"the id must begin with '{self.family}/'")
        return self


def said(answer: str, *, stop_reason: StopReason = "stop") -> Completion:
    """An answer in the reasoning format, with unsuspicious thoughts."""
    return Completion(text=format_response(ANALYSIS, answer), stop_reason=stop_reason)


def fenced(code: str, info: str = "python") -> str:
    """Code in a Markdown fence."""
    return f"```{info}\n{code.rstrip()}\n```"
