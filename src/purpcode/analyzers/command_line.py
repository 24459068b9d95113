"""The base of analyzers that start a tool: its command, version, deadline and workers."""

from __future__ import annotations

import os
import re
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from purpcode.analyzers.analyzer import AnalysisResult, Snippet
from purpcode.analyzers.batch import ToolFault, core_count, run_batched, run_tool
from purpcode.errors import UnavailableError

VERSION_DEADLINE_S = 60.0


class CommandLineAnalyzer(ABC):
    """Runs a tool over batches of snippets. A subclass names the tool, says how it is started and
    what its version looks like, and reads one run's output."""

    name: str
    languages: frozenset[str]
    install_hint: str
    """What a user does to get the tool."""
    version_options: tuple[str, ...] = ("--version",)
    version_pattern: re.Pattern[str]
    """Its first group is the version in what the tool prints."""
    variables: Mapping[str, str] = {}
    """What the tool's environment holds beside the few variables that every tool gets."""

    def __init__(
        self, *, timeout_s: float = 120.0, workers: int = 0, command: Sequence[str] | None = None
    ) -> None:
        """`timeout_s`: deadline of one run; `workers`: parallel runs (0: one per core);
        `command`: starts another copy of the tool."""
        self._timeout_s = timeout_s
        self._workers = workers or core_count()
        self._command = tuple(command or self._default_command())

    @abstractmethod
    def _default_command(self) -> tuple[str, ...]:
        """How the tool is started on this machine."""

    @abstractmethod
    def _run_once(self, snippets: Sequence[Snippet], timeout_s: float) -> list[AnalysisResult]:
        """One run over a few snippets; raises ToolFault where nothing of it can be trusted."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the judgement; raises UnavailableError where the tool is not."""

    def analyze(self, snippets: Sequence[Snippet]) -> list[AnalysisResult]:
        """One result per snippet, in order; what the tool did not take in is an error."""
        return run_batched(
            self._run_once, snippets, workers=self._workers, timeout_s=self._timeout_s
        )

    @cached_property
    def version(self) -> str:
        """The tool's version; raises UnavailableError where it does not run."""
        try:
            done = run_tool(
                (*self._command, *self.version_options),
                min(self._timeout_s, VERSION_DEADLINE_S),
                variables=self.variables,
            )
        except ToolFault as fault:
            raise self._unavailable(f"does not run: {fault}") from None
        version = self._read_version(done.stdout)
        if version is None:
            raise self._unavailable("does not tell its version")
        return version

    def _read_version(self, printed: str) -> str | None:
        found = self.version_pattern.search(printed)
        return found[1] if found else None

    def _unavailable(self, why: str) -> UnavailableError:
        return UnavailableError(f"the analyzer {self.name} {why}", hint=self.install_hint)


def python_module(module: str) -> tuple[str, ...]:
    """The command that runs an installed module with this interpreter."""
    # -P keeps the working directory, which anyone may have written to, off the import path.
    return (sys.executable, "-P", "-m", module)


def executable(name: str, variable: str) -> str:
    """The path of an executable: what the environment variable says, else the one on PATH, else
    the one beside this interpreter; the bare name where there is none, which then fails to run."""
    told = os.environ.get(variable)
    if told:
        return str(Path(told).expanduser())
    beside = Path(sys.executable).parent
    return shutil.which(name) or shutil.which(name, path=str(beside)) or name
