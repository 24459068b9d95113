"""Which files of this interpreter's installed distributions a sandboxed program may import.

Only the named distributions and what they require are offered, not everything installed beside
them: requirements and file lists come from the installed metadata (`importlib.metadata`).
"""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from purpcode.errors import InputError, UnavailableError

PACKAGES_FOLDER = "/packages"
"""Where the packages lie inside; on `sys.path` through PYTHONPATH."""


@dataclass(frozen=True)
class PackageSet:
    """Installed distributions with all they require, as a sandbox binds them."""

    names: tuple[str, ...] = ()
    """Requirements as they were asked for."""
    versions: tuple[str, ...] = ()
    """`name-version` of every distribution of the closure, sorted."""
    paths: tuple[Path, ...] = ()
    """Folders and single-file modules to bind by their own name into `PACKAGES_FOLDER`."""
    modules: tuple[str, ...] = ()
    """Top-level modules of the distributions that were asked for."""


def find_packages(names: Sequence[str]) -> PackageSet:
    """The installed distributions of these names (`"pytest"`, `"name[extra]"`) and their closure.

    Raises:
        InputError: for a name that is no requirement.
        UnavailableError: for one that is not installed, or not in a form that can be bound.
    """
    closure: dict[str, importlib.metadata.Distribution] = {}
    asked = [_collect(name, closure) for name in dict.fromkeys(names)]
    paths = {path.name: path for found in closure.values() for path in _top_level(found)}
    modules = {path.name.split(".")[0] for found in asked for path in _importable(found)}
    return PackageSet(
        names=tuple(names),
        versions=tuple(sorted({f"{found.name}-{found.version}" for found in closure.values()})),
        paths=tuple(path for _, path in sorted(paths.items())),
        modules=tuple(sorted(modules)),
    )


def _collect(
    name: str, closure: dict[str, importlib.metadata.Distribution]
) -> importlib.metadata.Distribution:
    """Add the distribution that answers a requirement, and its own requirements, to `closure`."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        requirement = Requirement(name)
    except InvalidRequirement as error:
        raise InputError(
            f"{name!r} does not name a package: {error}", field="sandbox packages"
        ) from None
    found = _installed(requirement.name)
    key = "".join((canonicalize_name(requirement.name), *sorted(requirement.extras)))
    if key in closure:
        return found
    closure[key] = found
    for text in found.requires or ():
        needed = Requirement(text)
        extras = requirement.extras or {""}
        if needed.marker is None or any(needed.marker.evaluate({"extra": one}) for one in extras):
            extra = f"[{','.join(sorted(needed.extras))}]" if needed.extras else ""
            _collect(f"{needed.name}{extra}", closure)
    return found


def offered(names: Sequence[str]) -> tuple[str, ...]:
    """Those of some packages that are installed and can be offered inside a sandbox; a system's own
    package manager may install one without the list of its files."""
    found = []
    for name in names:
        with contextlib.suppress(UnavailableError):
            find_packages((name,))
            found.append(name)
    return tuple(found)


def _installed(name: str) -> importlib.metadata.Distribution:
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise UnavailableError(
            f"the package '{name}' is to be offered inside the sandbox but is not installed",
            hint=f"Install it beside purpcode: pip install {name}",
        ) from None


def _top_level(found: importlib.metadata.Distribution) -> list[Path]:
    """What a distribution put directly into its site-packages folder, its metadata included."""
    names = {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "/")}
    paths = [Path(str(found.locate_file(name))) for name in sorted(names)]
    paths = [path for path in paths if path.suffix != ".pth" and path.name != "__pycache__"]
    if not any(_is_importable(path) for path in paths) and not _is_metadata_only(found):
        raise UnavailableError(
            f"the package '{found.name}' has no files that can be offered inside the sandbox",
            hint="Editable installs and packages without a file list cannot: install a wheel.",
        )
    return [path for path in paths if path.exists()]


def _importable(found: importlib.metadata.Distribution) -> list[Path]:
    return [path for path in _top_level(found) if _is_importable(path)]


def _is_importable(path: Path) -> bool:
    return path.name.split(".")[0].isidentifier() and (
        (path.is_dir() and (path / "__init__.py").is_file()) or path.suffix in (".py", ".so")
    )


def _is_metadata_only(found: importlib.metadata.Distribution) -> bool:
    """A distribution of requirements alone, or of a namespace package: nothing to import itself."""
    kept = [file for file in found.files or () if file.parts[0] != ".."]
    return bool(kept) and all(file.suffix != ".pth" for file in kept)
