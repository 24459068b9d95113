"""Both analyzers on real tools, and on fake ones for the ways in which a tool fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from purpcode.analyzers.analyzer import Analyzer, Snippet
from purpcode.analyzers.bandit import Bandit
from purpcode.analyzers.ruff import Ruff
from purpcode.errors import UnavailableError

SHELL = "import subprocess\nsubprocess.run(command, shell=True)"
CLEAN = "total = 1 + 1"
POISON = "+".join(["1"] * 10_000)
BOTH = [pytest.param(Bandit, id="bandit"), pytest.param(Ruff, id="ruff")]


def snippets(*codes: str) -> list[Snippet]:
    return [Snippet(f"id {row}/../x", code) for row, code in enumerate(codes)]


def fake(tmp_path: Path, body: str) -> tuple[str, ...]:
    script = tmp_path / "fake_tool.py"
    script.write_text("import json, os, sys, time\nfrom pathlib import Path\n" + body)
    return (sys.executable, str(script))


@pytest.mark.parametrize("tool", BOTH)
def test_finds_a_shell_injection_with_its_cwe(tool: type[Bandit] | type[Ruff]) -> None:
    weak, clean = tool(workers=1).analyze(snippets(SHELL, CLEAN))
    grave = [finding for finding in weak.findings if finding.severity == "high"]
    assert [(finding.rule_id[1:], finding.cwes, finding.line) for finding in grave] == [
        ("602", (78,), 2)
    ]
    assert weak.error is None
    assert (clean.findings, clean.error) == ((), None)


@pytest.mark.parametrize("tool", BOTH)
@pytest.mark.parametrize(
    "comment", ["# nosec", "# noqa", "#noqa:S307,S602", "# ruff: noqa", "# flake8: noqa"]
)
def test_suppression_comments_do_not_work(tool: type[Bandit] | type[Ruff], comment: str) -> None:
    [result] = tool(workers=1).analyze(snippets(f"{comment}\nx = eval(y)  {comment}"))
    assert [finding.rule_id[1:] for finding in result.findings] == ["307"]


@pytest.mark.parametrize("tool", BOTH)
def test_code_that_does_not_parse_is_an_error_not_clean(tool: type[Bandit] | type[Ruff]) -> None:
    broken, clean = tool(workers=1).analyze(snippets("eval(x", CLEAN))
    assert broken.error is not None
    assert clean.error is None


@pytest.mark.parametrize("tool", BOTH)
def test_poison_snippet_is_the_only_error_of_its_batch(tool: type[Bandit] | type[Ruff]) -> None:
    results = tool(workers=1).analyze(snippets(SHELL, CLEAN, POISON, CLEAN, SHELL))
    assert [result.error is not None for result in results] == [False, False, True, False, False]
    assert results[0].findings
    assert results[4].findings


@pytest.mark.parametrize("tool", BOTH)
def test_empty_and_odd_snippets_get_a_result_each(tool: type[Bandit] | type[Ruff]) -> None:
    odd = snippets("", "  \n\t", "# only", "x = 1\r\ny = 2\r\n", "\ufeffx = 1", "x = 'é\u2028'")
    results = tool(workers=1).analyze(odd)
    assert [result.snippet_id for result in results] == [snippet.id for snippet in odd]
    assert [result.error for result in results] == [None] * len(odd)


@pytest.mark.parametrize("tool", BOTH)
def test_lone_surrogates_leave_the_others_measured(tool: type[Bandit] | type[Ruff]) -> None:
    bad, good = tool(workers=1).analyze(snippets("x = '\ud800'", CLEAN))
    assert bad.error is not None
    assert good.error is None


@pytest.mark.parametrize("tool", BOTH)
def test_empty_batch_runs_nothing(tool: type[Bandit] | type[Ruff]) -> None:
    assert tool(command=("/nonexistent/tool",)).analyze([]) == []


@pytest.mark.parametrize("tool", BOTH)
@pytest.mark.parametrize(
    "body",
    [
        "sys.exit(3)",
        "os.abort()",
        "",
        "print('not json')",
        "print('{}')",
        "print('[1, 2]')",
        "print('null')",
        "print('[]')",
        "print(json.dumps({'results': [], 'errors': [], 'metrics': {}}))",
    ],
)
def test_broken_tool_leaves_every_snippet_an_error(
    tool: type[Bandit] | type[Ruff], body: str, tmp_path: Path
) -> None:
    results = tool(workers=1, command=fake(tmp_path, body)).analyze(snippets(CLEAN, SHELL, CLEAN))
    assert all(result.error is not None for result in results)


def test_hanging_tool_is_stopped_at_the_deadline(tmp_path: Path) -> None:
    slow = Ruff(workers=1, timeout_s=0.3, command=fake(tmp_path, "time.sleep(60)"))
    assert [result.error for result in slow.analyze(snippets(CLEAN))] == ["no result within 0.3 s"]


def test_crash_on_some_snippets_leaves_exactly_those_unmeasured(tmp_path: Path) -> None:
    body = f"""
folder = Path(sys.argv[-1])
if any("CRASH" in path.read_text() for path in folder.iterdir()):
    os.abort()
os.execv({sys.executable!r}, [{sys.executable!r}, "-m", "bandit", *sys.argv[1:]])
"""
    codes = [CLEAN, "CRASH = 1", SHELL, CLEAN, CLEAN, "CRASH = 2", CLEAN]
    results = Bandit(workers=1, command=fake(tmp_path, body)).analyze(snippets(*codes))
    assert [result.error is not None for result in results] == ["CRASH" in code for code in codes]
    assert results[2].findings


def test_crashed_bandit_rule_leaves_its_snippet_unmeasured(tmp_path: Path) -> None:
    # bandit only logs a rule that raises, and would report the file as clean.
    body = """
from bandit.core.test_set import BanditTestSet
inner = BanditTestSet.get_tests
def boom(context):
    raise ValueError("boom")
boom._test_id = "B999"
BanditTestSet.get_tests = lambda self, kind: [*inner(self, kind), *[boom] * (kind == "Call")]
from bandit.cli.main import main
main()
"""
    crashed, fine = Bandit(workers=1, command=fake(tmp_path, body)).analyze(
        snippets("print(1)", CLEAN)
    )
    assert crashed.error == "a rule of bandit crashed"
    assert fine.error is None


def test_file_that_ruff_did_not_look_at_is_an_error(tmp_path: Path) -> None:
    body = f"""
if "--version" in sys.argv:
    print("ruff 0"); sys.exit()
Path(sys.argv[-1], "s00000.py").unlink()
os.execv({sys.executable!r}, [{sys.executable!r}, "-m", "ruff", *sys.argv[1:]])
"""
    results = Ruff(workers=1, command=fake(tmp_path, body)).analyze(snippets(SHELL, CLEAN))
    assert [result.error for result in results] == ["the file was not scanned", None]


def test_tools_get_neither_secrets_nor_settings_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "environment.json"
    monkeypatch.setenv("API_TOKEN", "secret")
    monkeypatch.setenv("RUFF_OUTPUT_FILE", str(tmp_path / "elsewhere"))
    body = f"Path({str(seen)!r}).write_text(json.dumps(dict(os.environ)))\nprint('[]')"
    Ruff(workers=1, command=fake(tmp_path, body)).analyze(snippets(CLEAN))
    assert not {"API_TOKEN", "RUFF_OUTPUT_FILE"} & json.loads(seen.read_text()).keys()


def test_configuration_files_around_the_code_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ruff.lint]\nignore = ['S']\n")
    (tmp_path / ".bandit").write_text("[bandit]\nskips = B602\n")
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / "bandit.py").write_text("raise SystemExit('shadowed')\n")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    analyzers: list[Analyzer] = [Bandit(workers=1), Ruff(workers=1)]
    for analyzer in analyzers:
        [result] = analyzer.analyze(snippets(SHELL))
        assert any(finding.severity == "high" for finding in result.findings), analyzer.name
    assert not list(tmp_path.glob("purpcode-*"))


def test_fingerprint_of_a_finding_survives_line_moves() -> None:
    moved = "x = 1\n\n\n" + SHELL.replace("run(command", "run( command")
    for analyzer in (Bandit(workers=1), Ruff(workers=1)):
        here, there = analyzer.analyze(snippets(SHELL, moved))
        assert {one.fingerprint for one in here.findings} == {
            one.fingerprint for one in there.findings
        }


def test_equal_lines_have_different_fingerprints() -> None:
    [result] = Ruff(workers=1).analyze(snippets("eval(x)\neval(x)"))
    assert len({finding.fingerprint for finding in result.findings}) == 2


def test_analyzer_fingerprint_names_tool_interpreter_and_table() -> None:
    assert "1." in Bandit().fingerprint()
    assert f"python {sys.version_info.major}.{sys.version_info.minor}" in Bandit().fingerprint()
    assert "py314" in Ruff().fingerprint()


def test_missing_tool_is_unavailable_with_a_hint() -> None:
    for tool in (Bandit, Ruff):
        with pytest.raises(UnavailableError) as caught:
            tool(command=("/nonexistent/tool",)).fingerprint()
        assert caught.value.hint
