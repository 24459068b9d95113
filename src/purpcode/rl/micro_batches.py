"""Cuts a training batch into micro-batches. Importing this module loads torch."""

from __future__ import annotations

from typing import Any

import torch

Batch = dict[str, Any]


def split_by_length(batch: Batch, size: int) -> list[Batch]:
    """Cut a batch into micro-batches of `size` completions, longest first, each without the
    padding columns it does not need. Tensors: prompts (B, P) padded on the left, completions and
    what is per token of them (B, C) padded on the right, the rest (B,), (B, 1) or scalar."""
    prompts, completions = batch["prompt_mask"], batch["completion_mask"]
    lengths = prompts.sum(1) + completions.sum(1)
    order = torch.argsort(lengths, descending=True, stable=True)
    micro_batches = []
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        prompt_width = max(int(prompts[rows].sum(1).max()), 1)
        completion_width = max(int(completions[rows].sum(1).max()), 1)
        micro_batch: Batch = {}
        for key, value in batch.items():
            if not isinstance(value, torch.Tensor) or value.ndim == 0:
                micro_batch[key] = value
            elif key in ("prompt_ids", "prompt_mask"):
                micro_batch[key] = value[rows][:, -prompt_width:]
            elif value.ndim == 2 and value.shape[1] == completions.shape[1]:
                micro_batch[key] = value[rows][:, :completion_width]
            else:
                micro_batch[key] = value[rows]
        micro_batches.append(micro_batch)
    return micro_batches
