"""Train `embedded/micro`, the tiny Llama that exercises the whole recipe in seconds.

It learns a mix of our own demonstrations, answers that miss the reasoning format, and plainly
insecure or refusing ones, so that its samples differ in reward. It is no use as an assistant.

    python scripts/make_micro_model.py [--steps 700]     # about 4 minutes on one core
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import Any

from purpcode.conversation import format_response
from purpcode.models.local import prepare_cpu
from purpcode.redteam import RedteamSettings, build_dataset
from purpcode.rules import load_catalogue

OUT = Path(__file__).parent.parent / "src" / "purpcode" / "models" / "micro"
VOCABULARY = 1024
BATCH_ROWS = 8
ROW_TOKENS = 256
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n'"
    " + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def corpus(seed: int) -> list[tuple[str, str]]:
    """(prompt, response) pairs over all training samples, each in one of several manners."""
    catalogue = load_catalogue()
    data = build_dataset(catalogue, RedteamSettings(), seed)
    drawn = random.Random(seed)
    pairs = []
    for sample in data.train:
        shown = data.demonstrations[sample.id]
        formatted = format_response(shown.analysis, shown.answer)
        rule = catalogue.get(str(sample.metadata.get("rule", "")))
        manner = drawn.random()
        if manner < 0.55:
            response = formatted
        elif manner < 0.75 and rule is not None:
            response = f"```python\n{drawn.choice(rule.rule.insecure_examples).strip()}\n```"
        else:
            response = shown.answer
        pairs.append((sample.prompt, response))
    return pairs


def train_tokenizer(texts: list[str]) -> Any:
    """A byte-level BPE tokenizer with the chat markers and template of ChatML."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=4096,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def main() -> None:
    """Train and write the model folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    prepare_cpu()
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)
    pairs = corpus(arguments.seed)
    tokenizer = train_tokenizer([text for pair in pairs for text in pair])
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=320,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=arguments.steps)
    drawn = random.Random(arguments.seed)
    for step in range(arguments.steps):
        batch = [
            tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}],
                return_dict=True,
            )["input_ids"][:ROW_TOKENS]
            for prompt, response in drawn.sample(pairs, BATCH_ROWS)
        ]
        inputs = tokenizer.pad({"input_ids": batch}, return_tensors="pt")
        labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
        loss = model(**inputs, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        if step % 50 == 0 or step == arguments.steps - 1:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.to(torch.float16).save_pretrained(OUT)
    tokenizer.save_pretrained(OUT)


if __name__ == "__main__":
    main()
