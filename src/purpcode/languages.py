"""Which programming language a fence names, or a piece of text looks like.

Every pattern here reads hostile text: each takes time linear in the length of the text.
"""

from __future__ import annotations

import ast
import re
import warnings

_ALIASES = {
    **dict.fromkeys(("pycon", "pyi", "sage", "python-repl"), "python"),
    **dict.fromkeys(("javascript", "js", "node", "nodejs", "jsx", "mjs"), "javascript"),
    **dict.fromkeys(("typescript", "ts", "tsx"), "typescript"),
    **dict.fromkeys(("c++", "cpp", "cc", "cxx", "hpp"), "cpp"),
    **dict.fromkeys(("c", "h"), "c"),
    **dict.fromkeys(("c#", "cs", "csharp"), "csharp"),
    **dict.fromkeys(("bash", "sh", "shell", "zsh", "console", "shell-session"), "bash"),
    **dict.fromkeys(("golang", "go"), "go"),
    **dict.fromkeys(("rs", "rust"), "rust"),
    **dict.fromkeys(("html", "xml", "jinja", "jinja2", "htm"), "html"),
    **dict.fromkeys(("text", "txt", "plaintext", "plain", "output", "none"), "text"),
    **dict.fromkeys(("yml", "yaml"), "yaml"),
    **dict.fromkeys(("md", "markdown"), "markdown"),
}
_PYTHON_NAME = re.compile(r"(?:python|py|ipython)[\d.]*")
_PYTHON_STRONG = re.compile(
    r"^[ \t]*(?:from[ \t]+[\w.]+[ \t]+import[ \t]+\S"
    r"|import[ \t]+[\w.]+(?:[ \t]+as[ \t]+\w+)?(?:[ \t]*,[ \t]*[\w.]+)*[ \t]*(?:#[^\n]*)?$"
    r"|(?:async[ \t]+)?def[ \t]+\w+[ \t]*\((?:[^\n]*:|[^\n)]*$)"
    r"|class[ \t]+\w+[ \t]*(?:\([^\n]*)?:)",
    re.MULTILINE,
)
_PYTHON_LINE = re.compile(
    r"[ \t]*(?:from[ \t]+[\w.]+[ \t]+import\b|import[ \t]+[\w.]+|(?:async[ \t]+)?def[ \t]+\w+"
    r"|class[ \t]+\w+[ \t]*[:(]|@[\w.]+|(?:if|for|while|with|elif|else|try|except|finally)\b.*:"
    r"|(?:return|raise|pass|break|continue|yield)\b|[)\]}]+[,:]?[ \t]*$"
    r"|[\w.\[\]'\"]+[ \t]*(?:[-+*/|&]|//|\*\*)?=[ \t]*\S|print[ \t]*\(|[\w.]+\(.*\)[ \t]*$)"
)
_OTHERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("php", re.compile(r"<\?php")),
    ("html", re.compile(r"\A\s*<(?:!doctype|html|div|form|\?xml)\b", re.IGNORECASE)),
    ("cpp", re.compile(r"#include[ \t]*<(?:iostream|string|vector|map|memory)>|std::")),
    ("c", re.compile(r"^[ \t]*#include[ \t]*[<\"]", re.MULTILINE)),
    ("go", re.compile(r"^package[ \t]+\w+[ \t]*$", re.MULTILINE)),
    ("rust", re.compile(r"^[ \t]*(?:pub[ \t]+)?fn[ \t]+\w+.*\{[ \t]*$|^use[ \t]+std::", re.M)),
    ("java", re.compile(r"^[ \t]*(?:public|private)[ \t]+(?:static[ \t]+)?(?:class|void)\b", re.M)),
    (
        "javascript",
        re.compile(r"^[ \t]*(?:const|let|var)[ \t]+\w+[ \t]*=|\bfunction[ \t]+\w+[ \t]*\(", re.M),
    ),
    ("bash", re.compile(r"\A\s*#!.*\b(?:bash|sh)\b|^[ \t]*(?:sudo|apt|pip3?|cd)[ \t]+\S", re.M)),
)


def normalise_language(info: str) -> str | None:
    """The language a fence's info string names ("Python3 title=x" → "python"), None if empty."""
    words = re.split(r"[\s,{}:;]+", info.strip().lower().lstrip("{. "), maxsplit=1)
    word = words[0].strip(".`'\"")
    if _PYTHON_NAME.fullmatch(word):
        return "python"
    return _ALIASES.get(word, word) if word else None


def guess_language(code: str) -> str | None:
    """The language that a piece of text looks like, or None (prose included)."""
    other = next((language for language, pattern in _OTHERS if pattern.search(code)), None)
    if other is None:
        return "python" if _looks_like_python(code) else None
    # Python code may hold another language in a string, never the other way round.
    return "python" if reads_as_python(code) and parses_as_python(code) else other


def reads_as_python(code: str) -> bool:
    """Whether a text has a line that hardly anything but Python has (an import, a definition)."""
    return bool(_PYTHON_STRONG.search(code))


def is_python_line(line: str) -> bool:
    """Whether a line could be a line of Python code."""
    return bool(_PYTHON_LINE.match(line))


def _looks_like_python(code: str) -> bool:
    if reads_as_python(code):
        return True
    lines = [line for line in code.splitlines() if line.strip()]
    return bool(lines) and 2 * sum(is_python_line(line) for line in lines) > len(lines)


def parses_as_python(code: str) -> bool:
    """Whether this interpreter's parser reads a text as Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
