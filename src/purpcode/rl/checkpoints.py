"""Which checkpoints are whole, and what of a run they carry beside the trainer's own state.

The sampler's state is written last, atomically: a checkpoint folder without it was torn by a
kill, and is removed on resuming.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

from purpcode.errors import InputError
from purpcode.records import write_json_atomic

STATE_NAME = "dynamic_sampling.json"
_FOLDER = re.compile(r"checkpoint-(\d+)")


def save_sampler_state(folder: Path, state: dict[str, Any], identity: dict[str, Any]) -> None:
    """Complete the checkpoint in `folder`."""
    write_json_atomic(folder / STATE_NAME, {"identity": identity, "sampler": state})


def checkpoint_step(folder: Path) -> int:
    """The update a checkpoint folder was written after."""
    match = _FOLDER.fullmatch(folder.name)
    if match is None:
        raise ValueError(f"{folder} is not a checkpoint folder")
    return int(match[1])


def complete_checkpoints(out_dir: Path) -> list[Path]:
    """Whole checkpoints, oldest first."""
    return [folder for folder in _folders(out_dir) if (folder / STATE_NAME).exists()]


def remove_torn_checkpoints(out_dir: Path) -> None:
    """Delete checkpoints that a kill left unfinished."""
    for folder in _folders(out_dir):
        if not (folder / STATE_NAME).exists():
            shutil.rmtree(folder)


def load_sampler_state(folder: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """The sampler state of a checkpoint.

    Raises:
        InputError: naming the first field in which the run that wrote it differs from `identity`.
    """
    stored = json.loads((folder / STATE_NAME).read_text(encoding="utf-8"))
    for field in sorted({*stored["identity"], *identity}):
        was, now = stored["identity"].get(field), identity.get(field)
        if was != now:
            raise InputError(
                f"this checkpoint was trained with {was!r}, now {now!r} is asked for",
                path=folder,
                field=field,
                hint="Train into another folder, or delete this one to start over.",
            )
    state: dict[str, Any] = stored["sampler"]
    return state


def model_identity(model_path: Path) -> str:
    """A hash that tells model folders apart without reading all their weights: its configuration,
    and the name, size and last 64 KiB of every weight file."""
    state = hashlib.sha256((model_path / "config.json").read_bytes())
    for weights in sorted(model_path.glob("*.safetensors")):
        size = weights.stat().st_size
        with weights.open("rb") as handle:
            handle.seek(max(0, size - 65536))
            state.update(f"{weights.name}:{size}:".encode() + handle.read())
    return state.hexdigest()[:16]


def _folders(out_dir: Path) -> list[Path]:
    if not out_dir.is_dir():
        return []
    found = [folder for folder in out_dir.iterdir() if _FOLDER.fullmatch(folder.name)]
    return sorted(found, key=checkpoint_step)
