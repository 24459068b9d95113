"""Whether an answer is about anything but its request, told by words alone.

An answer is off topic when it shares no content word with a request that has at least two and

- is long (more than `SHORT_ANSWER_WORDS` words) and holds no block of code; or
- is short, and says nothing of computing although the request is about computing.

Short direct answers often repeat no word of the question ("22, unless somebody moved it"), so a
short one is given the benefit of the doubt: it also counts as on topic when it has fewer than
`FEW_WORDS` content words, quotes code, or names anything in `data/computing_words.txt`.

Limits: English only. A short answer about another matter of computing counts as on topic, and so
does a long one that repeats a word of the request.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from purpcode.conversation import code_blocks

SHORT_ANSWER_WORDS = 40
"""Words of prose up to which an answer is short: two or three sentences."""

FEW_WORDS = 6
"""An answer of fewer content words says too little to be about something else."""

ENGLISH_SHARE = 0.15
"""Of an English text's words, at least so many are stop words."""

_MIN_PREFIX = 5
_ALL_WORDS = re.compile(r"\w+")
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_WORD = re.compile(r"[^\W\d_]{2,}")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_STOP_WORDS_TEXT = """
    about after all also am an and any are as at be because been being between but by can come
    could create did do does explain for from get give had has have help her him his how if in
    into is it its just know let like make may me more most my need new no not now of on one
    only or our out over please say see she should show so some such take tell than that the
    their them then there these they this time to too two up us use using very want was way we
    were what when where which while who why will with would write you your
    """
_STOP_WORDS = frozenset(_STOP_WORDS_TEXT.split())
_SUFFIXES = ("ations", "ation", "ingly", "ings", "ing", "ers", "ies", "er", "ed", "es", "ly")


def is_off_topic(request: str, answer: str, *, direct: bool = False) -> bool:
    """Whether an answer has nothing to do with its request, by the rules above; `direct` says
    that it opens by answering the question, so that only a long one can be off topic."""
    wanted, given = content_words(request), content_words(answer)
    if len(wanted) < 2 or shares_a_word(wanted, given):
        return False
    if any(block.kind != "bare" for block in code_blocks(answer)):
        return False
    if len(_ALL_WORDS.findall(answer)) > SHORT_ANSWER_WORDS:
        return True
    if direct or len(given) < FEW_WORDS or _INLINE_CODE.search(answer):
        return False
    return bool(wanted & computing_words()) and not given & computing_words()


def reads_as_english(text: str) -> bool:
    """Whether enough of a text's words are English ones that join others."""
    words = [word.lower() for word in _WORD.findall(text)]
    return sum(word in _STOP_WORDS for word in words) >= ENGLISH_SHARE * len(words) > 0


def content_words(text: str) -> frozenset[str]:
    """The stems of a text's words, stop words and numbers left out; names are taken apart."""
    words = _WORD.findall(_CAMEL.sub(" ", text.replace("_", " ")))
    return frozenset(_stem(word.lower()) for word in words if word.lower() not in _STOP_WORDS)


def shares_a_word(some: frozenset[str], others: frozenset[str]) -> bool:
    """Whether two sets of stems have one in common, or one that begins another ("inject",
    "injection")."""
    if some & others:
        return True
    beginnings = {other[:size] for other in others for size in range(_MIN_PREFIX, len(other))}
    return bool(beginnings & some) or any(
        one[:size] in others for one in some for size in range(_MIN_PREFIX, len(one))
    )


@cache
def computing_words() -> frozenset[str]:
    """Stems of words that speak of computing or its security."""
    listed = resources.files("purpcode.oracles").joinpath("data/computing_words.txt")
    lines = listed.read_text(encoding="utf-8").splitlines()
    return content_words(" ".join(line for line in lines if not line.startswith("#")))


def _stem(word: str) -> str:
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            break
    return word.rstrip("s").rstrip("ey") if len(word) > 3 else word
