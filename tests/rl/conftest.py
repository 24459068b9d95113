"""A two-layer random Llama over single characters: real torch and TRL in milliseconds."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from purpcode.oracles.oracle import Panel
from purpcode.rl import RLSettings
from purpcode.types import Completion, Message, Sample, Verdict

CHARACTERS = string.ascii_lowercase + " .?0123456789"
MESSAGES = "{% for m in messages %}[{{ m['content'] }}{% endfor %}"
TEMPLATE = MESSAGES + "{% if add_generation_prompt %}]{% endif %}"


def write_tiny_model(folder: Path) -> Path:
    import torch
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["<pad>", "<eos>", "<unk>", "[", "]", *CHARACTERS]
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    inner.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(7)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words),
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=128,
            eos_token_id=1,
            pad_token_id=0,
            bos_token_id=None,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


class JudgeBy:
    """An oracle that asks a function: True, False, or None for unmeasured."""

    def __init__(self, decide: Callable[[Sample, str], bool | None], name: str = "letters") -> None:
        self.name = name
        self.calls: list[int] = []
        self._decide = decide

    def fingerprint(self) -> str:
        return self.name

    def judge(self, samples: Sequence[Sample], completions: Sequence[Completion]) -> list[Verdict]:
        self.calls.append(len(samples))
        verdicts = []
        for sample, completion in zip(samples, completions, strict=True):
            decided = self._decide(sample, completion.text)
            if decided is None:
                verdicts.append(Verdict.unmeasured(self.name, "the analyzer crashed"))
            elif decided:
                verdicts.append(Verdict.ok(self.name, "yes"))
            else:
                verdicts.append(Verdict.failed(self.name, "no"))
        return verdicts


def panel_of(decide: Callable[[Sample, str], bool | None]) -> Panel:
    return Panel({"letters": JudgeBy(decide)})


def vowels_differ(_: Sample, text: str) -> bool:
    """True for about half of a random model's completions."""
    return sum(text.count(vowel) for vowel in "aeiou13579") % 2 == 0


def make_samples(count: int) -> list[Sample]:
    return [
        Sample(
            id=f"s{i}",
            messages=(Message(role="user", content=f"say {'x' * (i % 5)} {i}"),),
            oracles=("letters",),
            metadata={"objective": "odd" if i % 2 else "even"},
        )
        for i in range(count)
    ]


def tiny_settings(**more: object) -> RLSettings:
    return RLSettings.model_validate(
        {
            "groups_per_update": 2,
            "completions_per_prompt": 4,
            "max_completion_tokens": 8,
            "micro_batch_completions": 3,
            "learning_rate": 1e-3,
            "kl_beta": 0.05,
            "require_format": False,
            **more,
        }
    )


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    torch.set_num_threads(1)  # threads only wait for each other over tensors this small
    return write_tiny_model(tmp_path_factory.mktemp("model"))
