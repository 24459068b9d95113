"""The provider `purpcode` for Inspect: `inspect eval ... --model purpcode/embedded/smollm2-135m`.

Everything `open_model` opens can be named after the prefix. Inspect asks one prompt at a time;
prompts that wait together are answered as one batch.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo

from purpcode.models.gather import Gatherer
from purpcode.models.inspect_messages import from_chat_messages, to_model_output
from purpcode.models.model import LanguageModel, Sampling
from purpcode.models.registry import open_model
from purpcode.types import Completion, Message

GATHER_WINDOW_S = 0.1

_Request = tuple[list[Message], Sampling]


@modelapi(name="purpcode")
class PurpcodeAPI(ModelAPI):
    """Inspect's view of a model of ours. Nothing is loaded before the first prompt."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),
        **model_args: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        self._open = partial(
            open_model, model_name, base_url=base_url, model_args=model_args or None
        )
        self._model: LanguageModel | None = None
        self._ask = Gatherer(self._answer, window_s=GATHER_WINDOW_S)

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,  # noqa: ARG002 (the models here call no tools)
        config: GenerateConfig,
    ) -> ModelOutput:
        """Answer one conversation."""
        if tools:
            raise ValueError("models of the purpcode provider call no tools")
        defaults = Sampling()
        sampling = Sampling(
            temperature=config.temperature or defaults.temperature,
            top_p=config.top_p or defaults.top_p,
            max_tokens=config.max_tokens or defaults.max_tokens,
            seed=config.seed or defaults.seed,
        )
        completion = await self._ask((from_chat_messages(input), sampling))
        return to_model_output(completion, self.model_name)

    def max_connections(self) -> int:
        """How many prompts may wait together, and so fill one batch."""
        return 64

    def close(self) -> None:
        """Free the model."""
        if self._model is not None:
            self._model.close()
            self._model = None

    def _answer(self, requests: list[_Request]) -> list[Completion]:
        if self._model is None:
            self._model = self._open()
        answers: dict[int, Completion] = {}
        for sampling in dict.fromkeys(sampling for _, sampling in requests):
            rows = [row for row, request in enumerate(requests) if request[1] == sampling]
            completions = self._model.generate([requests[row][0] for row in rows], sampling)
            answers.update(zip(rows, completions, strict=True))
        return [answers[row] for row in range(len(requests))]
