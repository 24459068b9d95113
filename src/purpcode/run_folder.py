"""One run, one folder: where each stage keeps its records, its state and what it was made from."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from purpcode.errors import PurpcodeError
from purpcode.records import parse_record, write_json_atomic

MEMORY_POLL_S = 0.5


class StageState(BaseModel):
    """`stage.json`: whether a stage is complete, what it was made from, what it cost."""

    model_config = ConfigDict(extra="forbid")

    stage: str
    state: Literal["running", "complete"]
    inputs: dict[str, Any]
    """Recipe fields and digests of input files; a difference forbids silent reuse."""
    outputs: dict[str, str] = {}
    """Digests of what the stage made, for the inputs of later stages."""
    counts: dict[str, Any] = {}
    notes: list[str] = []
    seconds: float = 0.0
    """Working time over all tries."""
    peak_memory_mb: float = 0.0
    """Highest resident memory of the process and its children while the stage ran."""
    tries: int = 0


class Stage:
    """One stage's folder within a run."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self.state_path = folder / "stage.json"

    def load(self) -> StageState | None:
        """The recorded state, or None when the stage never started."""
        if not self.state_path.exists():
            return None
        return parse_record(
            self.state_path.read_text(encoding="utf-8"), StageState, path=self.state_path
        )

    def is_complete(self, inputs: Mapping[str, Any]) -> bool:
        """Whether the stage finished with these inputs.

        Raises:
            PurpcodeError: the stage was made (or begun) from different inputs; names them.
        """
        state = self.load()
        if state is None:
            return False
        changed = _differences(state.inputs, json.loads(json.dumps(dict(inputs))))
        if changed:
            raise PurpcodeError(
                f"{self.folder}: stage '{self.name}' was made from other inputs: "
                + "; ".join(changed[:5]),
                hint=f"Redo it and all after it with --redo {self.name}, or use a new --name.",
            )
        return state.state == "complete"

    @contextmanager
    def working(self, inputs: Mapping[str, Any]) -> Iterator[StageState]:
        """Record the stage as running, then (unless it raises) as complete with time and memory.

        The caller fills `counts` and `notes` of the yielded state.
        """
        earlier = self.load()
        state = StageState(
            stage=self.name,
            state="running",
            inputs=dict(inputs),
            seconds=earlier.seconds if earlier else 0.0,
            peak_memory_mb=earlier.peak_memory_mb if earlier else 0.0,
            tries=(earlier.tries if earlier else 0) + 1,
        )
        self._save(state)
        started, before = time.monotonic(), state.seconds
        memory = _MemoryWatch()
        try:
            with memory:
                yield state
            state.state = "complete"
        finally:
            state.seconds = round(before + time.monotonic() - started, 2)
            state.peak_memory_mb = max(state.peak_memory_mb, memory.peak_mb)
            self._save(state)

    def _save(self, state: StageState) -> None:
        write_json_atomic(self.state_path, state.model_dump())


def _differences(
    recorded: Mapping[str, Any], wanted: Mapping[str, Any], within: str = ""
) -> list[str]:
    found: list[str] = []
    for field in sorted({*recorded, *wanted}):
        was, now = recorded.get(field), wanted.get(field)
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            found += _differences(was, now, f"{within}{field}.")
        elif was != now:
            found.append(f"{within}{field} was {was!r}, now {now!r}")
    return found


def file_digest(path: Path) -> str:
    """A short SHA-256 of a file's content."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:16]


_NOT_MODEL = {"training_args.bin", "README.md", "complete"}


def folder_digest(folder: Path) -> str:
    """A short SHA-256 over names and contents of a model folder's weights, configuration and
    tokenizer, in whatever format."""
    parts = [
        f"{path.name}:{file_digest(path)}"
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name not in _NOT_MODEL and not path.name.startswith(".")
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def digest_of(path: Path) -> str:
    """The digest of a stage's output: a file, or a model folder."""
    return folder_digest(path) if path.is_dir() else file_digest(path)


class _MemoryWatch:
    """Polls the resident memory of this process and its children in a thread, at least once."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    def __enter__(self) -> _MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _poll(self) -> None:
        import psutil

        me = psutil.Process()
        while True:
            total = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue  # the child ended between listing and reading
            self.peak_mb = max(self.peak_mb, round(total / 2**20, 1))
            if self._stop.wait(MEMORY_POLL_S):
                return
