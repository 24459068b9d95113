"""Suppression comments are blanked out; strings never are."""

from __future__ import annotations

import io
import time
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.analyzers.suppressions import comment_spans, strip_suppressions

MARKERS = [
    "nosec",
    "nosec B602",
    "noqa",
    "NOQA: S602",
    "ruff: noqa",
    "ruff: disable[S602]",
    "flake8: noqa",
    "nosemgrep",
    "nosem: some.rule",
    "pyre-ignore[7]",
    "pyre-fixme",
    "type: ignore[attr-defined]",
    "pyright: ignore",
    "mypy: ignore-errors",
    "pragma: no cover",
    "pragma: allowlist secret",
    "pylint: disable=eval-used",
    "lgtm[py/x]",
    "codeql[py/x]",
    "noinspection PyX",
    "NOSONAR",
    "skipcq: X",
]
FRAGMENTS = [
    "x",
    "f",
    "rb",
    "f'{x}'",
    "f'{x:>{w}}'",
    "f'{{#}}'",
    'f"{d[1]!r:#x}"',
    "'#'",
    '"# nosec"',
    "'''\n# nosec\n'''",
    'r"\\"',
    "'\\''",
    "# nosec",
    "#",
    "\n",
    " ",
    "(",
    ")",
    "=",
    "\\\n",
]


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize("before", ["x = 1  # ", "#", "# why: "])
def test_marker_is_gone_and_places_are_kept(marker: str, before: str) -> None:
    code = f"y = 0\n{before}{marker}\nz = '# {marker}'\n"
    stripped = strip_suppressions(code)
    word = marker.split()[0].split(":")[0].split("[")[0]
    assert word.lower() not in stripped.split("\n")[1].lower()
    assert [len(line) for line in stripped.split("\n")] == [len(line) for line in code.split("\n")]
    assert stripped.split("\n")[2] == f"z = '# {marker}'"


@pytest.mark.parametrize(
    "code",
    [
        "x = '# nosec'",
        'x = """\n# nosec\n"""',
        "x = f'# nosec {y}'",
        'x = f"{d["# nosec"]}"',
        "x = f'{y:# nosec}'",
        "x = f'{f\"{z}# nosec\"}'",
        "x = rb'\\# nosec'",
        "x = f'\\N{NUMBER SIGN} # nosec'",
        "x = f'{{# nosec}}'",
    ],
)
def test_strings_are_never_touched(code: str) -> None:
    assert strip_suppressions(code) == code


def test_comment_after_a_format_string_is_found() -> None:
    code = "x = f'{a!r:>{width}}' + f'{ {1: 2}[1] }'  # nosec"
    assert strip_suppressions(code).rstrip().endswith("#")


def test_comment_inside_a_replacement_field_is_found() -> None:
    assert "nosec" not in strip_suppressions("x = f'''{\n  y  # nosec\n}'''")


@pytest.mark.parametrize("code", ["x = '", "f'{", "f'''{x:", "'''", "f(", "#", "\\", "f'\\"])
def test_broken_text_does_not_fail(code: str) -> None:
    assert strip_suppressions(code) == code


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map(" ".join))
def test_comments_are_those_of_the_tokenizer(code: str) -> None:
    """Where `tokenize` reads a text to its end, both see the same comments."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return
    if any(token.type == tokenize.ERRORTOKEN for token in tokens):
        return
    theirs = [token.string for token in tokens if token.type == tokenize.COMMENT]
    assert [code[start:stop] for start, stop in comment_spans(code)] == theirs


@given(st.text("ft'\"{}#:\\\n nosec()[]", max_size=200))
def test_any_text_keeps_its_length_and_lines(code: str) -> None:
    stripped = strip_suppressions(code)
    assert len(stripped) == len(code)
    assert [at for at, char in enumerate(stripped) if char == "\n"] == [
        at for at, char in enumerate(code) if char == "\n"
    ]


@given(st.text(max_size=200))
def test_stripping_twice_changes_nothing_more(code: str) -> None:
    once = strip_suppressions(code)
    assert strip_suppressions(once) == once


FOREIGN_MARKERS = [
    *("nosemgrep", "nosem: rule", "NOLINT", "NOLINTNEXTLINE(x)", "NOSONAR", "nosec G101"),
    *("lgtm[cpp/x]", "codeql[js/x]", "eslint-disable-next-line x", "@ts-ignore"),
    *("cppcheck-suppress x", "Flawfinder: ignore", "phpcs:ignore", "coverity[x]", "noinspection X"),
]
C_FAMILY = ["c", "cpp", "csharp", "go", "java", "javascript", "php", "rust", "typescript", "kotlin"]
C_FRAGMENTS = [
    *("x", "'", '"', "`", "\\", "\n", "\r\n", "//", "/*", "*/", "#", " ", "'a'", "1'000", "<'a>"),
    *("// nosemgrep", "/* NOLINT */", "# nosec", '"// nosemgrep"', "/* flake8\n: noqa */"),
]


@pytest.mark.parametrize("language", C_FAMILY)
@pytest.mark.parametrize("marker", FOREIGN_MARKERS)
def test_marker_in_a_comment_of_another_language_is_gone(marker: str, language: str) -> None:
    code = f'a = "// {marker}"; // why {marker}\n/* {marker}\n {marker} */ b();\n'
    stripped = strip_suppressions(code, language)
    assert stripped.startswith(f'a = "// {marker}"; //')
    assert stripped.endswith(" b();\n")
    word = marker.split()[0].split(":")[0].split("[")[0].split("(")[0].lower()
    assert stripped.lower().count(word) == 1  # in the string
    assert [len(line) for line in stripped.split("\n")] == [len(line) for line in code.split("\n")]


@pytest.mark.parametrize("language", ["php", "ruby", "bash"])
def test_hash_comments_are_comments_where_they_are(language: str) -> None:
    assert "nosem" not in strip_suppressions("f($x); # nosemgrep", language)
    assert strip_suppressions("'# nosemgrep'", language) == "'# nosemgrep'"


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("rust", "fn f<'a>(x: &'a str) {} // nosemgrep"),
        ("cpp", "int x = 1'000; // NOLINT"),
        ("javascript", "let s = 'it\\'s'; // nosemgrep"),
        ("go", "s := `\n'` // nosec"),
        ("c", "char c = '\"'; // NOLINT"),
    ],
)
def test_quotes_that_open_no_string_do_not_hide_a_comment(language: str, code: str) -> None:
    assert strip_suppressions(code, language).rstrip().endswith("//")


@given(
    st.lists(st.sampled_from(C_FRAGMENTS), max_size=14).map("".join),
    st.sampled_from([*C_FAMILY, "ruby", "bash", "unknown"]),
)
def test_any_text_of_any_language_keeps_its_lines_and_columns(code: str, language: str) -> None:
    stripped = strip_suppressions(code, language)
    assert [len(line) for line in stripped.split("\n")] == [len(line) for line in code.split("\n")]
    assert [at for at, char in enumerate(stripped) if char in "\r\n"] == [
        at for at, char in enumerate(code) if char in "\r\n"
    ]
    assert strip_suppressions(stripped, language) == stripped


@pytest.mark.parametrize("unit", ["\\`", "`\\`", '\\"', "/*", "/", "'", '"\\', "`", "#"])
def test_hostile_text_is_read_in_linear_time(unit: str) -> None:
    hostile = "`" + unit * (64 * 1024 // len(unit))
    started = time.process_time()
    for language in ("c", "php", "rust", "ruby", "python"):
        strip_suppressions(hostile, language)
    assert time.process_time() - started < 5
