"""Model names: what they open, what they contact, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from purpcode.errors import InputError
from purpcode.models import describe_endpoint, open_model
from purpcode.models.local import LocalModel
from purpcode.models.registry import PROVIDERS, model_kind
from purpcode.models.remote import InspectModel
from purpcode.models.scripted import ScriptedModel


@pytest.fixture(autouse=True)
def _plain_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for service in PROVIDERS.values():
        if service.base_url_var:
            monkeypatch.delenv(service.base_url_var, raising=False)


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("embedded/smollm2-135m", "embedded"),
        ("scripted:answers.jsonl", "scripted"),
        ("openai/gpt-4o", "service"),
        ("openai-api/local/some-model", "service"),
        ("vllm/org/name", "service"),
        ("hf/org/name", "service"),
        ("purpcode/purpcode-14b-rl", "hub"),
        ("Qwen/Qwen2.5-Coder-7B", "hub"),
        ("hub:openai/gpt-oss-20b", "hub"),
    ],
)
def test_a_name_says_what_kind_of_model_it_is(spec: str, kind: str) -> None:
    assert model_kind(spec) == kind


@pytest.mark.parametrize(
    "spec",
    ["/no/such/model", "./model", "../model", "~/no-such-model", "a/b/c", "model/", "openai/"],
)
def test_a_path_that_does_not_exist_is_refused(spec: str) -> None:
    with pytest.raises(InputError, match="model path does not exist"):
        open_model(spec)


def test_a_missing_folder_inside_an_existing_one_is_not_taken_for_a_hub_id(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    with pytest.raises(InputError, match="model path does not exist"):
        open_model("runs/demo")


@pytest.mark.parametrize("spec", ["", "gpt4"])
def test_a_name_of_no_known_form_is_refused_with_the_forms_there_are(spec: str) -> None:
    with pytest.raises(InputError, match="unknown model") as caught:
        open_model(spec)
    assert "provider/model" in str(caught.value)


def test_an_existing_folder_comes_before_a_service_of_the_same_name(tmp_path: Path) -> None:
    folder = tmp_path / "openai" / "mine"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    model = open_model("openai/mine")
    assert isinstance(model, LocalModel)
    assert model.name == "openai/mine"
    assert describe_endpoint("openai/mine") is None


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no config\.json"):
        open_model("./empty")


def test_each_kind_opens_its_model_without_loading_or_connecting(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"match": null, "text": "x"}\n', encoding="utf-8")
    assert isinstance(open_model("scripted:s.jsonl"), ScriptedModel)
    assert isinstance(open_model("openai/gpt-4o"), InspectModel)
    hub = open_model("org/name", batch_size=3)
    assert isinstance(hub, LocalModel)
    assert (hub.path, hub.name, hub.batch_size) == ("org/name", "org/name", 3)


def test_local_models_contact_nobody() -> None:
    assert describe_endpoint("embedded/smollm2-135m") is None
    assert describe_endpoint("scripted:answers.jsonl") is None
    assert describe_endpoint("vllm/org/name") is None


def test_the_endpoint_of_a_service_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert describe_endpoint("openai/gpt-4o") == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://10.0.0.5:8000/v1")
    assert describe_endpoint("openai/gpt-4o") == "http://10.0.0.5:8000/v1"
    assert describe_endpoint("openai/gpt-4o", base_url="http://x/v1") == "http://x/v1"
    monkeypatch.setenv("MY_LAB_BASE_URL", "http://lab/v1")
    assert describe_endpoint("openai-api/my-lab/m") == "http://lab/v1"


def test_a_hub_id_that_is_not_cached_names_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = describe_endpoint("org/never-downloaded")
    assert endpoint is not None
    assert "download the weights" in endpoint


def test_every_provider_of_the_table_is_one_of_inspects() -> None:
    import inspect_ai.model._providers.providers  # noqa: F401 (registers them)
    from inspect_ai._util.registry import registry_find, registry_info

    found = registry_find(lambda info: info.type == "modelapi")
    names = {registry_info(entry).name.split("/")[-1] for entry in found}
    assert set(PROVIDERS) <= names
