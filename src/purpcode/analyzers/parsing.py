"""The parse gate: is it Python at all, in the newest grammar?

Tools skip what they cannot parse and would call it clean; so nothing unparsed reaches them.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
import textwrap
import threading
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from purpcode.analyzers.analyzer import Snippet

if TYPE_CHECKING:
    from purpcode.analyzers.ruff import Ruff

MAX_CODE_BYTES = 64 * 1024
"""Larger snippets are refused: some tools return nothing, silently, on very large files."""
TOO_DEEP = "does not parse: nested too deeply"
CACHED_ANSWERS = 20_000

_CODING = re.compile(r"\A(?:[ \t\f]*(?:#[^\n]*)?\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)")
_UTF8 = {"utf-8", "utf8", "utf-8-sig"}
_PROMPT = re.compile(r"^(\s*)>>> ?", re.MULTILINE)
_CONTINUED = re.compile(r"^\s*\.\.\. ?(.*)$")
_LOOK_ALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405"
    "\u03bf\u039f\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u03a1\u03a4\u03a7",
    "aeopcyxijshdqwABEKMHOPCTXIJSoOABEZHIKMNPTX",
)
"""Cyrillic and Greek letters that are drawn like Latin ones, and those."""


class ParseGate:
    """Says why code does not parse. Answers are kept by content, under the parser's fingerprint;
    safe to call from several threads."""

    def __init__(self, parser: Ruff | None = None) -> None:
        from purpcode.analyzers.ruff import Ruff

        self._parser = parser or Ruff()
        self._cache: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def fingerprint(self) -> str:
        """The parser, and this interpreter, whose own parser guards it."""
        return f"{self._parser.fingerprint()}, python {sys.version_info[0]}.{sys.version_info[1]}"

    def errors(self, snippets: Sequence[Snippet]) -> list[str | None]:
        """`parse_errors` of the snippets; of equal ones, and of ones seen before, only one is
        parsed. What the parser could not tell is not kept."""
        if not snippets:
            return []
        keys = [self._key(snippet.code) for snippet in snippets]
        with self._lock:
            known = {key: self._cache[key] for key in keys if key in self._cache}
        fresh = {key: one for key, one in zip(keys, snippets, strict=True) if key not in known}
        answers = _answers(list(fresh.values()), self._parser)
        sure: dict[str, str | None] = {}
        for key, (error, is_sure) in zip(fresh, answers, strict=True):
            known[key] = error
            if is_sure:
                sure[key] = error
        with self._lock:
            self._cache.update(sure)
            while len(self._cache) > CACHED_ANSWERS:
                del self._cache[next(iter(self._cache))]
        return [known[key] for key in keys]

    def _key(self, code: str) -> str:
        material = f"{self.fingerprint()}\0{code}".encode("utf-8", "surrogatepass")
        return hashlib.sha256(material).hexdigest()


def parse_errors(snippets: Sequence[Snippet], parser: Ruff | None = None) -> list[str | None]:
    """Why each Python snippet does not parse, or None where it does; in order.

    This interpreter's parser guards size and depth. ruff's parser then decides by the newest
    grammar, whatever interpreter runs, and also finds errors that only compiling shows. Where
    ruff cannot tell, this interpreter's answer stands.
    """
    from purpcode.analyzers.ruff import Ruff

    return [error for error, _ in _answers(snippets, parser or Ruff())]


def _answers(snippets: Sequence[Snippet], parser: Ruff) -> list[tuple[str | None, bool]]:
    """(why it does not parse, whether that is certain) of each snippet."""
    own = [_own_answer(snippet.code) for snippet in snippets]
    asked = [row for row, (refused, _) in enumerate(own) if refused is None]
    told = parser.check_syntax([snippets[row] for row in asked]) if asked else []
    answers = [(refused, True) for refused, _ in own]
    for row, result in zip(asked, told, strict=True):
        answers[row] = _newest_answer(result.error, own[row][1])
    return answers


def refuses_readable_code(error: str) -> bool:
    """Whether one of `parse_errors` turns code away that an interpreter might well run, as text
    that is no Python at all is not: such code was not looked at."""
    from purpcode.analyzers.ruff import SYNTAX_ERROR

    return error == TOO_DEEP or not error.startswith(SYNTAX_ERROR)


def _newest_answer(newest: str | None, own: str | None) -> tuple[str | None, bool]:
    from purpcode.analyzers.ruff import SYNTAX_ERROR

    if newest is None or newest.startswith(SYNTAX_ERROR):
        return newest, True
    return own, False


def _own_answer(code: str) -> tuple[str | None, str | None]:
    """(a refusal that stands, what this interpreter's parser says)."""
    try:
        size = len(code.encode("utf-8"))
    except UnicodeEncodeError:
        return "does not parse: it contains characters that UTF-8 cannot encode", None
    if size > MAX_CODE_BYTES:
        return f"is larger than {MAX_CODE_BYTES // 1024} KB ({size // 1024} KB)", None
    if "\0" in code:
        return "does not parse: it contains null bytes", None
    declared = _CODING.match(code)
    if declared and declared[1].lower().replace("_", "-") not in _UTF8:
        # Another encoding can turn comments into code when the program is run.
        return f"declares the source encoding '{declared[1]}'; only UTF-8 is analysed", None
    try:
        tree = python_tree(code)
    except (RecursionError, MemoryError):
        return TOO_DEEP, None
    except (SyntaxError, ValueError) as error:
        return None, f"does not parse: {getattr(error, 'msg', None) or error}"
    return (None if code.isascii() else _imitation(tree)), None


def _imitation(tree: ast.Module) -> str | None:
    """What is wrong with code that has a name of Latin letters and of letters drawn like them:
    it reads as another name than it is."""
    for node in ast.walk(tree):
        for field in ("id", "attr", "name", "arg", "asname", "module"):
            name = getattr(node, field, None)
            if isinstance(name, str) and not name.isascii():
                plain = name.translate(_LOOK_ALIKES)
                if plain.isascii() and re.search(r"[A-Za-z]", name):
                    return f"has a name that imitates '{plain}' with letters of another script"
    return None


def python_tree(code: str) -> ast.Module:
    """Code as this interpreter's parser reads it, without warnings; raises as `ast.parse` does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in judged code are not our warnings
        return ast.parse(code)


def readable_source(code: str) -> str:
    """Code as an analyzer should see it: newlines as \\n, no byte order mark, the common
    indentation taken away, and an interactive session reduced to what was typed."""
    code = code.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if _PROMPT.match(code.lstrip("\n")):
        code = _typed_lines(code)
    return textwrap.dedent(code).strip("\n")


def _typed_lines(session: str) -> str:
    typed: list[str] = []
    for line in session.split("\n"):
        prompt, continued = _PROMPT.match(line), _CONTINUED.match(line)
        if prompt:
            typed.append(line[prompt.end() :])
        else:
            typed.append(continued[1] if continued else "")
    return "\n".join(typed)
