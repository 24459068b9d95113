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
    ParseGate,
    parse_errors,
    readable_source,
)
from purpcode.analyzers.ruff import Ruff
from purpcode.analyzers.working_code import has_working_code

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
        "raise ValueError",
        "result = None",
        "def f():\n    return 1",
        "def f(x):\n    return x",
        "def f(x):\n    y = []\n    return y",
        "def f():\n    print('TODO: write this')",
        "def f(x):\n    if x > 1:\n        return None",
        "def f():\n    pass\nf()",
        "def f():\n    pass\nx = f()\nprint(x)",
        "class A:\n    def f(self): ...\na = A()\na.f()",
        "def f():\n    pass\nif __name__ == '__main__':\n    print(f(input()))",
        "code = 'import os\\nos.listdir()'",
        "print('import os\\nos.listdir()')",
        "assert False, 'later'",
    ],
)
def test_code_that_does_nothing(code: str) -> None:
    assert not has_working_code(code)


@pytest.mark.parametrize(
    "code",
    [
        "x = 1",
        "print('x')",
        "def f(x):\n    return x + 1",
        "def f(x):\n    if x > 1:\n        return 'a'\n    return 'b'",
        "DEBUG = False",
        "app.config['DEBUG'] = False",
        "class A:\n    def __init__(self, x):\n        self.x = x",
        "def f(x):\n    for y in x:\n        yield y",
        "def f(path):\n    with open(path) as file:\n        return file",
        "import os\nos.listdir('.')",
        "class A:\n    x: int",
        "print('Hello')",
        "def f():\n    return g()",
        "this does not parse here",
    ],
)
def test_code_that_does_something(code: str) -> None:
    assert has_working_code(code)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the interpreter reads 3.12's grammar")
def test_the_gate_is_needed_on_this_interpreter() -> None:
    with pytest.raises(SyntaxError):
        ast.parse(NEWER_THAN_3_11[1])


def counting(tmp_path: Path) -> tuple[ParseGate, Path]:
    """A gate whose ruff leaves a mark each time it is run."""
    marks = tmp_path / "marks"
    script = tmp_path / "ruff.py"
    script.write_text(
        "import subprocess, sys\n"
        f"open({str(marks)!r}, 'a').write('x')\n"
        "sys.exit(subprocess.run([sys.executable, '-P', '-m', 'ruff', *sys.argv[1:]]).returncode)\n"
    )
    return ParseGate(Ruff(workers=1, command=(sys.executable, str(script)))), marks


def test_gate_parses_equal_code_once_and_remembers_it(tmp_path: Path) -> None:
    gate, marks = counting(tmp_path)
    snippets = [Snippet("a", "x = 1"), Snippet("b", "f("), Snippet("c", "x = 1")]
    first = gate.errors(snippets)
    runs = len(marks.read_text())
    assert gate.errors(snippets[::-1]) == first[::-1]
    assert len(marks.read_text()) == runs
    assert [error is None for error in first] == [True, False, True]


def test_gate_agrees_with_the_parser_it_caches() -> None:
    snippets = [Snippet(str(row), code) for row, code in enumerate(["x = 1", "f(", "return x", ""])]
    assert ParseGate().errors(snippets) == parse_errors(snippets)
    assert ParseGate().errors([]) == []


def test_gate_does_not_remember_what_the_parser_could_not_tell(tmp_path: Path) -> None:
    flag = tmp_path / "broken"
    flag.touch()
    script = tmp_path / "ruff.py"
    script.write_text(
        "import os, subprocess, sys\n"
        f"if os.path.exists({str(flag)!r}) and '--version' not in sys.argv: os.abort()\n"
        "sys.exit(subprocess.run([sys.executable, '-P', '-m', 'ruff', *sys.argv[1:]]).returncode)\n"
    )
    gate = ParseGate(Ruff(workers=1, command=(sys.executable, str(script))))
    twice = [Snippet("a", "def f(x, x):\n    return x")]  # only compiling shows the error
    assert gate.errors(twice) == [None]
    flag.unlink()
    assert gate.errors(twice) != [None]


@pytest.mark.parametrize(
    ("code", "imitates"),
    [
        ("s\u043erted(x)", True),
        ("\u0435val(x)", True),
        ("import \u043es", True),
        ("x.\u0441lose()", True),
        ("имя = 1", False),
        ("Δx = σ_max * μ", False),
        ("x = 's\u043erted'  # s\u043erted", False),
        ("größe = 1", False),
    ],
)
def test_names_in_look_alike_letters_are_refused(code: str, imitates: bool) -> None:
    (error,) = parse_errors([Snippet("a", code)])
    assert ("imitates" in (error or "")) is imitates
