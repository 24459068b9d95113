"""Does training move the weights? Float32, bfloat16 and autocast side by side, on one batch.

    python benchmarks/number_formats.py [--model embedded/smollm2-135m] [--steps 5]

Prints the loss after each AdamW step and training tokens per CPU-second. "On the grid" snaps the
starting weights to bfloat16, where an update smaller than half a step rounds back.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from purpcode.models.embedded import resolve_model
from purpcode.models.local import prepare_cpu, quiet_transformers

ROWS, TOKENS, LEARNING_RATE = 2, 256, 3e-5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="embedded/smollm2-135m")
    parser.add_argument("--steps", type=int, default=5)
    arguments = parser.parse_args()
    prepare_cpu()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    quiet_transformers()
    path = resolve_model(arguments.model)
    text = Path(__file__).read_text(encoding="utf-8") * 4
    ids = AutoTokenizer.from_pretrained(path)(text, return_tensors="pt").input_ids
    ids = ids[:, :TOKENS].repeat(ROWS, 1)
    speeds: dict[str, float] = {}
    for weights, start, compute in (
        ("float32", "on the grid", "float32"),
        ("float32", "on the grid", "autocast"),
        ("float32", "as stored", "autocast"),
        ("bfloat16", "on the grid", "bfloat16"),
    ):
        model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
        if start == "on the grid":
            model.to(torch.bfloat16)
        model.to(getattr(torch, weights))
        optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
        losses, began = [], time.process_time()
        for _ in range(arguments.steps):
            with torch.autocast("cpu", torch.bfloat16, enabled=compute == "autocast"):
                loss = model(input_ids=ids, labels=ids).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            losses.append(round(loss.item(), 3))
        spent = time.process_time() - began
        name = f"{weights} {start}, computed in {compute}"
        speeds[name] = arguments.steps * ids.numel() / spent
        ratio = speeds[name] / next(iter(speeds.values()))
        print(f"{name}: losses {losses}, {speeds[name]:.0f} tok/CPU-s ({ratio:.2f}x the first)")


if __name__ == "__main__":
    main()
