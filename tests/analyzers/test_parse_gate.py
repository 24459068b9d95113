"""The parse gate, source normalisation and the check for working code."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.analyzers.analyzer import Snippet
from purpcode.analyzers.parsing import (
    MAX_CODE_BYTES,
    has_working_code,
    parse_errors,
    readable_source,
)
from purpcode.analyzers.ruff import Ruff

NEWER_THAN_3_11 = [
    'd = {"a": 1}\nx = f"{d["a"]}"',
    "def first[T](items: list[T]) -> T:\n    return items[0]",
    "type Pair = tuple[int, int]",
    'x = t"{y}"',
    "try:\n    f()\nexcept A, B:\n    pass",
]
REFUSED = {
    "unbalanced": "f(",
    "python 2": "print 'x'",
    "prose": "You should use a parametrised query.",
    "null byte": "x = 1\0",
    "surrogate": "x = '\ud800'",
    "too large": "x = 1\n" * (MAX_CODE_BYTES // 6 + 1),
    "too deep": "-" * 50_000 + "1",
    "long expression": "+".join(["1"] * 10_000),
    "many elifs": "if x: pass\n" + "elif y: pass\n" * 4_000,
    "utf-7": "# coding: utf-7\nx = 1",
    "latin-1 on line two": "#!/usr/bin/python\n# vim: set fileencoding=latin-1 :\nx = 1",
    "only compiling shows it": "def f(a, a): pass",
}


def test_newest_grammar_parses_on_whatever_interpreter_runs() -> None:
    snippets = [Snippet(str(row), code) for row, code in enumerate(NEWER_THAN_3_11)]
    assert parse_errors(snippets) == [None] * len(snippets)


def test_every_refused_code_has_a_reason_and_the_rest_of_the_batch_passes() -> None:
    snippets = [Snippet(name, code) for name, code in REFUSED.items()]
    errors = parse_errors([*snippets, Snippet("fine", "x = 1"), Snippet("snippet", "return x")])
    assert {name: bool(error) for name, error in zip(REFUSED, errors, strict=False)} == (
        dict.fromkeys(REFUSED, True)
    )
    assert errors[-2:] == [None, None]


def test_utf8_declaration_is_accepted() -> None:
    assert parse_errors([Snippet("a", "# -*- coding: UTF_8 -*-\nx = 1")]) == [None]


def test_own_parser_decides_where_ruff_is_broken(tmp_path: Path) -> None:
    broken = Ruff(command=("/nonexistent/ruff",))
    own = parse_errors([Snippet("a", "x = 1"), Snippet("b", "f(")], broken)
    assert own[0] is None
    assert own[1] is not None


@pytest.mark.parametrize(
    ("raw", "readable"),
    [
        ("    x = 1\n    y = 2\n", "x = 1\ny = 2"),
        (
            ">>> x = 1\n>>> def f():\n...     return x\n...\n1\n",
            "x = 1\ndef f():\n    return x\n\n",
        ),
        ("\ufeffx = 1\r\ny = 2\rz = 3", "x = 1\ny = 2\nz = 3"),
        ("def f():\n    return 1\n\n    # >>> not a session\n", None),
    ],
)
def test_readable_source(raw: str, readable: str | None) -> None:
    expected = raw.strip("\n") if readable is None else readable.strip("\n")
    assert readable_source(raw) == expected


@given(st.text(max_size=300))
def test_readable_source_is_idempotent_on_plain_text(text: str) -> None:
    once = readable_source(text)
    if ">>>" not in text and not once.startswith("\ufeff"):
        assert readable_source(once) == once


@pytest.mark.parametrize(
    "code",
    [
        "",
        "# only a comment",
        "import os\nfrom x import y",
        "'''A docstring.'''",
        "...",
        "pass",
        "def f():\n    pass",
        "async def f():\n    '''Doc.'''\n    ...",
        "class A:\n    def f(self):\n        raise NotImplementedError('later')",
        "x: int",
    ],
)
def test_code_that_does_nothing(code: str) -> None:
    assert not has_working_code(code)


@pytest.mark.parametrize(
    "code",
    [
        "x = 1",
        "print('x')",
        "def f():\n    return 1",
        "import os\nos.listdir('.')",
        "class A:\n    x: int",
        "raise ValueError",
        "this does not parse here",
    ],
)
def test_code_that_does_something(code: str) -> None:
    assert has_working_code(code)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the interpreter reads 3.12's grammar")
def test_the_gate_is_needed_on_this_interpreter() -> None:
    with pytest.raises(SyntaxError):
        ast.parse(NEWER_THAN_3_11[1])
