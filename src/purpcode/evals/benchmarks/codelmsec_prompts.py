"""CodeLMSec as its authors publish it: a folder of beginnings of code, a file for each prompt.

The folder (or the ZIP file it is handed out as) holds `py/CWE-020/gpt4_CWE-020_0_1.py`,
`c/CWE-787/...c` and so on: language and weakness are those of the folders, the text is the prompt.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from purpcode.errors import InputError

FOLDER = "benchmark_data"
ZIP = "CodeLMSec_benchmark.zip"
WANTED = f"CodeLMSec's folder {FOLDER} (py/CWE-*/*.py, c/CWE-*/*.c) or {ZIP}"
_LANGUAGES = {"py": "python", "c": "c"}
_CWE = re.compile(r"CWE-0*(\d+)")
_MOST_BYTES = 1 << 20


def read_prompts(path: Path) -> list[tuple[str, str, str, str]]:
    """(file name, language, CWE, text) of each prompt, sorted by language, CWE and file name.

    `path` is the folder, one that holds it or the ZIP file, or that file. Empty where there are
    none.

    Raises:
        InputError: naming the file that is no text, empty, or in no known place.
    """
    files = list(_in_folder(path))
    if not files and (packed := path if path.suffix == ".zip" else path / ZIP).is_file():
        files = list(_zipped(packed))
    found = []
    for place, content in files:
        language, cwe = _LANGUAGES[place.parts[-3]], _CWE.fullmatch(place.parts[-2])
        if cwe is None:
            raise InputError(f"the folder '{place.parts[-2]}' names no CWE", path=path / place)
        found.append((place.name, language, f"CWE-{cwe[1]}", _text(content, path / place)))
    return sorted(found, key=lambda one: (one[1] != "python", one[1], int(one[2][4:]), one[0]))


def _in_folder(path: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The files of the folder `path`, or of the first one below it that has the layout."""
    below = sorted(path.glob(f"*/{FOLDER}"))
    for folder in (path, path / FOLDER, *below):
        files = sorted(one for name in _LANGUAGES for one in folder.glob(f"{name}/CWE-*/*.{name}"))
        if files:
            for one in files:
                yield PurePosixPath(one.relative_to(path).as_posix()), one.read_bytes()
            return


def _zipped(path: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    try:
        with zipfile.ZipFile(path) as packed:
            for entry in packed.infolist():
                place = PurePosixPath(entry.filename)
                if not _is_prompt(place):
                    continue
                if entry.file_size > _MOST_BYTES:
                    raise InputError("is too large for a prompt", path=path / place)
                yield place, packed.read(entry)
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise InputError(f"cannot be read ({error})", path=path) from None


def _is_prompt(place: PurePosixPath) -> bool:
    """Whether the last parts of a path are language, CWE and a file of the language."""
    names = place.parts[-3:]
    return (
        len(names) == 3
        and names[0] in _LANGUAGES
        and names[1].startswith("CWE-")
        and place.suffix == f".{names[0]}"
        and "__MACOSX" not in place.parts
    )


def _text(content: bytes, path: Path) -> str:
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text ({error.reason})", path=path) from None
    if not text.strip():
        raise InputError("is empty", path=path)
    return text
