"""The reasoning format, the one code extractor, thought trimming and the repetition check.

A response in the reasoning format reads `## Analysis`, the thoughts, `## Answer`, the answer
(PurpCode, arXiv 2507.19060, section 2.1). Thinking models' `<think>` blocks are thoughts too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from purpcode.types import Message

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

ANALYSIS_HEADING = "## Analysis"
ANSWER_HEADING = "## Answer"
MIN_ANALYSIS_CHARS = 16
MIN_ANSWER_CHARS = 8
REPEAT_CHARS = 32
REPEAT_TIMES = 8

_ANALYSIS = re.compile(r"^##[ \t]+Analysis[ \t]*$", re.MULTILINE)
_ANSWER = re.compile(r"^##[ \t]+Answer[ \t]*$", re.MULTILINE)
_THINK = re.compile(r"<think>.*?</think>\s*", re.DOTALL)
_THINK_CLOSE = re.compile(r"\A(?:(?!<think>).)*?</think>\s*", re.DOTALL)


@dataclass(frozen=True)
class Response:
    """A response taken apart. `analysis` is None without thoughts; `answer` is "" when the
    response opened its thoughts and never reached an answer; `problems` names every way in
    which the text departs from the reasoning format (empty when it follows it)."""

    analysis: str | None
    answer: str
    problems: tuple[str, ...]


def format_response(analysis: str, answer: str) -> str:
    """The reasoning format's text for an analysis and an answer."""
    return f"{ANALYSIS_HEADING}\n{analysis.strip()}\n\n{ANSWER_HEADING}\n{answer.strip()}"


def parse_response(text: str) -> Response:
    """Take a model's text apart into thoughts and answer, listing format problems."""
    body = trim_think(text)
    opening = _ANALYSIS.search(body)
    if opening is None:
        thoughts_only = body == "" and "<think>" in text
        answer = "" if thoughts_only else body.strip()
        return Response(None, answer, ("there is no '## Analysis' heading",))
    problems: list[str] = []
    if body[: opening.start()].strip():
        problems.append("there is text before '## Analysis'")
    rest = body[opening.end() :]
    divider = _ANSWER.search(rest)
    if divider is None:
        return Response(rest.strip(), "", (*problems, "there is no '## Answer' heading"))
    analysis, answer = rest[: divider.start()].strip(), rest[divider.end() :].strip()
    if len(analysis) < MIN_ANALYSIS_CHARS:
        problems.append(f"the analysis is shorter than {MIN_ANALYSIS_CHARS} characters")
    if len(answer) < MIN_ANSWER_CHARS:
        problems.append(f"the answer is shorter than {MIN_ANSWER_CHARS} characters")
    if _ANALYSIS.search(rest) or _ANSWER.search(answer):
        problems.append("a heading of the format occurs twice")
    return Response(analysis, answer, tuple(problems))


def answer_text(text: str) -> str:
    """What the user is shown: the response without its thoughts ("" if it never answered)."""
    return parse_response(text).answer


def trim_think(text: str) -> str:
    """Drop `<think>` blocks, also one whose opening tag the chat template already printed.

    An unclosed block swallows the rest: the model was cut off while thinking.
    """
    trimmed = _THINK.sub("", text)
    if "</think>" in trimmed:
        trimmed = _THINK_CLOSE.sub("", trimmed)
    head, opened, _ = trimmed.partition("<think>")
    return head.rstrip() if opened else trimmed


def trim_earlier_thoughts(messages: Sequence[Message]) -> list[Message]:
    """The conversation with every assistant turn reduced to its answer."""
    return [
        message.model_copy(update={"content": answer_text(message.content)})
        if message.role == "assistant"
        else message
        for message in messages
    ]


def repeated_string(
    text: str, *, chars: int = REPEAT_CHARS, times: int = REPEAT_TIMES
) -> str | None:
    """A string of `chars` characters that occurs at least `times` times without overlap, if any.

    The degenerate-repetition check of PurpCode section 2.1; blank runs do not count.
    """
    if len(text) < chars * times:
        return None
    counts = Counter(text[start : start + chars] for start in range(len(text) - chars + 1))
    for candidate, count in counts.items():
        if count >= times and candidate.strip() and text.count(candidate) >= times:
            return candidate
    return None


@dataclass(frozen=True)
class CodeBlock:
    """A piece of code in an answer. `language` is normalised and None when nothing tells it;
    `closed` is False for a fence the text never closes (a cut-off answer)."""

    code: str
    language: str | None
    closed: bool
    kind: Literal["fenced", "indented", "bare"]


_LANGUAGES = {
    **dict.fromkeys(("python", "py", "python3", "py3", "python2", "pycon", "sage"), "python"),
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
_PYTHON_LINE = re.compile(
    r"^\s*(?:from\s+[\w.]+\s+import\b|import\s+[\w.]+|(?:async\s+)?def\s+\w+\s*\(|class\s+\w+\s*[:(]"
    r"|@[\w.]+|if\s+__name__\b|(?:for|while|if|with|elif|try|except|return|raise)\b.*:?\s*$"
    r"|[\w.\[\]'\"]+\s*(?:[-+*/|&]|//|\*\*)?=\s*\S|print\s*\(|[\w.]+\(.*\)\s*$)",
    re.MULTILINE,
)
_PYTHON_STRONG = re.compile(
    r"^\s*(?:from\s+[\w.]+\s+import\s+\S|import\s+[\w.]+(?:\s+as\s+\w+)?(?:\s*,\s*[\w.]+)*\s*$"
    r"|(?:async\s+)?def\s+\w+\s*\(.*\).*:\s*(?:#.*)?$|class\s+\w+.*:\s*$)",
    re.MULTILINE,
)
_OTHER_LANGUAGES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("php", re.compile(r"<\?php")),
    ("html", re.compile(r"\A\s*<(?:!doctype|html|div|form|\?xml)\b", re.IGNORECASE)),
    ("cpp", re.compile(r"#include\s*<(?:iostream|string|vector|map|memory)>|std::")),
    ("c", re.compile(r"^\s*#include\s*[<\"]", re.MULTILINE)),
    ("go", re.compile(r"^package\s+\w+\s*$", re.MULTILINE)),
    ("rust", re.compile(r"^\s*(?:pub\s+)?fn\s+\w+.*\{\s*$|^use\s+std::", re.MULTILINE)),
    ("java", re.compile(r"^\s*(?:public|private)\s+(?:static\s+)?(?:class|void)\b", re.MULTILINE)),
    ("javascript", re.compile(r"^\s*(?:const|let|var)\s+\w+\s*=|\bfunction\s+\w+\s*\(", re.MULTILINE)),
    ("bash", re.compile(r"\A\s*#!.*\b(?:bash|sh)\b|^\s*(?:sudo|apt|pip3?|cd)\s+\S+", re.MULTILINE)),
)


def normalise_language(info: str) -> str | None:
    """The language a fence's info string names ("Python3 title=x" → "python"), None if empty."""
    words = re.split(r"[\s,{:]+", info.strip().lower(), maxsplit=1)
    word = words[0].strip(".`'\"")
    return _LANGUAGES.get(word, word) if word else None


def guess_language(code: str) -> str | None:
    """The language that a piece of text looks like, or None (prose included)."""
    for language, pattern in _OTHER_LANGUAGES:
        if pattern.search(code):
            return language
    return "python" if _looks_like_python(code) else None


def _looks_like_python(code: str) -> bool:
    if _PYTHON_STRONG.search(code):
        return True
    lines = [line for line in code.splitlines() if line.strip()]
    return bool(lines) and 2 * sum(bool(_PYTHON_LINE.match(line)) for line in lines) > len(lines)


def code_blocks(answer: str) -> list[CodeBlock]:
    """Every code block of an answer, in order: fences, else indented blocks, else bare code.

    A CommonMark parser finds them (also inside lists and quotes, with longer or tilde fences);
    a `markdown` fence is opened and its own blocks taken. Text without any block counts as one
    bare block when it reads as code from its first line on.
    """
    fenced: list[CodeBlock] = []
    indented: list[CodeBlock] = []
    lines = answer.splitlines()
    for token in _parser().parse(answer):
        if token.type == "fence":
            fenced.extend(_fence_blocks(token, lines))
        elif token.type == "code_block" and guess_language(token.content) is not None:
            language = guess_language(token.content)
            indented.append(CodeBlock(token.content, language, True, "indented"))
    if fenced or indented:
        return fenced or indented
    return _bare_block(answer)


def _fence_blocks(token: Token, lines: list[str]) -> list[CodeBlock]:
    language = normalise_language(token.info)
    if language == "markdown" and "```" in token.content:
        return [block for block in code_blocks(token.content) if block.kind == "fenced"]
    if language in (None, "text"):
        language = guess_language(token.content) or language
    return [CodeBlock(token.content, language, _is_closed(token, lines), "fenced")]


def _is_closed(token: Token, lines: list[str]) -> bool:
    start, end = token.map or (0, len(lines))
    if end - start < 2 or end > len(lines):
        return False
    last = re.sub(r"^[\s>]*", "", lines[end - 1]).rstrip()
    return len(last) >= len(token.markup) and set(last) == {token.markup[0]}


def _bare_block(answer: str) -> list[CodeBlock]:
    text = answer.strip()
    first = text.split("\n", 1)[0]
    language = guess_language(text)
    if not text or language is None:
        return []
    if language == "python" and not (_PYTHON_LINE.match(first) or first.startswith(("#", '"""'))):
        return []
    return [CodeBlock(text + "\n", language, True, "bare")]


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")
