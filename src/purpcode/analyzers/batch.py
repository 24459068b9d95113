"""Running a command-line tool over many snippets: chunks, workers, deadlines, poison snippets."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from purpcode.analyzers.analyzer import AnalysisResult, Snippet
from purpcode.analyzers.source_forms import source_form

SNIPPETS_PER_RUN = 1000
"""Most snippets one process gets, so that one deadline fits every run, and memory stays bounded;
enough that starting the process (0.1 to 0.3 s) is a small part of it."""
SNIPPETS_WORTH_A_PROCESS = 50
"""Fewer snippets than this are not worth the start-up of another process."""
SHORTEST_DEADLINE_S = 10.0

RunOnce = Callable[[Sequence[Snippet], float], list[AnalysisResult]]
"""One tool run over a few snippets within a deadline in seconds; raises ToolFault."""

_PASSED_ON = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "SYSTEMROOT")


class ToolFault(Exception):
    """A run of a tool failed as a whole: nothing that it printed counts."""


def run_batched(
    run_once: RunOnce, snippets: Sequence[Snippet], *, workers: int, timeout_s: float
) -> list[AnalysisResult]:
    """Run a tool over any number of snippets; one result per snippet, in order.

    Chunks balanced by lines go to `workers` threads. A run that fails is halved until the poison
    snippets stand alone; only they become errors. `timeout_s` is the deadline of one run.
    """
    rows: list[AnalysisResult | None] = [None] * len(snippets)
    chunks = balanced_chunks(snippets, _parts(len(snippets), workers))

    def run_chunk(chunk: list[int]) -> None:
        results = _run_or_halve(run_once, [snippets[row] for row in chunk], timeout_s)
        for row, result in zip(chunk, results, strict=True):
            rows[row] = result

    with ThreadPoolExecutor(max(1, workers)) as pool:
        list(pool.map(run_chunk, chunks))
    return [row for row in rows if row is not None]


def balanced_chunks(snippets: Sequence[Snippet], parts: int) -> list[list[int]]:
    """Split row numbers into at most `parts` non-empty chunks of about equally many lines."""
    chunks: list[list[int]] = [[] for _ in range(parts)]
    loads = [0] * parts
    lines = [snippet.code.count("\n") + 1 for snippet in snippets]
    for row in sorted(range(len(snippets)), key=lambda row: -lines[row]):
        lightest = loads.index(min(loads))
        chunks[lightest].append(row)
        loads[lightest] += lines[row]
    return [sorted(chunk) for chunk in chunks if chunk]


def _parts(count: int, workers: int) -> int:
    worthwhile = min(max(1, workers), -(-count // SNIPPETS_WORTH_A_PROCESS))
    return max(1, worthwhile, -(-count // SNIPPETS_PER_RUN))


def _run_or_halve(
    run_once: RunOnce, snippets: Sequence[Snippet], timeout_s: float, *, probed: bool = False
) -> list[AnalysisResult]:
    try:
        return _run(run_once, snippets, timeout_s)
    except ToolFault as fault:
        if len(snippets) == 1:
            return [AnalysisResult(snippets[0].id, error=str(fault))]
        # A tool that cannot even run over trivial code is broken: halving would only repeat it.
        if not probed and not _works(run_once, snippets[0].language, timeout_s):
            return [AnalysisResult(snippet.id, error=str(fault)) for snippet in snippets]
    half, deadline = len(snippets) // 2, max(timeout_s / 2, min(timeout_s, SHORTEST_DEADLINE_S))
    return [
        *_run_or_halve(run_once, snippets[:half], deadline, probed=True),
        *_run_or_halve(run_once, snippets[half:], deadline, probed=True),
    ]


def _run(run_once: RunOnce, snippets: Sequence[Snippet], timeout_s: float) -> list[AnalysisResult]:
    results = run_once(snippets, timeout_s)
    if len(results) != len(snippets):
        raise ToolFault(f"{len(results)} results for {len(snippets)} snippets")
    return results


def _works(run_once: RunOnce, language: str, timeout_s: float) -> bool:
    try:
        probe = Snippet("probe", source_form(language).trivial, language)
        return _run(run_once, [probe], timeout_s)[0].error is None
    except ToolFault:
        return False


@contextmanager
def snippet_files(
    snippets: Sequence[Snippet], suffix: str | None = None
) -> Iterator[tuple[Path, list[str]]]:
    """A fresh flat folder with one file per snippet under neutral names, and those names in order.
    They end in `suffix`, or as files of the snippet's language do.

    Neutral because tools skip folders such as `tests` or `venv`, and because ids are not paths.
    """
    names = [
        f"s{row:05d}{suffix or source_form(snippet.language).suffix}"
        for row, snippet in enumerate(snippets)
    ]
    with tempfile.TemporaryDirectory(prefix="purpcode-") as folder:
        for name, snippet in zip(names, snippets, strict=True):
            text = snippet.code.encode("utf-8", "surrogatepass")
            (Path(folder) / name).write_bytes(text)
        yield Path(folder), names


@contextmanager
def readable_output() -> Iterator[None]:
    """Makes a ToolFault of the errors that output in an unexpected shape gives its reader."""
    try:
        yield
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ToolFault(f"unreadable output ({type(error).__name__})") from None


def run_tool(
    command: Sequence[str],
    timeout_s: float,
    *,
    variables: Mapping[str, str] | None = None,
    folder: Path | None = None,
    good: Collection[int] = (0,),
) -> subprocess.CompletedProcess[str]:
    """Run a tool without a shell in a small environment; raises ToolFault if it cannot be run,
    misses the deadline (its children are ended too) or exits with another status than `good`.
    `variables` are added to the environment, `folder` is where the tool runs."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"LC_ALL": "C.UTF-8", "RAYON_NUM_THREADS": "1", **(variables or {})}
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=folder,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ToolFault(f"cannot be run: {error.strerror or error}") from None
    with process:
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
        except BaseException as error:
            _end_group(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise ToolFault(f"no result within {timeout_s:g} s") from None
            raise
    if process.returncode not in good:
        last = (stderr.strip().splitlines() or ["no message"])[-1]
        raise ToolFault(f"exit status {process.returncode}: {last[:200]}")
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def _end_group(process: subprocess.Popen[str]) -> None:
    """End the tool and what it started; a child left behind would hold its output open."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def core_count() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
