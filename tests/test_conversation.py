"""The reasoning format, thought trimming, repetition, and the code extractor."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.conversation import (
    answer_text,
    code_blocks,
    format_response,
    guess_language,
    loose_code,
    normalise_language,
    parse_response,
    repeated_string,
    trim_earlier_thoughts,
    trim_think,
)
from purpcode.types import Message

CODE = "import os\n\n\ndef size(path):\n    found = os.stat(path)\n\n    return found.st_size\n"
ANALYSIS = "The user wants ordinary code."
words = (
    st.text(string.ascii_letters + " .,", min_size=20)
    .map(str.strip)
    .filter(lambda text: len(text) >= 16)
)


# --- the format


@given(words, words)
def test_formatted_responses_come_apart_into_what_went_in(analysis: str, answer: str) -> None:
    response = parse_response(format_response(analysis, answer))
    assert (response.analysis, response.answer, response.problems) == (analysis, answer, ())


@given(st.text(alphabet="# \nAnalysiswer<think>/`", max_size=200))
def test_any_text_comes_apart(text: str) -> None:
    response = parse_response(text)
    assert response.answer == answer_text(text)
    assert response.answer == response.answer.strip()


@pytest.mark.parametrize(
    ("text", "analysis", "answer", "problem"),
    [
        ("Just text.", None, "Just text.", "no '## Analysis'"),
        ("## Analysis\nonly thoughts here", "only thoughts here", "", "no '## Answer'"),
        ("# Analysis\nx\n# Answer\ny", None, "# Analysis\nx\n# Answer\ny", "no '## Analysis'"),
        ("## Answer\nonly an answer", None, "## Answer\nonly an answer", "no '## Analysis'"),
        ("", None, "", "no '## Analysis'"),
    ],
)
def test_broken_formats(text: str, analysis: str | None, answer: str, problem: str) -> None:
    response = parse_response(text)
    assert (response.analysis, response.answer) == (analysis, answer)
    assert problem in " ".join(response.problems)


def test_text_before_the_analysis_is_shown_and_so_part_of_the_answer() -> None:
    response = parse_response(f"Shown first.\n## Analysis\n{ANALYSIS}\n## Answer\nShown last.")
    assert response.answer == "Shown first.\n\nShown last."
    assert response.analysis == ANALYSIS
    assert response.problems == ("there is text before '## Analysis'",)


def test_an_analysis_section_within_an_ordinary_answer_hides_nothing() -> None:
    text = "# Report\nFirst part.\n## Analysis\nSecond part."
    assert answer_text(text) == text


def test_windows_line_ends_are_read() -> None:
    text = format_response(ANALYSIS, "Here it is.").replace("\n", "\r\n")
    assert parse_response(text).problems == ()


def test_headings_in_code_comments_are_not_headings() -> None:
    answer = "Here:\n\n```python\n## Analysis\nx = 1\n## Answer\n```"
    assert parse_response(format_response(ANALYSIS, answer)).problems == ()
    assert parse_response(format_response(ANALYSIS, f"{answer}\n\n## Answer\n")).problems


# --- thoughts


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>a</think>b", "b"),
        ("\n<think>a</think>\n\n<think>c</think> b", "b"),
        ("a, as the template opened it</think>\nb", "b"),
        ("<think>never closed", ""),
        ("<think>a</think><think>never closed", ""),
        ("no thoughts", "no thoughts"),
        ("", ""),
        ("tag = '<think>'\nprint(tag)", "tag = '<think>'\nprint(tag)"),
        ("b <think>stays</think> c", "b <think>stays</think> c"),
    ],
)
def test_trim_think(text: str, left: str) -> None:
    assert trim_think(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>t</think>\n<answer>a</answer>", "a"),
        ("<think>t</think><answer>\n```python\nx = 1\n```\n</answer>\n", "```python\nx = 1\n```"),
        ("thoughts</think> <answer>a</answer>", "a"),
        ("<answer> a </answer>", "a"),
        ("<think>t</think><answer>cut off", "cut off"),
        ("<think>t</think>the tag was printed</answer>", "the tag was printed"),
        ("<think>t</think><answer>x = '<answer>'</answer>", "x = '<answer>'"),
        ("<think>t</think><answer>x = '</answer>'</answer>", "x = '</answer>'"),
        ("<think>t</think>x = '<answer>1</answer>'", "x = '<answer>1</answer>'"),
        ("<think>t</think>XML: <answer>1</answer>", "XML: <answer>1</answer>"),
        ("<think>t</think><answer>a</answer> or <answer>b</answer>",) * 2,
        ("<answer>opened only", "<answer>opened only"),
        ("x = '<answer>'", "x = '<answer>'"),
        ("y</answer>", "y</answer>"),
    ],
)
def test_answer_tags_around_the_answer_go_and_those_in_it_stay(text: str, left: str) -> None:
    if text == left and text.startswith("<think>"):
        left = text.removeprefix("<think>t</think>")
    assert trim_think(text) == left
    assert answer_text(text) == left


@given(st.text(alphabet="cd \n'=", max_size=30))
def test_tags_around_any_answer_go(answer: str) -> None:
    for text in (f"<think>t</think><answer>{answer}</answer>", f"<answer>{answer}</answer>"):
        assert trim_think(text) == answer.strip()


def test_code_in_answer_tags_is_found() -> None:
    answer = answer_text("<think>It adds.</think><answer>```python\nx = 1 + 1\n```</answer>")
    assert [block.code for block in code_blocks(answer)] == ["x = 1 + 1\n"]


def test_think_tags_in_the_answer_take_nothing_away() -> None:
    for shown in ("x = '</think>' + secret", "<think>shown</think> and more", "x = '<think>' + y"):
        assert answer_text(format_response(ANALYSIS, shown)) == shown


@given(st.text(alphabet="ab \n", max_size=30), st.text(alphabet="cd \n", max_size=30))
def test_leading_thoughts_go_whatever_they_are(thoughts: str, answer: str) -> None:
    assert trim_think(f"<think>{thoughts}</think>{answer}") == answer.lstrip()


@given(st.text(max_size=100))
def test_text_without_tags_stays(text: str) -> None:
    if "think>" not in text and "answer>" not in text:
        assert trim_think(text) == text


def test_only_assistant_turns_lose_their_thoughts() -> None:
    reply = format_response(ANALYSIS, "Here it is.")
    turns = [Message(role=role, content=reply) for role in ("system", "user", "assistant")]
    trimmed = trim_earlier_thoughts(turns)
    assert [turn.content for turn in trimmed] == [reply, reply, "Here it is."]


# --- repetition


def test_repetition_needs_length_times_and_something_printed() -> None:
    piece = "exactly thirty-two characters...."[:32]
    assert repeated_string(piece * 8) is not None
    assert repeated_string(piece * 7) is None
    assert repeated_string(" " * 32 * 20) is None
    assert repeated_string("ab" * 128) is not None
    assert repeated_string("".join(f"{n}:{piece}" for n in range(8))) is not None


@given(st.text(alphabet="ab", min_size=3, max_size=3), st.integers(2, 5), st.text(max_size=20))
def test_found_repetition_occurs_that_often(piece: str, times: int, rest: str) -> None:
    text = rest + piece * times + rest
    found = repeated_string(text, chars=3, times=times)
    assert found is not None
    assert len(found) == 3
    assert text.count(found) >= times


# --- languages


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("python", "python"),
        ("Python3.12", "python"),
        ("py title=x.py", "python"),
        ("python,linenos", "python"),
        ("{.python .numberLines}", "python"),
        ("```", None),
        ("", None),
        ("C++", "cpp"),
        ("sh", "bash"),
        ("cobol", "cobol"),
        ("python:main.py", "python"),
    ],
)
def test_info_strings(info: str, language: str | None) -> None:
    assert normalise_language(info) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (CODE, "python"),
        ("x = 1\nprint(x)", "python"),
        ("def one_line(x): return x", "python"),
        ("def long(\n    x,\n):\n    return x", "python"),
        ('import os\npage = """\nfunction go() {}\nstd::string\n"""', "python"),
        ("#include <stdio.h>\nint main(void) { return 0; }", "c"),
        ("const x = 1;\nfunction go() {}", "javascript"),
        ("pip install example", "bash"),
        ("<?php echo 1;", "php"),
        ("A sentence about classes of problems:", None),
        ("You should import the module.", None),
        ("", None),
    ],
)
def test_guessed_languages(text: str, language: str | None) -> None:
    assert guess_language(text) == language


# --- code blocks


@pytest.mark.parametrize(
    "answer",
    [
        f"Text\n\n```python\n{CODE}```\nmore",
        f"Text\n```python\n{CODE}```\nmore",
        f"~~~py\n{CODE}~~~",
        f"````python\n{CODE}````",
        f"```\n{CODE}```",
        f"```text\n{CODE}```",
        f"````markdown\n# Title\n```python\n{CODE}```\n````",
        f"````\n```python\n{CODE}```\n````",
        "1. Do\n\n   ```python\n" + "".join(f"   {li}\n" for li in CODE.splitlines()) + "   ```\n",
        "> ```python\n" + "".join(f"> {line}\n" for line in CODE.splitlines()) + "> ```\n",
        f"<details>\n```python\n{CODE}```\n</details>",
        f"<details><summary>x</summary>\n\n```python\n{CODE}```\n\n</details>",
        f"```python\r\n{CODE}```".replace("\n", "\r\n").replace("\r\r", "\r"),
        "Indented:\n\n" + "".join(f"    {line}\n" for line in CODE.splitlines()),
        f"<pre><code class='language-python'>\n{CODE}</code></pre>",
        CODE,
        "Here it is:\n" + CODE,
        "Here it is:\n\n" + CODE + "\nThat is all.",
    ],
)
def test_the_same_code_is_found_in_every_dress(answer: str) -> None:
    [block] = code_blocks(answer)
    lines = [line.strip() for line in block.code.splitlines() if line.strip()]
    assert lines == [line.strip() for line in CODE.splitlines() if line.strip()]
    assert block.language == "python"
    assert block.closed


def test_unclosed_fence_reaches_to_the_end_and_says_so() -> None:
    for answer in (f"```python\n{CODE}", f"> ```python\n> {CODE}", "```python", f"~~~\n{CODE}```"):
        assert [block.closed for block in code_blocks(answer)] == [False]


def test_markdown_fence_closed_by_its_inner_fence_still_gives_the_code() -> None:
    [block] = code_blocks(f"```markdown\nText\n```python\n{CODE}```\n```")[:1]
    assert "def size" in block.code
    assert block.language == "python"


def test_blocks_come_in_order_with_their_languages() -> None:
    answer = "```bash\nls\n```\n```python\nx = 1\n```\n\n```json\n{}\n```"
    assert [block.language for block in code_blocks(answer)] == ["bash", "python", "json"]


def test_empty_fences_are_blocks_without_code() -> None:
    assert [block.code for block in code_blocks("```python\n```")] == [""]


@pytest.mark.parametrize(
    "prose",
    [
        "You should use a parametrised query.",
        "I can't help with that.",
        "Steps:\n\n1. Open the file.\n2. Read it.\n",
        "The class of problems:\n\n- one\n- two",
        "Use `eval(x)` never.",
        "",
        "   \n\n",
    ],
)
def test_prose_has_no_code(prose: str) -> None:
    assert code_blocks(prose) == []
    assert loose_code(prose) == []


def test_code_beside_a_fence_is_loose_and_prose_is_not() -> None:
    answer = f"First.\n\n```python\nx = 1\n```\n\n{CODE}\nThat is all."
    assert [block.code for block in code_blocks(answer)] == ["x = 1\n"]
    assert [block.code for block in loose_code(answer)] == [CODE]


def test_indented_and_preformatted_code_beside_a_fence_is_loose() -> None:
    fence = "```python\nx = 1\n```\n\n"
    assert "eval" in loose_code(fence + "Then:\n\n    y = eval(x)\n")[0].code
    assert "eval" in loose_code(fence + "<pre>\ny = eval(x &gt; 1)\n</pre>")[0].code


def test_bare_answers_leave_nothing_loose() -> None:
    assert loose_code(CODE) == []


def test_loose_pieces_around_a_fence_stay_apart() -> None:
    answer = "import os\n```python\nx = 1\n```\nimport sys\n"
    assert [block.code for block in loose_code(answer)] == ["import os\n", "import sys\n"]


@given(
    st.lists(st.sampled_from(CODE.splitlines()), min_size=1),
    st.sampled_from(["`", "~"]),
    st.integers(3, 6),
)
def test_fenced_lines_come_back_as_they_were(lines: list[str], char: str, width: int) -> None:
    code = "\n".join(lines) + "\n"
    fence = char * width
    [block] = code_blocks(f"Text\n{fence}python\n{code}{fence}\nText")
    assert (block.code, block.closed, block.kind) == (code, True, "fenced")


@given(st.text(max_size=300) | st.text(alphabet="`~> \n-pyx=#<pre/>()", max_size=300))
def test_any_text_gives_blocks_without_failing(text: str) -> None:
    for block in [*code_blocks(text), *loose_code(text)]:
        assert isinstance(block.code, str)


@pytest.mark.parametrize(
    "hostile",
    [
        "\n" * 100_000,
        " " * 100_000,
        ">" * 20_000,
        "- " * 10_000,
        "```\n" * 20_000,
        "`" * 100_000,
        "<pre" * 25_000,
        "<pre>" * 20_000,
        "def f(" + ")" * 100_000,
        "def f(" * 10_000,
        "class a" * 10_000,
        "if " + ":" * 100_000,
        "f(" + ")" * 100_000 + "x",
        "import a" + ", a" * 30_000 + "!",
        "\n".join("`" * n + "text" for n in range(400, 3, -1)),
        "[" * 50_000,
        "a" * 100_000,
        "<think>" * 15_000,
        "## Analysis\n" * 10_000,
    ],
    ids=lambda text: f"{text[:12]!r}x{len(text)}",
)
def test_hostile_text_is_read_in_time(hostile: str) -> None:
    started = time.process_time()
    answer = answer_text(hostile)
    code_blocks(answer)
    loose_code(answer)
    repeated_string(hostile)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "loose",
    [
        "> import os\n> os.system(name)",
        ">>> import os\n>>> os.system(name)",
        ">>> import os\n... os.system(name)",
        "\u200bimport os\nos.\u200bsystem(name)",
    ],
)
def test_quoted_prompted_and_invisibly_marked_code_beside_a_fence_is_found(loose: str) -> None:
    found = loose_code(f"```python\nx = 1\n```\n\n{loose}\n")
    assert [block.code for block in found] == ["import os\nos.system(name)\n"]
