"""What `--backend` of the published command line makes of a model's name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from purpcode.errors import InputError
from purpcode.models.registry import HUB_PREFIX, model_kind

BACKENDS = ("hf", "vllm", "openai", "bedrock")

LOCAL_OPENAI = "http://0.0.0.0:8000/v1"
"""Where the recipe's own code looks for an OpenAI-compatible server, unless OPENAI_API_BASE or
OPENAI_BASE_URL name another."""


@dataclass(frozen=True)
class Backend:
    """How a model is reached: the name the models room opens, and what else its provider needs."""

    spec: str
    base_url: str | None = None
    model_args: Mapping[str, Any] = field(default_factory=dict)


def resolve_backend(model: str, backend: str | None, *, tensor_parallel: int = 1) -> Backend:
    """The model behind a name, on the backend that was asked for.

    As in the recipe's own code, `hf` runs the weights on this machine, whatever organisation the
    name begins with, and `openai` asks a server of yours for exactly the given name; the services
    of the companies themselves are reached by `provider/model` without a backend.

    Args:
        model: a model's name, as the models room or the backend's server takes it.
        backend: one of `BACKENDS`; None lets the model's name decide.
        tensor_parallel: GPUs a vLLM model is spread over.

    Raises:
        InputError: no such backend, or one that cannot run this model.
    """
    if backend is None:
        return Backend(model, model_args=_vllm_args(model, tensor_parallel))
    if backend not in BACKENDS:
        raise InputError(f"no backend '{backend}'", hint=f"Backends: {', '.join(BACKENDS)}")
    if backend == "hf":
        return Backend(_on_this_machine(model))
    if model.startswith(("embedded/", "scripted:")):
        raise InputError(f"backend '{backend}' cannot run '{model}'", hint="Leave out --backend.")
    if backend == "openai":
        named = os.environ.get("OPENAI_API_BASE") or os.environ.get("OPENAI_BASE_URL")
        key = os.environ.get("OPENAI_API_KEY") or "none"
        return Backend(f"openai/{model}", named or LOCAL_OPENAI, {"api_key": key})
    spec = model if model.startswith(f"{backend}/") else f"{backend}/{model}"
    return Backend(spec, model_args=_vllm_args(spec, tensor_parallel))


def _on_this_machine(model: str) -> str:
    """The model as a folder, an embedded or a Hub model: never a service."""
    if model_kind(model) != "service":
        return model
    return model if Path(model).expanduser().exists() else HUB_PREFIX + model


def _vllm_args(spec: str, tensor_parallel: int) -> Mapping[str, Any]:
    if spec.startswith("vllm/") and tensor_parallel > 1:
        return {"tensor_parallel_size": tensor_parallel}
    return {}
