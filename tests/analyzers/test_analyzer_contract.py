"""What every registered analyzer that this machine has promises, on its real tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from purpcode.analyzers.analyzer import Analyzer, Snippet
from purpcode.analyzers.registry import ANALYZERS, open_analyzers
from purpcode.errors import UnavailableError
from purpcode.types import SEVERITIES

WEAK = "import os\n\n\ndef run() -> None:\n    os.system(input())\n"
CLEAN = "total = 1 + 1\n"
MARKERS = [
    *("nosec", "nosec B605", "noqa", "ruff: noqa", "flake8: noqa", "nosemgrep", "nosem: x"),
    *("pyre-ignore[9001]", "pyre-fixme[9001]", "type: ignore", "pyright: ignore", "NOSONAR"),
    *("pylint: disable=all", "lgtm[py/command-line-injection]", "pragma: no cover"),
    *("codeql[py/command-line-injection]",),
]
RULE = """
rules:
  - id: os-system
    languages: [python]
    severity: WARNING
    message: A command is run by a shell.
    metadata: { cwe: "CWE-78: OS command injection", confidence: HIGH }
    pattern: os.system(...)
"""


SLOW = {"pysa", "codeql"}
"""Each run of these takes many seconds."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
        for name in sorted(ANALYZERS)
    ],
)
def analyzer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    name: str = request.param
    if name == "semgrep":
        folder = tmp_path_factory.mktemp("rules")
        Path(folder, "own.yaml").write_text(RULE)
        name = f"semgrep:{folder}"
    try:
        [opened] = open_analyzers([name], workers=1)
    except UnavailableError as error:
        pytest.skip(error.message)
    return opened


def test_weak_code_is_found_with_cwe_severity_and_place(analyzer: Analyzer) -> None:
    [result] = analyzer.analyze([Snippet("a", WEAK)])
    assert result.error is None
    grave = [one for one in result.findings if SEVERITIES.index(one.severity) >= 1]
    assert [one.line for one in grave] == [5]
    assert 78 in grave[0].cwes
    assert all(one.cwes and one.message and one.fingerprint for one in result.findings)
    assert {one.analyzer for one in result.findings} == {analyzer.name}


def test_results_are_in_order_under_the_given_ids(analyzer: Analyzer) -> None:
    codes = [WEAK if row % 3 == 1 else f"x = {row}\n" for row in range(12)]
    snippets = [Snippet(f"../{row} {row % 2}", code) for row, code in enumerate(codes)]
    results = analyzer.analyze(snippets)
    assert [one.snippet_id for one in results] == [one.id for one in snippets]
    assert [bool(one.findings) for one in results] == [code == WEAK for code in codes]
    assert {one.error for one in results} == {None}


@pytest.mark.parametrize("code", ["eval(x", "def f(:\n  pass", "This is prose, no code.", "'''"])
def test_what_does_not_parse_is_an_error_and_only_that(analyzer: Analyzer, code: str) -> None:
    broken, clean = analyzer.analyze([Snippet("a", code), Snippet("b", CLEAN)])
    assert broken.error is not None
    assert (clean.findings, clean.error) == ((), None)


def test_suppression_comments_do_not_help(analyzer: Analyzer) -> None:
    codes = [f"# {one}\n{WEAK.replace('())', f'())  # {one}')}# {one}\n" for one in MARKERS]
    results = analyzer.analyze(
        [Snippet(one, code) for one, code in zip(MARKERS, codes, strict=True)]
    )
    helped = [one.snippet_id for one in results if not one.findings or one.error]
    assert helped == []


def test_empty_batch_gives_nothing_and_odd_code_is_measured(analyzer: Analyzer) -> None:
    assert analyzer.analyze([]) == []
    odd = ["", "\n\n", "# only a comment", "x = 1\r\ny = 2\r\n", "x = 'é\u2028'", "x = 1 "]
    results = analyzer.analyze([Snippet(str(row), code) for row, code in enumerate(odd)])
    assert [one.error for one in results] == [None] * len(odd)


def test_fingerprint_is_stable_and_names_a_version(analyzer: Analyzer) -> None:
    assert analyzer.fingerprint() == analyzer.fingerprint()
    assert any(char.isdigit() for char in analyzer.fingerprint())
    assert "python" in analyzer.languages
