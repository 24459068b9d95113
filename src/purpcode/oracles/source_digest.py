"""What identifies a judgement: the statements of the code that decides it, and the data it reads.

The code is found by its imports, so that nobody has to list it, or to raise a number with a change
of it. Followed are imports within `ROOMS`; what lies outside either decides nothing, or tells who
it is by itself (an analyzer, a sandbox, a model).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from purpcode.oracles.oracle import digest

ROOMS = (
    "purpcode.oracles",
    "purpcode.analyzers",
    "purpcode.evals",
    "purpcode.conversation",
    "purpcode.languages",
)
"""The parts of the project whose code decides verdicts."""

Reader = Callable[[str], str | None]
"""Path below the package, with "/" → the file's text; None where there is none."""

_PACKAGE = "purpcode"
_DATA_FILE = re.compile(r"[\w./-]+\.(?:json|jsonl|toml|txt)")


def source_digest(*modules: str) -> str:
    """A hash of what modules and those that they import within `ROOMS` do, comments, docstrings
    and layout aside, and of the data files that they name. Names of code that is not this
    project's are passed over: it tells its version by itself.

    It changes with every change of the code, also one that leaves all verdicts as they were:
    judging again is then the safe side.
    """
    return _digest(tuple(sorted({one for one in modules if one.startswith(f"{_PACKAGE}.")})), _read)


def deciding_modules(*modules: str, read: Reader | None = None) -> list[str]:
    """The modules and all that they import within `ROOMS`, at whatever depth, in order."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        module = _module(name, read or _read)
        if name not in found and module is not None:
            found.add(name)
            waiting += module.imports
    return sorted(found)


def data_files(module: str, read: Reader | None = None) -> list[str]:
    """Paths below the package of the data files that a module names in its texts."""
    found = _module(module, read or _read)
    return list(found.data) if found is not None else []


@cache
def _digest(modules: tuple[str, ...], read: Reader) -> str:
    parts: list[str] = []
    for name in deciding_modules(*modules, read=read):
        module = _module(name, read)
        assert module is not None
        parts += [name, module.statements]
        for path in module.data:
            parts += [path, read(path) or ""]
    return digest(*parts)


@dataclass(frozen=True)
class _Module:
    """What a module is to its digest."""

    imports: tuple[str, ...]
    data: tuple[str, ...]
    statements: str


@cache
def _module(name: str, read: Reader) -> _Module | None:
    """A module of ours; None where there is none of that name."""
    path = _path(name, read)
    if path is None:
        return None
    folder = path.rpartition("/")[0]
    imported, texts, does = _contents(read(path) or "")
    within = {
        f"{module}.{one}" if one and _path(f"{module}.{one}", read) else module
        for module, one in imported
    }
    data = {f"{folder}/{text}".lstrip("/") for text in texts}
    return _Module(
        tuple(sorted(one for one in within if _is_followed(one))),
        tuple(sorted(path for path in data if read(path) is not None)),
        does,
    )


def _path(name: str, read: Reader) -> str | None:
    if not name.startswith(f"{_PACKAGE}."):
        return None
    below = name.removeprefix(f"{_PACKAGE}.").replace(".", "/")
    paths = (f"{below}.py", f"{below}/__init__.py")
    return next((path for path in paths if read(path) is not None), None)


def _is_followed(name: str) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in ROOMS)


@cache
def _contents(source: str) -> tuple[frozenset[tuple[str, str]], frozenset[str], str]:
    """What a source imports, as (module, name or "") pairs; its texts that look like a data file's
    name; and its statements."""
    imported: set[tuple[str, str]] = set()
    texts: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported |= {(node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Constant) and _names_data(node.value):
            texts.add(str(node.value))
    return frozenset(imported), frozenset(texts), statements(source)


def _names_data(value: object) -> bool:
    return isinstance(value, str) and bool(_DATA_FILE.fullmatch(value)) and ".." not in value


def statements(source: str) -> str:
    """A module's source without its comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one)] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is a docstring, or an attribute's."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def _read(path: str) -> str | None:
    file = resources.files(_PACKAGE).joinpath(*path.split("/"))
    return file.read_text(encoding="utf-8") if file.is_file() else None
