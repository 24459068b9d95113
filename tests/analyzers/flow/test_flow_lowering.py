"""The lowering against CPython's own parser, and the newest grammar on any interpreter."""
# ruff: noqa: E501 (one program a line reads better than many broken strings)

from __future__ import annotations

import ast
import contextlib
import random
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.analyzers.flow.findings import find_weaknesses
from purpcode.analyzers.flow.lowering import lower
from purpcode.analyzers.flow.source import parse_python


def _library_files(count: int) -> list[Path]:
    folder = Path(sysconfig.get_path("stdlib"))
    files = sorted(one for one in folder.glob("*.py") if one.stat().st_size < 40_000)
    return random.Random(0).sample(files, min(count, len(files)))


@pytest.mark.parametrize("path", _library_files(25), ids=lambda path: path.name)
def test_lowering_gives_the_tree_that_cpython_gives(path: Path) -> None:
    text = path.read_text("utf-8")
    lowered = lower(text)
    assert ast.dump(lowered) == ast.dump(ast.parse(text))
    compile(ast.fix_missing_locations(lowered), str(path), "exec")


GRAMMAR = [
    "match x:\n    case {'a': [1, *r], **k} if k: pass\n    case P(1, a=2) | None: pass\n    case _: pass\n",
    "x = f'{a!r:>{w}} {b = } {{c}}' 'd' rf'\\n{e}'\n",
    "with (open(a) as f, open(b)): pass\nasync def g():\n    async with c as d: await e\n",
    "def f(a, /, b=1, *c, d, e=2, **g) -> int: return lambda *x, y=1: (yield)\n",
    "try:\n    pass\nexcept* (A, B) as e:\n    raise X from e\nelse:\n    pass\nfinally:\n    del a, b[0]\n",
    "x[1:2, ::3] = *a, b = c = [i async for i in d if e if f]\n",
    "a < b <= c is not d not in e\nnot (a and b or c and (d and e))\n",
    "@d.e(1)\nclass C(A, metaclass=M, **k):\n    x: int = 1\n    y: str\n",
    "from ..a.b import (c as d, e)\nfrom . import *\nimport x.y as z, w\n",
    "if (n := 10) > 5: pass\nelif b: pass\nelse: pass\n",
    "x = b'a' b'b'\ny = 0x1F + 1_000 + 1.5e3 + 2j + ...\nz = not -+~a ** -b\n",
]


@pytest.mark.parametrize("text", GRAMMAR)
def test_lowering_reads_every_kind_of_statement(text: str) -> None:
    assert ast.dump(lower(text)) == ast.dump(ast.parse(text))


NEWER = {
    "type parameters": "def f[T: int](a: T) -> T:\n    return a\n",
    "type aliases": "type Pair[T] = tuple[T, T]\n",
    "nested quotes": "def f(d):\n    return f'{d['a']} {', '.join(d)}'\n",
    "unparenthesised exceptions": "try:\n    pass\nexcept A, B:\n    pass\n",
    "template strings": "def f(x):\n    return t'<b>{x}</b>'\n",
}


@pytest.mark.parametrize("text", NEWER.values(), ids=NEWER)
def test_the_newest_grammar_is_read_by_any_interpreter(text: str) -> None:
    compile(ast.fix_missing_locations(parse_python(text)), "<snippet>", "exec")


def test_weaknesses_are_found_at_their_line_in_the_newest_grammar() -> None:
    text = "import os\n\ndef run[T](d: T):\n    os.system(f'ls {d['a']}')\n"
    assert [(one.rule_id, one.line) for one in find_weaknesses(text)] == [("command-injection", 4)]


@pytest.mark.parametrize("text", ["def f(:", "x = ", "  x = 1", "a\0b", "print 'x'", "f'{'"])
def test_what_is_not_python_is_a_syntax_error(text: str) -> None:
    with pytest.raises(SyntaxError):
        parse_python(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(SyntaxError):
        parse_python(text)
