"""The reasoning format, the one code extractor, thought trimming and the repetition check.

A response in the reasoning format reads `## Analysis`, the thoughts, `## Answer`, the answer
(PurpCode, arXiv 2507.19060, section 2.1). Thinking models' `<think>` blocks are thoughts too.
"""

from __future__ import annotations

import html
import re
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from purpcode.languages import guess_language as guess_language
from purpcode.languages import is_python_line, parses_as_python
from purpcode.languages import normalise_language as normalise_language
from purpcode.languages import reads_as_python as reads_as_python
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
NESTED_FENCES = 5
"""Levels of fences within fences that are opened."""

_ANALYSIS = re.compile(r"^##[ \t]+Analysis[ \t\r]*$", re.MULTILINE)
_ANSWER = re.compile(r"^##[ \t]+Answer[ \t\r]*$", re.MULTILINE)
_THINK = re.compile(r"\s*<think>.*?</think>\s*", re.DOTALL)
_THINK_OPEN = re.compile(r"\s*<think>")
_ANSWER_TAG, _ANSWER_END = "<answer>", "</answer>"
_FENCE_LINE = re.compile(r"^[ \t>*+-]*(?:```|~~~)", re.MULTILINE)
_PRE = re.compile(r"<pre\b[^<>]*>(?P<code>.*?)(?P<end></pre>|\Z)", re.DOTALL | re.IGNORECASE)
_QUOTE_MARKS = re.compile(r"^ {0,3}(?:> ?)+")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"))
_CODE_TAG = re.compile(r"\A\s*<code\b[^<>]*>|</code>\s*\Z", re.IGNORECASE)


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
    """Take a model's text apart into thoughts and answer, listing format problems.

    Only thoughts are taken away: text before the first heading is shown to the user, so it stays
    part of the answer.
    """
    body = trim_think(text)
    opening = _ANALYSIS.search(body)
    if opening is None:
        return Response(None, body.strip(), ("there is no '## Analysis' heading",))
    problems: list[str] = []
    before, rest = body[: opening.start()].strip(), body[opening.end() :]
    if before:
        problems.append("there is text before '## Analysis'")
    divider = _ANSWER.search(rest)
    if divider is None:
        problems.append("there is no '## Answer' heading")
        if before:
            return Response(None, body.strip(), tuple(problems))
        return Response(rest.strip(), "", tuple(problems))
    analysis, answer = rest[: divider.start()].strip(), rest[divider.end() :].strip()
    if len(analysis) < MIN_ANALYSIS_CHARS:
        problems.append(f"the analysis is shorter than {MIN_ANALYSIS_CHARS} characters")
    if len(answer) < MIN_ANSWER_CHARS:
        problems.append(f"the answer is shorter than {MIN_ANSWER_CHARS} characters")
    if _ANALYSIS.search(analysis) or _has_heading(answer):
        problems.append("a heading of the format occurs twice")
    shown = f"{before}\n\n{answer}".strip() if before else answer
    return Response(analysis, shown, tuple(problems))


def _has_heading(answer: str) -> bool:
    """Whether a heading of the format occurs in an answer, comments in its code aside."""
    if not (_ANALYSIS.search(answer) or _ANSWER.search(answer)):
        return False
    prose = "\n".join(_lines_outside_fences(answer))
    return bool(_ANALYSIS.search(prose) or _ANSWER.search(prose))


def answer_text(text: str) -> str:
    """What the user is shown: the response without its thoughts ("" if it never answered)."""
    return parse_response(text).answer


def trim_think(text: str) -> str:
    """Drop the `<think>` blocks a text begins with, also one whose opening tag the chat template
    already printed. An unclosed block swallows the rest: the model was cut off while thinking.

    An `<answer>` tag around what is left is dropped too, as the published format has it. Later
    tags stay: what stands in an answer is shown to the user, and judged.
    """
    start = 0
    while block := _THINK.match(text, start):
        start = block.end()
    if _THINK_OPEN.match(text, start):
        return ""
    if start:
        return _unwrapped(text[start:])
    head, closed, rest = text.partition("</think>")
    if closed and "<think>" not in head and not _ANALYSIS.search(head):
        return _unwrapped(rest.lstrip())
    wrapped = text.strip()
    if wrapped.startswith(_ANSWER_TAG) and wrapped.endswith(_ANSWER_END):
        return _unwrapped(text)
    return text


def _unwrapped(body: str) -> str:
    """What follows the thoughts, without the tags at its two ends (one alone where the other was
    cut off, or printed by the chat template). Tags that belong to what stands between stay."""
    text = body.strip()
    inner = text.removeprefix(_ANSWER_TAG)
    opened = inner != text
    if not opened and (not text.endswith(_ANSWER_END) or _ANSWER_TAG in text):
        return body
    inner = inner.removesuffix(_ANSWER_END).strip()
    return body if _ANSWER_TAG in inner.partition(_ANSWER_END)[2] else inner


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
    kind: Literal["fenced", "indented", "html", "bare"]


def code_blocks(answer: str) -> list[CodeBlock]:
    """Every code block of an answer, in order: fences, else `<pre>` blocks, else bare code, else
    indented blocks.

    A CommonMark parser finds them (also inside lists, quotes and HTML, with longer or tilde
    fences); a fence of Markdown or text that holds fences is opened and its own blocks taken.
    Text without a fence counts as one bare block when it reads as code from its first line on;
    failing that, its runs of lines that are valid Python do.
    """
    text = _normalised(answer)
    return (
        _fenced_blocks(text, NESTED_FENCES)
        or _html_blocks(text)
        or _bare_block(text)
        or [run for run in _python_runs(text, indented=False) if parses_as_python(run.code)]
        or _indented_blocks(text)
    )


def loose_code(answer: str) -> list[CodeBlock]:
    """Python code that stands beside the answer's code blocks, in no block. Some of it may be
    prose that only looks like Python: the reader parses."""
    text = _normalised(answer)
    found = code_blocks(text)
    if found and found == _bare_block(text):
        return []
    indented = all(block.kind != "indented" for block in found)
    beside = [*_html_blocks(text), *_python_runs(text, indented=indented)]
    return [block for block in beside if block not in found]


def _python_runs(text: str, *, indented: bool) -> list[CodeBlock]:
    """Runs of lines outside of all blocks, each from a line that hardly anything but Python has
    (or, with `indented`, from a Python line indented like a code block) to the last that could be
    Python. Quotation marks, prompts and invisible characters make no code prose."""
    outside = _PRE.sub("\n```\n", "\n".join(_lines_outside_fences(text)))
    runs: list[list[str]] = []
    is_open = False
    for shown in outside.translate(_INVISIBLE).split("\n"):
        line = _QUOTE_MARKS.sub("", shown)
        if line != shown or is_open:
            line = line.removeprefix("... ")
        deep = line.startswith(("    ", "\t"))
        goes_on = not line.strip() or deep or is_python_line(line) or _is_comment(line)
        if is_open and goes_on:
            runs[-1].append(line)
            continue
        is_open = reads_as_python(line) and (indented or not deep)
        is_open = is_open or (indented and deep and is_python_line(line))
        if is_open:
            runs.append([line])
    codes = [textwrap.dedent("\n".join(run)).rstrip() + "\n" for run in runs]
    return [CodeBlock(code, "python", True, "bare") for code in codes]


def _is_comment(line: str) -> bool:
    """Whether a line within code is a comment; Markdown's lower headings are none."""
    return line.startswith("#") and not line.startswith("##")


def _normalised(text: str) -> str:
    """Newlines as the Markdown parser counts them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _fenced_blocks(text: str, nesting: int) -> list[CodeBlock]:
    lines = text.split("\n")
    blocks: list[CodeBlock] = []
    for token in _parser().parse(text):
        if token.type == "fence":
            blocks += _fence_blocks(token, lines, nesting)
    return blocks


def _fence_blocks(token: Token, lines: list[str], nesting: int) -> list[CodeBlock]:
    language = normalise_language(token.info)
    if language in ("markdown", "text", None) and nesting and _FENCE_LINE.search(token.content):
        inner = _fenced_blocks(token.content, nesting - 1)
        if inner:
            return inner
    if language in (None, "text"):
        language = guess_language(token.content) or language
    return [CodeBlock(token.content, language, _is_closed(token, lines), "fenced")]


def _is_closed(token: Token, lines: list[str]) -> bool:
    start, end = token.map or (0, len(lines))
    if end - start < 2 or end > len(lines):
        return False
    last = re.sub(r"^[\s>]*", "", lines[end - 1]).rstrip()
    return len(last) >= len(token.markup) and set(last) == {token.markup[0]}


def _lines_outside_fences(text: str) -> list[str]:
    """The lines of a text that no fence covers; every fence leaves a marker line, so that what
    stands before and after it stays apart."""
    lines = text.split("\n")
    for token in _parser().parse(text):
        if token.type == "fence" and token.map:
            start, end = token.map
            lines[start:end] = ["```", *[""] * (min(end, len(lines)) - start - 1)]
    return lines


def _html_blocks(text: str) -> list[CodeBlock]:
    outside = "\n".join(_lines_outside_fences(text))
    blocks: list[CodeBlock] = []
    for match in _PRE.finditer(outside):
        code = html.unescape(_CODE_TAG.sub("", match["code"])).strip("\n") + "\n"
        language = guess_language(code)
        if language is not None:
            blocks.append(CodeBlock(code, language, match["end"] != "", "html"))
    return blocks


def _indented_blocks(text: str) -> list[CodeBlock]:
    contents = [token.content for token in _parser().parse(text) if token.type == "code_block"]
    guesses = [(content, guess_language(content)) for content in contents]
    return [CodeBlock(code, language, True, "indented") for code, language in guesses if language]


def _bare_block(answer: str) -> list[CodeBlock]:
    text = textwrap.dedent(answer.strip("\n")).rstrip()
    first = text.split("\n", 1)[0]
    language = guess_language(text)
    if not text or language is None:
        return []
    if language == "python" and not (is_python_line(first) or first.startswith(("#", '"""'))):
        return []
    return [CodeBlock(text + "\n", language, True, "bare")]


@cache
def _parser() -> MarkdownIt:
    """Blocks only: no inline parsing, and HTML does not hide the fences inside it."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"maxNesting": 100}).disable(["inline", "html_block"])
