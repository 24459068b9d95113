"""Generation with transformers on this machine, deterministic under a seed."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purpcode.errors import UnavailableError
from purpcode.models.model import Sampling
from purpcode.types import Completion, Message, StopReason, Usage

if TYPE_CHECKING:
    import torch

DEFAULT_BATCH = 16


def prepare_cpu() -> None:
    """Set what PyTorch must find before its first import: OpenMP threads that sleep while they
    wait (spinning ones collapse generation to a few tokens a second on a busy core)."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def quiet_transformers() -> None:
    """Keep the libraries' own progress bars and advice off the terminal; errors still show."""
    from datasets.utils import logging as datasets_logging
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    datasets_logging.disable_progress_bar()


def fast_dtype() -> torch.dtype:
    """bfloat16 where this machine computes it natively, else float32 (emulation is slower)."""
    import torch

    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    native = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return torch.bfloat16 if native else torch.float32


class LocalModel:
    """A model folder (or a Hub id) run by transformers; a `LanguageModel`.

    Prompts are sorted by length into fixed batches, and each batch is seeded by its own content,
    so the same prompts give the same completions whatever ran before.
    """

    def __init__(
        self, path: Path | str, *, name: str | None = None, batch_size: int = DEFAULT_BATCH
    ) -> None:
        self.path = str(path)
        self.name = name or self.path
        self.batch_size = batch_size
        self._loaded: tuple[Any, Any] | None = None

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        """One completion per prompt, in order."""
        _, tokenizer = self._load()
        ids = [
            tokenizer.apply_chat_template(
                [message.model_dump() for message in prompt],
                add_generation_prompt=True,
                return_dict=True,
            )["input_ids"]
            for prompt in prompts
        ]
        completions: list[Completion | None] = [None] * len(ids)
        occurrences: Counter[str] = Counter()
        for rows in _batches_by_length(ids, self.batch_size):
            batch = [ids[row] for row in rows]
            seed = _batch_seed(batch, sampling.seed, occurrences)
            for row, completion in zip(rows, self._batch(batch, sampling, seed), strict=True):
                completions[row] = completion
            if on_progress:
                on_progress(len(rows))
        return [completion for completion in completions if completion is not None]

    def close(self) -> None:
        """Free the weights."""
        self._loaded = None

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            prepare_cpu()
            import torch
            from safetensors import SafetensorError
            from transformers import AutoModelForCausalLM, AutoTokenizer

            quiet_transformers()
            try:
                tokenizer = AutoTokenizer.from_pretrained(self.path, padding_side="left")
                model = AutoModelForCausalLM.from_pretrained(self.path, dtype=fast_dtype())
            except (OSError, ValueError, SafetensorError) as error:
                reason = str(error).strip().splitlines()[0]
                raise UnavailableError(
                    f"cannot load the model '{self.path}': {reason}",
                    hint="Give a folder in Hugging Face format, or check the network for a Hub id.",
                ) from error
            if tokenizer.pad_token_id is None:
                tokenizer.pad_token = tokenizer.eos_token
            device = "cuda" if torch.cuda.is_available() else "cpu"
            self._loaded = (model.to(device).eval(), tokenizer)
        return self._loaded

    def _batch(self, ids: list[list[int]], sampling: Sampling, seed: int) -> list[Completion]:
        import torch

        model, tokenizer = self._load()
        inputs = tokenizer.pad({"input_ids": ids}, return_tensors="pt").to(model.device)
        greedy = sampling.temperature == 0
        decoding = {} if greedy else {"temperature": sampling.temperature, "top_p": sampling.top_p}
        torch.manual_seed(seed)
        with torch.inference_mode():
            output = model.generate(
                **inputs,
                past_key_values=_shared_prefill(model, inputs, ids),
                do_sample=not greedy,
                top_k=0 if not greedy else None,
                max_new_tokens=sampling.max_tokens,
                pad_token_id=tokenizer.pad_token_id,
                **decoding,
            )
        new = output[:, inputs["input_ids"].shape[1] :].tolist()
        stops = _stop_ids(model)
        return [
            _completion(tokenizer, tokens, stops, len(prompt))
            for tokens, prompt in zip(new, ids, strict=True)
        ]


def _shared_prefill(model: Any, inputs: Any, ids: list[list[int]]) -> Any:
    """The key-value cache of a batch with repeated prompts, each distinct one read once.

    None where all prompts differ. The last token is left to `generate`, which starts from it.
    """
    import torch
    from transformers import DynamicCache

    first = {tuple(prompt): row for row, prompt in reversed(list(enumerate(ids)))}
    if len(first) == len(ids) or inputs["input_ids"].shape[1] < 2:
        return None
    rows = sorted(first.values())
    mask = inputs["attention_mask"][rows, :-1]
    cache = DynamicCache(config=model.config)
    model(
        input_ids=inputs["input_ids"][rows, :-1],
        attention_mask=mask,
        position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    place = {row: number for number, row in enumerate(rows)}
    cache.batch_select_indices(torch.tensor([place[first[tuple(prompt)]] for prompt in ids]))
    return cache


def _stop_ids(model: Any) -> set[int]:
    stop = model.generation_config.eos_token_id
    return set(stop) if isinstance(stop, list) else {stop}


def _completion(tokenizer: Any, tokens: list[int], stops: set[int], prompt: int) -> Completion:
    end = next((place for place, token in enumerate(tokens) if token in stops), None)
    reason: StopReason = "length" if end is None else "stop"
    kept = tokens if end is None else tokens[:end]
    return Completion(
        text=tokenizer.decode(kept, skip_special_tokens=True),
        stop_reason=reason,
        usage=Usage(prompt_tokens=prompt, completion_tokens=len(kept)),
    )


def _batches_by_length(ids: Sequence[Sequence[int]], size: int) -> Iterator[list[int]]:
    order = sorted(range(len(ids)), key=lambda row: (len(ids[row]), row))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _batch_seed(ids: list[list[int]], seed: int, occurrences: Counter[str]) -> int:
    """A seed from the batch's content, and from how often that content came before: a prompt
    drawn more often than a batch is wide must not get the same draws again."""
    content = ",".join(map(str, (token for prompt in ids for token in prompt)))
    nth = occurrences[content]
    occurrences[content] += 1
    text = f"{seed}:{content}" if nth == 0 else f"{seed}:{nth}:{content}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])
