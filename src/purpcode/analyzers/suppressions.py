"""Blanks out the comments by which code tells analyzers to look away.

Model-written code must not silence the tools that judge it. The flags that make each tool ignore
its own comments are used as well; this covers the tools and forms that have no such flag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_MARKERS = re.compile(
    r"""nosec | no-?pep8 | nosem(?:grep)? | nosonar | nolint\w* | noinspection | skipcq | lgtm
    | (?:flake8 \s* : \s*)? noqa
    | ruff \s* : \s* (?:noqa | disable | enable | ignore) | flake8 \s* [:=]
    | pyre-(?:ignore(?:-all-errors)? | fixme | unsafe | strict) | pysa-ignore
    | (?:type | pyright | pyrefly | mypy | ty | pytype | pylint | bandit | dlint | phpcs | tslint
        | flawfinder | its4 | rats | devskim) \s* : \s* (?:ignore | disable | skip | basic)
    | eslint-disable[\w-]* | @ts-(?:ignore | nocheck | expect-error) | cppcheck-suppress[\w-]*
    | coverity \s* \[ | phpstan-ignore[\w-]* | @psalm-suppress | @codingStandardsIgnore\w*
    | pragma \s* : \s* (?:no | allowlist | whitelist) \b
    | (?:codeql | checkov | gitleaks | snyk | deepcode | deepsource | semgrep | sonar) \b [\s:-]*
        (?:ignore | skip | allow | disable)?""",
    re.IGNORECASE | re.VERBOSE,
)
_STRING_PREFIXES = {"r", "u", "b", "br", "rb", "f", "fr", "rf", "t", "tr", "rt"}
_QUOTE = re.compile(r"'''|\"\"\"|'|\"")
_WORD_OR_COMMENT = re.compile(r"#[^\r\n]*|\w+|.", re.DOTALL)
_PLAIN_REST = {
    "'": re.compile(r"(?:\\.|[^\\\n'])*'?", re.DOTALL),
    '"': re.compile(r'(?:\\.|[^\\\n"])*"?', re.DOTALL),
    "'''": re.compile(r"(?:\\.|[^\\])*?(?:'''|\Z)", re.DOTALL),
    '"""': re.compile(r'(?:\\.|[^\\])*?(?:"""|\Z)', re.DOTALL),
}


def _tokens(comments: str, strings: str) -> re.Pattern[str]:
    """Comments, strings and escaped characters, whichever begins first."""
    return re.compile(rf"(?P<comment>{comments})|{strings}|\\.", re.DOTALL)


# A quote that is not closed on its line opens no string: it may separate digits. Backquotes hold
# several lines.
_DOUBLE = r'"(?:\\.|[^"\\\r\n])*"'
_QUOTED = rf"{_DOUBLE}|'(?:\\.|[^'\\\r\n])*'|`(?:\\.|[^`\\])*`"
_SLASHES = r"//[^\r\n]*|/\*.*?(?:\*/|\Z)"
_HASH = r"\#[^\r\n]*"
_C_FAMILY = _tokens(_SLASHES, _QUOTED)
_OTHER_FAMILIES = {
    "php": _tokens(rf"{_SLASHES}|{_HASH}", _QUOTED),
    "ruby": _tokens(_HASH, _QUOTED),
    "bash": _tokens(_HASH, _QUOTED),
    "rust": _tokens(_SLASHES, _DOUBLE),  # lifetimes look like the beginning of a character
}
_NAMED_ESCAPE = re.compile(r"\\N\{[^}\n]*\}")


def strip_suppressions(code: str, language: str = "python") -> str:
    """Code with every suppression marker inside a comment replaced by spaces.

    Strings, line numbers and columns stay as they are; text that does not tokenize is handled.
    """
    pieces: list[str] = []
    end = 0
    for start, stop in comment_spans(code, language):
        pieces += [code[end:start], _MARKERS.sub(_blank, code[start:stop])]
        end = stop
    return "".join((*pieces, code[end:]))


def comment_spans(code: str, language: str = "python") -> list[tuple[int, int]]:
    """(start, end) offsets of the comments of code in a language; in one that is not known, of
    what the C family calls comments."""
    if language == "python":
        return _python_comments(code)
    tokens = _OTHER_FAMILIES.get(language, _C_FAMILY)
    return [token.span() for token in tokens.finditer(code) if token.lastgroup == "comment"]


def _blank(marker: re.Match[str]) -> str:
    return re.sub(r"[^\r\n]", " ", marker[0])


@dataclass
class _Frame:
    """Where the scanner is inside a format string: in its text, in a replacement field (`depth`
    brackets deep) or in a field's format specifier."""

    kind: Literal["text", "field", "spec"]
    quote: str
    raw: bool
    depth: int = 0


def _python_comments(code: str) -> list[tuple[int, int]]:
    """(start, end) offsets of the comments of Python code.

    Own scanner because `tokenize` follows the grammar of the interpreter it runs on (before 3.12
    it misreads nested quotes in f-strings) and stops at broken text; this one never fails.
    """
    spans: list[tuple[int, int]] = []
    stack: list[_Frame] = []
    position = 0
    while position < len(code):
        if stack and stack[-1].kind != "field":
            position = _format_text(code, position, stack)
            continue
        token = _WORD_OR_COMMENT.match(code, position)
        assert token is not None  # the pattern matches any character
        text, position = token[0], token.end()
        if text[0] == "#":
            spans.append((token.start(), token.end()))
        elif text in ("'", '"') or text.lower() in _STRING_PREFIXES:
            position = _string(code, token.start(), text.strip("'\""), stack)
        elif stack:
            _field_char(text, stack)
    return spans


def _string(code: str, start: int, prefix: str, stack: list[_Frame]) -> int:
    """Enter the format string or skip the plain string that may start here; where to go on."""
    quote = _QUOTE.match(code, start + len(prefix))
    if quote is None:
        return start + len(prefix)
    if set(prefix.lower()) & {"f", "t"}:
        stack.append(_Frame("text", quote[0], raw="r" in prefix.lower()))
        return quote.end()
    rest = _PLAIN_REST[quote[0]].match(code, quote.end())
    return rest.end() if rest else len(code)


def _format_text(code: str, position: int, stack: list[_Frame]) -> int:
    """Read one step of a format string's text or of a format specifier; where to go on."""
    frame = stack[-1]
    if code.startswith(frame.quote, position):
        _leave_string(stack)
        return position + len(frame.quote)
    char, pair = code[position], code[position : position + 2]
    if char == "\n" and len(frame.quote) == 1:
        _leave_string(stack)
    elif char == "\\":
        named = None if frame.raw else _NAMED_ESCAPE.match(code, position)
        brace = pair[1:] in ("{", "}")
        return named.end() if named else position + (1 if brace else 2)
    elif char == "{":
        if pair == "{{" and frame.kind == "text":
            return position + 2
        stack.append(_Frame("field", frame.quote, frame.raw))
    elif char == "}" and frame.kind == "spec":
        del stack[-2:]  # the specifier and the field it belongs to
    return position + 1


def _leave_string(stack: list[_Frame]) -> None:
    while stack.pop().kind != "text":
        pass


def _field_char(char: str, stack: list[_Frame]) -> None:
    """Follow brackets within a replacement field, to know where it ends."""
    frame = stack[-1]
    if char == "}" and frame.depth == 0:
        stack.pop()
    elif char == ":" and frame.depth == 0:
        stack.append(_Frame("spec", frame.quote, frame.raw))
    elif char in ("(", "[", "{"):
        frame.depth += 1
    elif char in (")", "]", "}"):
        frame.depth = max(0, frame.depth - 1)
