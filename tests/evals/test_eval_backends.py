from pathlib import Path

import pytest

from purpcode.errors import InputError
from purpcode.evals.backends import LOCAL_OPENAI, resolve_backend
from purpcode.models.registry import describe_endpoint, model_kind


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_BASE", "OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("model", "backend", "spec"),
    [
        ("org/name", None, "org/name"),
        ("org/name", "hf", "org/name"),
        ("embedded/micro", "hf", "embedded/micro"),
        ("org/name", "vllm", "vllm/org/name"),
        ("vllm/org/name", "vllm", "vllm/org/name"),
        ("openai/gpt-oss-20b", "vllm", "vllm/openai/gpt-oss-20b"),
        ("gpt-4o", "openai", "openai/gpt-4o"),
        ("bedrock/anthropic.claude", "bedrock", "bedrock/anthropic.claude"),
    ],
)
def test_a_backend_becomes_part_of_the_models_name(
    model: str, backend: str | None, spec: str
) -> None:
    assert resolve_backend(model, backend).spec == spec


@pytest.mark.parametrize("model", ["openai/gpt-oss-20b", "google/gemma-2-2b-it"])
def test_hf_never_sends_prompts_to_the_company_an_organisation_is_named_after(model: str) -> None:
    spec = resolve_backend(model, "hf").spec
    assert model_kind(spec) == "hub"
    endpoint = describe_endpoint(spec)
    assert endpoint is None or "weights" in endpoint
    assert model_kind(model) == "service"  # what the name means without the backend


def test_a_folder_named_like_a_service_stays_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("openai/mine").mkdir(parents=True)
    assert resolve_backend("openai/mine", "hf").spec == "openai/mine"


def test_openai_asks_a_server_of_yours_for_exactly_the_given_name() -> None:
    found = resolve_backend("openai/gpt-oss-20b", "openai")
    assert found.spec == "openai/openai/gpt-oss-20b"
    assert (found.base_url, found.model_args) == (LOCAL_OPENAI, {"api_key": "none"})
    assert describe_endpoint(found.spec, base_url=found.base_url) == LOCAL_OPENAI


def test_variables_name_another_openai_server_and_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://second:1/v1")
    assert resolve_backend("m", "openai").base_url == "http://second:1/v1"
    monkeypatch.setenv("OPENAI_API_BASE", "http://first:1/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    found = resolve_backend("m", "openai")
    assert (found.base_url, found.model_args) == ("http://first:1/v1", {"api_key": "key"})


def test_a_vllm_model_is_spread_over_gpus_when_asked() -> None:
    assert resolve_backend("org/m", "vllm", tensor_parallel=2).model_args == {
        "tensor_parallel_size": 2
    }
    assert resolve_backend("org/m", None, tensor_parallel=2).model_args == {}


def test_a_backend_that_cannot_run_the_model_is_refused() -> None:
    with pytest.raises(InputError, match="cannot run"):
        resolve_backend("embedded/smollm2-135m", "vllm")
    with pytest.raises(InputError, match="no backend"):
        resolve_backend("org/name", "cloud")
