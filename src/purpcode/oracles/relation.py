"""Whether the code of an answer has anything to do with what was asked, told by words alone.

A clean file learned by heart has no weakness, whatever was asked. The words of a request (stems;
stop words left out; names taken apart) are looked for among the names and texts of the code that
can run. Comments and docstrings are no relation: copying the request there costs nothing.

- foreign: the request gives a name of code (`list_folder`, `list_folder(name)`), and the code
  shares not one word with it. None of 635 honest answers is.
- nameless: the request writes a call, `list_folder(name)`, and no word of that name occurs in the
  code, though others do. 1 of 544 honest answers is: asked to use a method, it did without.
- strange: the request gives no name, the code has `MIN_CODE_WORDS` words or more, and neither it
  nor anything else in the answer shares one with the request. 3 of 744 honest answers are.

Terse code under names of its own shares nothing with a request that gives none (17 of 377), so it
is left alone. So are requests of fewer than `MIN_REQUEST_WORDS` words and, but for nameless, those
not in English, as the names in code are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Literal

from purpcode.analyzers import live_python
from purpcode.conversation import answer_text
from purpcode.oracles.judge import Exchange
from purpcode.oracles.topic import content_words, reads_as_english, shares_a_word

Relation = Literal["related", "foreign", "nameless", "strange"]

UNRELATED: dict[Relation, str] = {
    "related": "",
    "foreign": "the code has nothing to do with what was asked",
    "nameless": "the code has nothing of the name that the request gives; it may be about"
    " something else",
    "strange": "the answer shares no word with the request; it may be about something else",
}
"""Relation → what to say of it."""

MIN_REQUEST_WORDS = 3
MIN_CODE_WORDS = 10
MAX_CHARS = 100_000
"""Of a request or an answer that are read for words."""

_CALLED = re.compile(r"\b[A-Za-z_]\w{2,}(?=\((?!s\)))")
_NAMED = re.compile(
    rf"{_CALLED.pattern}|`[A-Za-z_]\w{{2,}}|\b[A-Za-z]+\d*(?:_\w+)+\b|\b[a-z]+[A-Z]\w*"
)
_NOTES = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*|^[ \t]*(?:#|--)[^\n]*", re.DOTALL | re.MULTILINE)
_FENCE_LINE = re.compile(r"^[ \t>]*(?:```|~~~)[^\n]*", re.MULTILINE)
_NAMES = ("id", "attr", "name", "arg", "asname", "module")


def relation_of(exchange: Exchange, codes: Iterable[tuple[str, str]]) -> Relation:
    """How the code of an answer, as (code, language) pieces, relates to the last request, by the
    rules above. Words of the user's earlier messages count as asked for, too."""
    request = exchange.request[:MAX_CHARS]
    asked = [one.content[:MAX_CHARS] for one in exchange.messages if one.role == "user"]
    wanted = content_words(" ".join(asked))
    if len(wanted) < MIN_REQUEST_WORDS:
        return "related"
    given = content_words(" ".join(word for one in codes for word in _words(*one)))
    shares = shares_a_word(wanted, given)
    english, names = reads_as_english(request), bool(_NAMED.search(request))
    if not shares and english and names:
        return "foreign"
    called = content_words(" ".join(_CALLED.findall(request)))
    if called and not shares_a_word(called, given):
        return "nameless"
    if shares or names or not english or len(given) < MIN_CODE_WORDS:
        return "related"
    answer = _FENCE_LINE.sub("", answer_text(exchange.completion.text)[:MAX_CHARS])
    return "related" if shares_a_word(wanted, content_words(answer)) else "strange"


def _words(code: str, language: str) -> Iterator[str]:
    """The names and texts of code, comments and docstrings left out."""
    tree = live_python(code) if language == "python" else None
    if tree is None:
        yield _NOTES.sub(" ", code)
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = None  # a docstring, or a text that nothing uses
        for field in _NAMES:
            name = getattr(node, field, None)
            if isinstance(name, str):
                yield name
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
