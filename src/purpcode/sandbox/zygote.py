"""The zygote backend: programs run in forks of an interpreter that already waits in a sandbox."""

from __future__ import annotations

import collections
import os
import re
import threading
import weakref
from collections.abc import Sequence

from purpcode.sandbox.bubblewrap import require_known_machine
from purpcode.sandbox.bubblewrap_binary import bubblewrap_version, find_bubblewrap
from purpcode.sandbox.execution import ExecutionResult, Program, run_in_threads
from purpcode.sandbox.languages import run_other_language
from purpcode.sandbox.packages import find_packages
from purpcode.sandbox.supervisor import Supervision
from purpcode.sandbox.zygote_process import (
    ZygoteFault,
    ZygoteProcess,
    ZygoteRecipe,
    machine_name,
)

_ATTEMPTS = 2
_FAULTS_KEPT = 100
_PRELOAD_MB = 256
"""Programs with less import their packages themselves: whether these fit is part of the result."""
_WORD = re.compile(r"[^\W\d]\w*")


class ZygoteSandbox:
    """Forks each program from an interpreter that waits in namespaces made by bubblewrap.

    A program gets what it gets in `bubblewrap` (same files, environment, limits, system-call
    filter; pid and mount namespaces of its own, network and ipc namespaces in which nothing was
    made), without the start of an interpreter. The zygote never reads a program, and no program can
    name, signal, trace or share memory with it, or with the child that is prepared for the next. A
    zygote that dies or hangs is replaced and its program tried once more.

    Parameters
    ----------
    packages
        Installed distributions that programs may import, with all they require.
    preload
        Modules a zygote imports beforehand for programs that name them; None means the packages'
        own. Only speed depends on it.

    Raises
    ------
    UnavailableError
        When there is no usable bubblewrap binary, no filter for this machine, or a package is
        not installed.
    """

    name = "zygote"

    def __init__(self, packages: Sequence[str] = (), preload: Sequence[str] | None = None) -> None:
        require_known_machine()
        self._packages = find_packages(packages)
        self.packages = self._packages.names
        recipe = ZygoteRecipe(find_bubblewrap(), self._packages)
        self._binary = recipe.binary
        self._preloadable = frozenset(self._packages.modules if preload is None else preload)
        self._pool = _Pool(recipe)
        self.faults: collections.deque[str] = collections.deque(maxlen=_FAULTS_KEPT)
        """Why zygotes had to be replaced, the last of them; their programs were tried again."""
        self._finalizer = weakref.finalize(self, self._pool.close)

    def fingerprint(self) -> str:
        """Backend, binary version, interpreter version, machine and packages."""
        versions = "".join(f"/{version}" for version in self._packages.versions)
        return f"{self.name}/{bubblewrap_version(self._binary)}/{machine_name()}{versions}"

    def run(self, program: Program) -> ExecutionResult:
        """Run one program in a fork of its own. Waits for no other program."""
        other = run_other_language(program)
        if other is not None:
            return other
        fault = ""
        for attempt in range(_ATTEMPTS):
            try:
                return self._run(program, fresh=attempt > 0).result(self.name)
            except (ZygoteFault, OSError) as error:
                fault = str(error)
                self.faults.append(fault)
        return ExecutionResult(
            status="sandbox_error", evidence={"backend": self.name, "error": fault}
        )

    def run_many(self, programs: Sequence[Program], workers: int = 0) -> list[ExecutionResult]:
        """Run programs in a thread pool, each thread with a zygote; results in order."""
        return run_in_threads(self.run, programs, workers)

    def close(self) -> None:
        """End all zygotes; the next program starts new ones. Also done when this is collected."""
        self._pool.close()

    def _run(self, program: Program, *, fresh: bool) -> Supervision:
        zygote = self._pool.take(self._named_modules(program), fresh=fresh)
        try:
            supervision = zygote.run(program)
        except BaseException:
            zygote.kill()
            raise
        if zygote.fault:
            self.faults.append(zygote.fault)
            zygote.kill()
        else:
            self._pool.give_back(zygote)
        return supervision

    def _named_modules(self, program: Program) -> frozenset[str]:
        """The preloadable modules that a program's text names."""
        if not self._preloadable or program.memory_mb < _PRELOAD_MB:
            return frozenset()
        texts = (program.code, *program.files.values())
        return self._preloadable.intersection(
            word for text in texts for word in _WORD.findall(text)
        )


class _Pool:
    """Idle zygotes, at most one per usable core; a busy one belongs to the thread that runs it."""

    def __init__(self, recipe: ZygoteRecipe) -> None:
        self._recipe = recipe
        self._size = len(os.sched_getaffinity(0))
        self._unpreloadable: set[frozenset[str]] = set()
        self._renew()
        pool = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _leave_to_parent(pool()))

    def _renew(self) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._idle: list[ZygoteProcess] = []
        self._started: weakref.WeakSet[ZygoteProcess] = weakref.WeakSet()

    def abandon(self) -> None:
        """After a fork: the zygotes are the parent's, whose death they see once no copy of their
        channels is left here."""
        inherited = list(self._started)
        self._renew()
        for zygote in inherited:
            zygote.abandon()

    def take(self, modules: frozenset[str], *, fresh: bool) -> ZygoteProcess:
        """A zygote with these modules imported, started when none is idle or it is to be fresh:
        what ended one zygote may have ended every other."""
        with self._lock:
            if modules in self._unpreloadable:
                modules = frozenset()
            for zygote in () if fresh else reversed(self._idle):
                if zygote.preload == modules:
                    self._idle.remove(zygote)
                    return zygote
        return self._start(modules)

    def _start(self, modules: frozenset[str]) -> ZygoteProcess:
        try:
            zygote = ZygoteProcess(self._recipe, sorted(modules))
        except ZygoteFault:
            if not modules:
                raise
            zygote = ZygoteProcess(self._recipe)
            with self._lock:  # one without them starts, so it is the modules
                self._unpreloadable.add(modules)
        self._started.add(zygote)
        return zygote

    def give_back(self, zygote: ZygoteProcess) -> None:
        """Keep a zygote for the next program; the one unused for longest makes room."""
        with self._lock:
            self._idle.append(zygote)
            surplus = [self._idle.pop(0)] if len(self._idle) > self._size else []
        for each in surplus:
            each.close()

    def close(self) -> None:
        """End every idle zygote of this process."""
        if os.getpid() != self._owner:
            return
        with self._lock:
            idle, self._idle = self._idle, []
        for zygote in idle:
            zygote.close()


def _leave_to_parent(pool: _Pool | None) -> None:
    if pool:
        pool.abandon()
