"""From a model's name to the model."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from purpcode.errors import InputError
from purpcode.models.model import LanguageModel

SCRIPTED_PREFIX = "scripted:"
EMBEDDED_PREFIX = "embedded/"
HUB_PREFIX = "hub:"
"""Says that a name is a Hub id, though it begins like a provider's (`hub:openai/gpt-oss-20b`)."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_HINT = (
    "Give embedded/smollm2-135m, a folder in Hugging Face format, a Hub id (org/name, or "
    "hub:org/name), provider/model (openai/..., anthropic/..., vllm/...), or scripted:FILE."
)


class Service(NamedTuple):
    """Where a provider's requests go: the variable that overrides it, and the default."""

    base_url_var: str | None
    default: str | None


PROVIDERS: dict[str, Service] = {
    "anthropic": Service("ANTHROPIC_BASE_URL", "https://api.anthropic.com"),
    "azureai": Service("AZUREAI_BASE_URL", "Azure AI"),
    "bedrock": Service("BEDROCK_BASE_URL", "Amazon Bedrock"),
    "cloudflare": Service("CLOUDFLARE_BASE_URL", "https://api.cloudflare.com"),
    "deepseek": Service("DEEPSEEK_BASE_URL", "https://api.deepseek.com"),
    "fireworks": Service("FIREWORKS_BASE_URL", "https://api.fireworks.ai"),
    "google": Service("GOOGLE_BASE_URL", "https://generativelanguage.googleapis.com"),
    "grok": Service("GROK_BASE_URL", "https://api.x.ai"),
    "groq": Service("GROQ_BASE_URL", "https://api.groq.com"),
    "hf": Service(None, None),
    "hf-inference-providers": Service(None, "https://router.huggingface.co"),
    "litellm-proxy": Service("LITELLM_PROXY_BASE_URL", "a LiteLLM proxy"),
    "llama-cpp-python": Service("LLAMA_CPP_PYTHON_BASE_URL", "http://localhost:8000/v1"),
    "mistral": Service("MISTRAL_BASE_URL", "https://api.mistral.ai"),
    "ollama": Service("OLLAMA_BASE_URL", "http://localhost:11434/v1"),
    "openai": Service("OPENAI_BASE_URL", "https://api.openai.com/v1"),
    "openai-api": Service(None, None),
    "openrouter": Service("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
    "perplexity": Service("PERPLEXITY_BASE_URL", "https://api.perplexity.ai"),
    "sagemaker": Service(None, "Amazon SageMaker"),
    "sambanova": Service("SAMBANOVA_BASE_URL", "https://api.sambanova.ai/v1"),
    "sglang": Service("SGLANG_BASE_URL", None),
    "together": Service("TOGETHER_BASE_URL", "https://api.together.xyz/v1"),
    "vllm": Service("VLLM_BASE_URL", None),
}
"""Inspect's providers by name. Without an endpoint the provider runs on this machine."""

ModelKind = Literal["embedded", "folder", "scripted", "service", "hub"]


def model_kind(spec: str) -> ModelKind:
    """What a model's name stands for. A folder that exists comes before a service or Hub id.

    Raises:
        InputError: a path that does not exist, or a name of no known form.
    """
    if spec.startswith(SCRIPTED_PREFIX):
        return "scripted"
    if spec.startswith(EMBEDDED_PREFIX):
        return "embedded"
    if spec.startswith(HUB_PREFIX) and _HUB_ID.fullmatch(spec.removeprefix(HUB_PREFIX)):
        return "hub"
    first, slash, rest = spec.partition("/")
    if spec and Path(spec).expanduser().exists():
        return "folder"
    if first in PROVIDERS and rest:
        return "service"
    if _HUB_ID.fullmatch(spec) and not Path(first).is_dir():
        return "hub"
    if slash or spec.startswith(("~", ".")):
        raise InputError("model path does not exist", path=spec, hint=_HINT)
    raise InputError(f"unknown model '{spec}'", hint=_HINT)


def hub_id(spec: str) -> str:
    """The Hub id in a model's name of the kind `hub`."""
    return spec.removeprefix(HUB_PREFIX)


def open_model(
    spec: str,
    *,
    batch_size: int | None = None,
    base_url: str | None = None,
    cache: bool = False,
    model_args: Mapping[str, Any] | None = None,
) -> LanguageModel:
    """Open the model a name stands for. Weights and connections come with the first prompt.

    Args:
        spec: `embedded/...`, a folder, `scripted:FILE`, `provider/model`, or a Hub id.
        batch_size: prompts a local model runs at once, and connections held to a service.
        base_url: where the service listens, when not the provider's own address.
        cache: keep a service's answers on disk and repeat them.
        model_args: further options of the Inspect provider.

    Raises:
        InputError: the name stands for nothing.
        UnavailableError: embedded weights cannot be fetched.
    """
    kind = model_kind(spec)
    if kind == "scripted":
        from purpcode.models.scripted import ScriptedModel

        return ScriptedModel(spec.removeprefix(SCRIPTED_PREFIX))
    if kind == "service":
        from purpcode.models.remote import InspectModel

        connections = {} if batch_size is None else {"max_connections": batch_size}
        return InspectModel(
            spec, base_url=base_url, cache=cache, model_args=model_args, **connections
        )
    from purpcode.models.embedded import resolve_model
    from purpcode.models.local import LocalModel

    path = hub_id(spec) if kind == "hub" else resolve_model(spec)
    if batch_size is None:
        return LocalModel(path, name=spec)
    return LocalModel(path, name=spec, batch_size=batch_size)


def describe_endpoint(spec: str, *, base_url: str | None = None) -> str | None:
    """The endpoint that using this model would contact, None when all stays on this machine.

    Raises:
        InputError: the name stands for nothing.
    """
    kind = model_kind(spec)
    if kind == "embedded":
        from purpcode.models.embedded import fetched_from

        return fetched_from(spec)
    if kind == "hub":
        return _hub_endpoint(hub_id(spec))
    if kind != "service":
        return None
    if base_url:
        return base_url
    provider, _, model = spec.partition("/")
    if provider == "hf":
        return None if Path(model).expanduser().is_dir() else _hub_endpoint(model)
    if provider == "openai-api":
        service = model.partition("/")[0].upper().replace("-", "_")
        variable = f"{service}_BASE_URL"
        return os.environ.get(variable) or f"the service named by {variable}"
    known = PROVIDERS[provider]
    return (os.environ.get(known.base_url_var) if known.base_url_var else None) or known.default


def _hub_endpoint(hub_id: str) -> str | None:
    from huggingface_hub import constants, try_to_load_from_cache

    if constants.HF_HUB_OFFLINE or isinstance(try_to_load_from_cache(hub_id, "config.json"), str):
        return None
    return f"{constants.ENDPOINT} (to download the weights)"
