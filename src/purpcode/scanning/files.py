"""Which files of the given paths are scanned, and what is left out and why."""

from __future__ import annotations

import io
import os
import stat
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from purpcode.errors import InputError
from purpcode.languages import normalise_language

SKIPPED_FOLDERS = frozenset(
    {"__pycache__", "_build", "build", "dist", "node_modules", "site-packages", "target"}
)
"""Names of folders that hold what was installed or built. Hidden folders, virtual environments
(by their pyvenv.cfg) and `*.egg-info` are skipped too. A folder given by name is scanned."""
CODE_LANGUAGES = frozenset(
    {"bash", "c", "cpp", "csharp", "go", "java", "javascript", "kt", "lua", "php", "python", "rb",
     "rust", "scala", "swift", "typescript", "ipynb"}
)  # fmt: skip
"""What counts as code when it is said which files no chosen analyzer reads."""
_SHEBANG_BYTES = 128


@dataclass(frozen=True)
class CodeFile:
    """A file to scan. `shown` is its path as printed: relative to the working folder, with `/`,
    where it lies in it."""

    path: Path
    shown: str
    language: str


@dataclass
class FileChoice:
    """The files to scan; per reason, how many folders and links were left out; per language, how
    many code files no chosen analyzer reads; and what could not be looked at although it was asked
    for (path → why): folders that cannot be listed, named files that no analyzer reads."""

    files: list[CodeFile] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)


def choose_files(paths: Sequence[Path], languages: frozenset[str]) -> FileChoice:
    """Walk the paths. Links met on the way are not followed; files come once, sorted by path.

    Raises:
        InputError: for a path that does not exist or is neither file nor folder.
    """
    choice = FileChoice()
    seen: set[Path] = set()
    for given in paths:
        if given.is_dir():
            found: Iterable[Path] = _walk(given, choice)
        elif given.is_file():
            found = [given]
        else:
            there = "is neither a file nor a folder" if given.exists() else "no such file or folder"
            raise InputError(there, path=given)
        for path in found:
            real = path.resolve()
            if real not in seen:
                seen.add(real)
                _place(choice, path, languages, named=path is given)
    choice.files.sort(key=lambda file: file.shown)
    return choice


def read_code(file: CodeFile) -> tuple[str, str | None]:
    """A file's text as it is on disk, and why it cannot be measured (then the text is "")."""
    try:
        data = file.path.read_bytes()
    except OSError as error:
        return "", f"cannot be read ({error.strerror})"
    try:
        text = data.decode("utf-8-sig")
        if file.language != "python":
            return text, None
        declared, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except UnicodeDecodeError as error:
        return "", f"is not UTF-8 text ({error.reason})"
    except SyntaxError as error:
        return "", str(error)
    if declared not in ("utf-8", "utf-8-sig"):
        # Another encoding can turn comments into code when the program is run.
        return "", f"declares the source encoding '{declared}'; only UTF-8 is analysed"
    return text, None


def shown_path(path: Path) -> str:
    """A path as it is printed and matched: relative to the working folder where it lies in it."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
    try:
        return absolute.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return absolute.as_posix()


def _walk(folder: Path, choice: FileChoice) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        choice.refused[shown_path(folder)] = f"cannot be listed ({error.strerror})"
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.is_symlink():
            choice.skipped["links"] += 1
        elif entry.is_dir(follow_symlinks=False):
            reason = _why_skipped(path)
            if reason is None:
                yield from _walk(path, choice)
            else:
                choice.skipped[reason] += 1
        elif stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
            yield path


def _why_skipped(folder: Path) -> str | None:
    if folder.name.startswith("."):
        return "hidden folders"
    if (folder / "pyvenv.cfg").is_file():
        return "virtual environments"
    if folder.name in SKIPPED_FOLDERS or folder.name.endswith(".egg-info"):
        return "folders of built or installed files"
    return None


def _place(choice: FileChoice, path: Path, languages: frozenset[str], *, named: bool) -> None:
    language = file_language(path)
    shown = shown_path(path)
    if language in languages:
        choice.files.append(CodeFile(path, shown, language))
    elif named:
        choice.refused[shown] = f"no chosen analyzer reads {language or 'this kind of file'}"
    elif language in CODE_LANGUAGES:
        choice.unread[language] += 1


def file_language(path: Path) -> str:
    """The language by extension, or by a `#!` line for a file without one; "" if unknown."""
    suffix = path.suffix.lower().lstrip(".")
    if suffix == "pyw":
        return "python"
    if suffix:
        return normalise_language(suffix) or ""
    try:
        with path.open("rb") as handle:
            first = handle.read(_SHEBANG_BYTES).split(b"\n", 1)[0]
    except OSError:
        return ""
    if not first.startswith(b"#!"):
        return ""
    words = first[2:].replace(b"/", b" ").split()
    programs = [word for word in words if not word.startswith(b"-") and b"=" not in word]
    known = [normalise_language(word.decode("ascii", "replace")) for word in programs]
    return next((one for one in known if one in CODE_LANGUAGES), "")
