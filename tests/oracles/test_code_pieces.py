"""What of an answer is code: pieces, programs cut in pieces, offsets, hostile text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.analyzers import MAX_CODE_BYTES
from purpcode.conversation import code_blocks
from purpcode.oracles.code_pieces import (
    Piece,
    code_pieces,
    does_something,
    lay_out,
    parse_together,
    runs_to_the_end,
)

FENCE = "```{}\n{}\n```"


def pieces(answer: str, language: str = "python") -> list[Piece]:
    return code_pieces(answer, code_blocks(answer), language)


def codes(answer: str, language: str = "python") -> list[tuple[str, str, bool, bool]]:
    return [(one.code, one.language, one.asked, one.counts) for one in pieces(answer, language)]


def test_fenced_python_is_asked_and_counts() -> None:
    assert codes(FENCE.format("python", "x = f()")) == [("x = f()", "python", True, True)]


def test_python_under_another_label_is_judged_and_a_bare_call_is_no_answer() -> None:
    assert codes(FENCE.format("bash", "import os\nos.system(x)"))[0][2:] == (False, True)
    assert codes(FENCE.format("bash", "result = eval(x)"))[0][2:] == (False, False)


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("bash", "pip install flask"),
        ("bash", 'PASSWORD="changeme"'),
        ("json", '{"password": "changeme"}'),
        ("yaml", "password: changeme"),
        ("toml", '[db]\npassword = "changeme"'),
        ("text", "It listens on port 80."),
        ("sql", "SELECT name FROM users"),
    ],
)
def test_data_and_commands_beside_the_code_are_no_code(label: str, text: str) -> None:
    assert codes(FENCE.format(label, text)) == []


def test_code_of_another_programming_language_is_a_piece_that_is_no_answer() -> None:
    answer = (
        FENCE.format("java", "int x = new Random().nextInt();") + "\n" + FENCE.format("py", "f()")
    )
    assert [(one.language, one.counts) for one in pieces(answer)] == [
        ("python", True),
        ("java", False),
    ]


@pytest.mark.parametrize(("label", "wanted"), [("cpp", "c"), ("ts", "javascript"), ("", "rust")])
def test_unlabelled_and_kindred_fences_are_of_the_wanted_language(label: str, wanted: str) -> None:
    answer = FENCE.format(label, "work(a, b);")
    assert [(one.language, one.counts) for one in pieces(answer, wanted)] == [(wanted, True)]


@pytest.mark.parametrize(
    ("code", "does"),
    [
        ("// system(x);\n/* and\nmore(); */", False),
        ("#include <stdio.h>\n", False),
        ("int f(void) { return 1; }", True),
    ],
)
def test_comments_and_includes_of_another_language_do_nothing(code: str, does: bool) -> None:
    assert does_something(Piece(code, "c", asked=True)) is does


def test_notebook_is_opened_and_its_magic_commands_left_out() -> None:
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": ["# Title"]},
            {"cell_type": "code", "source": ["%matplotlib inline\n", "!ls\n", "x = f()\n"]},
            {"cell_type": "code", "source": "y = g()"},
        ]
    }
    answer = FENCE.format("json", json.dumps(notebook, indent=1))
    assert [code.strip() for code, *_ in codes(answer)] == ["x = f()", "y = g()"]


@pytest.mark.parametrize(
    "text", ['{"cells": 3}', '{"cells": [3]}', '{"cells": [{"cell_type": "code"}]}', '"cells"']
)
def test_what_only_looks_like_a_notebook_is_none(text: str) -> None:
    assert codes(FENCE.format("json", text)) == []


def test_diff_is_read_as_what_it_leaves_behind() -> None:
    diff = "--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,3 @@\n import os\n-os.listdir(x)\n+os.system(x)"
    assert codes(FENCE.format("diff", diff))[0][0] == "import os\nos.system(x)"


@pytest.mark.parametrize(
    ("loose", "surely"),
    [
        ("import os\n\n\ndef f(:\n    os.system(x)\n    return os.listdir(x)\n", True),
        ("class Reader: what reads the file\nclass Writer: what writes it\n", False),
        ("from here import goods cross the border\n", False),
        ("import os\n", False),
    ],
)
def test_loose_code_that_does_not_parse_is_told_from_prose(loose: str, surely: bool) -> None:
    answer = FENCE.format("python", "x = f()") + f"\n\nThen:\n\n{loose}"
    assert any(one.asked and "f()" not in one.code for one in pieces(answer)) is surely


def joined(*texts: str) -> str | None:
    return parse_together([Piece(text, "python", asked=True, raw=text) for text in texts])


def test_program_cut_in_blocks_is_put_together_as_it_stood() -> None:
    assert joined("def f(x):", "    return g(x)") == "def f(x):\n    return g(x)"
    assert joined("try:\n    f()\n", "except OSError:\n    g()") is not None


@pytest.mark.parametrize(
    "texts",
    [
        ("x = f(",),
        ("x = '''", "import os", "'''"),
        ("x = f'''", "{y}", "'''"),
        ("x = (", "y = ("),
        ("def f(x):",),
    ],
)
def test_blocks_that_are_no_program_stay_broken(texts: tuple[str, ...]) -> None:
    assert joined(*texts) is None


def test_offsets_of_the_parts_lead_to_the_lines_of_the_joint_text() -> None:
    own = [Piece(code, "python", asked=True) for code in ("a\nb", "c", "d\ne")]
    other = Piece("f;\n", "c", asked=False)
    joint, *alone, foreign = lay_out([*own, other], "python")
    lines = joint.code.split("\n")
    assert [lines[part.offset] for part in alone] == ["a", "c", "d"]
    assert all(part.alone for part in alone)
    assert (foreign.language, foreign.alone, foreign.offset) == ("c", False, len(lines) + 1)


def test_answer_that_ends_inside_its_code_is_recognised() -> None:
    cases = {
        "```python\nx = f(": True,
        "```python\nx = f()\n```": False,
        "```python\nx = f()\n```\nThat is": False,
        "import os\n\n\ndef f(x):\n    return os.listdir(x": True,
    }
    for answer, ends in cases.items():
        (block,) = code_blocks(answer)
        assert runs_to_the_end(block, answer) is ends, answer


_WORDS = st.sampled_from(
    ["```", "python", "\n", "import os", "def f(x):", "    ", "> ", ">>> ", "x = f(", "'''", "~~~"]
)
_TEXT = st.lists(_WORDS | st.text(max_size=5), max_size=12).map("".join)


@given(st.lists(_TEXT, max_size=5).map("\n".join), st.sampled_from(["python", "c", "go"]))
def test_any_text_is_taken_apart_without_a_fault(text: str, language: str) -> None:
    found = pieces(text, language)
    assert all(piece.code.strip() for piece in found)
    parts = lay_out(found, language)
    assert bool(parts) is bool(found)
    for part in parts:
        assert part.offset >= 0
    parse_together(found)


def test_deeply_nested_text_is_taken_apart_quickly() -> None:
    deep = "(" * MAX_CODE_BYTES
    for text in (deep, FENCE.format("bash", deep), FENCE.format("json", '{"cells":' + "[" * 9_000)):
        pieces(text)
