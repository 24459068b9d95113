"""What a sandboxed program finds: the file system, the environment and the limits.

Shared by every backend that builds namespaces, so that a program cannot tell them apart.
"""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Sequence
from pathlib import Path

from purpcode.sandbox.execution import Program
from purpcode.sandbox.packages import PACKAGES_FOLDER, PackageSet

MIB = 1 << 20
NOBODY = 65534
FOLDER = "/tmp"
"""Working folder and home of a program."""
SIZED_FOLDERS: tuple[tuple[str, int], ...] = (("/dev/shm", 16 * MIB), (FOLDER, 64 * MIB))
"""Memory-backed folders a program may write, with their sizes in bytes."""

SCRATCH = "/scratch"
"""A further writable folder, for compilers that keep more than fits in the others."""

PROCESSES = 64
"""How many processes and threads a program may have."""
_OPEN_FILES = 256
_SYSTEM_FOLDERS = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/bin", "/usr/share/zoneinfo")
_LINKED_FOLDERS = ("/lib", "/lib32", "/lib64", "/bin")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/nix/store")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": FOLDER,
    "LANG": "C.UTF-8",
    "PYTHONUTF8": "1",
    "PYTHONHASHSEED": "0",  # a verdict must not depend on the order of a set
    "PYTHONDONTWRITEBYTECODE": "1",
    "MALLOC_ARENA_MAX": "2",  # each arena reserves address space, which RLIMIT_AS counts
    "OMP_NUM_THREADS": "1",
}

ISOLATION = ("--unshare-all", "--unshare-user", "--new-session", "--hostname", "sandbox")
"""Namespaces of their own: user, pid, mount, network, ipc, uts and cgroup."""


def interpreter() -> str:
    """The interpreter programs run under: this one, outside any virtual environment."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    return str(Path(base).resolve())


def limits(
    program: Program, data_mib: int | None = None, *, unbounded: bool = False
) -> dict[str, int]:
    """Name → value of every resource limit of a program, soft and hard.

    `data_mib` limits RLIMIT_DATA instead of RLIMIT_AS, for a runtime that reserves address space;
    `unbounded` limits neither: address sanitizers map terabytes of shadow that they never touch.
    """
    memory = {"RLIMIT_AS": program.memory_mb * MIB}
    if data_mib is not None:
        memory = {"RLIMIT_DATA": data_mib * MIB}
    return {
        **({} if unbounded else memory),
        "RLIMIT_FSIZE": dict(SIZED_FOLDERS)[FOLDER],
        "RLIMIT_CORE": 0,
        # Of all threads together: the deadline comes first, since a kill by it is known as one.
        "RLIMIT_CPU": (int(program.timeout_s) + 2) * (os.cpu_count() or 1),
        "RLIMIT_NOFILE": _OPEN_FILES,
        "RLIMIT_NPROC": PROCESSES,
        "RLIMIT_MSGQUEUE": 0,
    }


def file_system(packages: PackageSet) -> list[str]:
    """bwrap arguments for all a program can read: libraries, interpreter, packages, devices."""
    links = [path for path in _LINKED_FOLDERS if Path(path).is_symlink()]
    folders = [path for path in _LINKED_FOLDERS if path not in links]
    bound = [*_SYSTEM_FOLDERS, *_SYSTEM_FILES, *folders, *_interpreter_paths()]
    arguments = _parent_arguments([*bound, "/dev/null", f"{PACKAGES_FOLDER}/any"])
    for path in bound:
        arguments += ["--ro-bind-try", path, path]
    for path in _installed_beside(bound):
        arguments += [*_sized_folder(path, 4096, "0555"), "--remount-ro", path]
    for source in packages.paths:
        arguments += ["--ro-bind", str(source), f"{PACKAGES_FOLDER}/{source.name}"]
    for path in links:
        arguments += ["--symlink", str(Path(path).readlink()), path]
    arguments += ["--proc", "/proc"]
    for device in _DEVICES:
        arguments += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        arguments += ["--symlink", f"/proc/self/fd{target}", f"/dev/{name}"]
    return arguments


def writable_folders() -> list[str]:
    """bwrap arguments for the sized folders in memory."""
    return [word for path, size in SIZED_FOLDERS for word in _sized_folder(path, size, "1777")]


def scratch(mib: int) -> list[str]:
    """bwrap arguments for the further writable folder; none of size 0."""
    return _sized_folder(SCRATCH, mib * MIB, "1777") if mib else []


def environment(packages: PackageSet) -> list[str]:
    """bwrap arguments for the whole environment of a program."""
    path = {"PYTHONPATH": PACKAGES_FOLDER} if packages.paths else {}
    return [
        word
        for name, value in {**_ENVIRONMENT, **path}.items()
        for word in ("--setenv", name, value)
    ]


def further_mounts(paths: Sequence[str]) -> list[str]:
    """bwrap arguments for folders and files shown read-only beyond those of `file_system`."""
    hidden = [path for path in paths if not Path(path).is_relative_to("/usr/bin")]
    arguments = _parent_arguments(hidden)
    for path in hidden:
        arguments += ["--ro-bind-try", path, path]
    return arguments


def _sized_folder(path: str, size: int, mode: str) -> list[str]:
    return ["--perms", mode, "--size", str(size), "--tmpfs", path]


def _parent_arguments(paths: Sequence[str]) -> list[str]:
    """Make the folders above `paths` one by one: those bubblewrap makes are closed to others."""
    parents = {parent for path in paths for parent in Path(path).parents[:-1]}
    arguments: list[str] = []
    for parent in sorted(map(str, parents)):
        arguments += ["--perms", "0755", "--dir", parent]
    return arguments


def _interpreter_paths() -> list[str]:
    """Where this interpreter and its standard library lie, beyond the system's folders."""
    prefix, executable = Path(sys.base_prefix).resolve(), Path(interpreter())
    parts = dict.fromkeys((executable, prefix / "lib", prefix / sys.platlibdir))
    return [
        str(part)
        for part in parts
        if part.exists() and not any(part.is_relative_to(known) for known in _SYSTEM_FOLDERS)
    ]


def _installed_beside(bound: Sequence[str]) -> list[str]:
    """Folders of third-party packages within what is bound, to be covered by empty ones.

    What programs can import must not depend on what happens to be installed.
    """
    candidates = map(Path, site.getsitepackages([sys.base_prefix]))
    found = {path.resolve() for path in candidates if path.is_dir()}
    return sorted(str(path) for path in found if any(path.is_relative_to(top) for top in bound))
