"""Each adapter over a tool that crashes, hangs, prints half of its output, or dies of one snippet:
exactly the snippets that were hit are unmeasured, the others have their verdicts."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from purpcode.analyzers.analyzer import Analyzer, Snippet
from purpcode.analyzers.bandit import Bandit
from purpcode.analyzers.codeql import CodeQL
from purpcode.analyzers.codeshield import CodeShield
from purpcode.analyzers.pysa import Pysa
from purpcode.analyzers.ruff import Ruff
from purpcode.analyzers.semgrep import Semgrep

CLEAN, WEAK, POISON = "x = 1", "x = eval(y)", "POISON = 1"

PROGRAM = '''
import json, os, sys, time
from pathlib import Path
def files(folder):
    return sorted(p for p in Path(folder).iterdir() if p.suffix == ".py")
def weak(path):
    return "eval(" in path.read_text()
def fail(paths, mode):
    """Misbehave if a file is poisoned, the way the drill says."""
    if not any("POISON" in p.read_text() for p in paths):
        return
    if mode == "crash":
        os.abort()
    if mode == "status":
        sys.exit("went wrong")
    if mode == "hang":
        time.sleep(60)
    if mode == "hanging child":
        import subprocess
        subprocess.run(["sleep", "60"])
def out(report, mode, paths):
    text = json.dumps(report)
    if any("POISON" in p.read_text() for p in paths):
        text = {"empty": "", "half": text[: len(text) // 2]}.get(mode, text)
    return text
'''
BANDIT = """
paths = files(sys.argv[-1]); fail(paths, MODE)
results = [{"filename": str(p), "line_range": [1], "test_id": "B307", "issue_text": "m",
            "issue_severity": "MEDIUM", "issue_confidence": "HIGH"} for p in paths if weak(p)]
print(out({"results": results, "errors": [], "metrics": {str(p): {} for p in paths}}, MODE, paths))
"""
RUFF = """
paths = files(sys.argv[-1]); fail(paths, MODE)
def row(p, code):
    place = {"row": 1, "column": 1}
    row = {"filename": str(p), "code": code, "message": "m"}
    return {**row, "location": place, "end_location": place}
rows = [row(p, "W292") for p in paths] + [row(p, "S307") for p in paths if weak(p)]
print(out(rows, MODE, paths))
"""
SEMGREP = """
paths = files(sys.argv[-1]); fail(paths, MODE)
def match(p):
    place = {"line": 1, "col": 1}
    extra = {"message": "m", "severity": "ERROR", "metadata": {"cwe": ["CWE-95: x"]}}
    match = {"check_id": "a.b.found-eval", "path": str(p), "extra": extra}
    return {**match, "start": place, "end": place}
print(out({"results": [match(p) for p in paths if weak(p)], "errors": [],
           "paths": {"scanned": [str(p) for p in paths]}}, MODE, paths))
"""
PYSA = """
paths = files("."); fail(paths, MODE)
def issue(p, name):
    return {"path": p.name, "name": name, "line": 1, "stop_line": 1, "description": "n [1]: m"}
rows = [issue(p, "canary") for p in paths] + [issue(p, "code-injection") for p in paths if weak(p)]
Path("out").mkdir()
Path("out/errors.json").write_text(out(rows, MODE, paths))
"""
CODEQL = """
place = Path(sys.argv[3])
if sys.argv[2] == "create":
    place.write_text(sys.argv[-1].partition("=")[2]); sys.exit()
paths = files(place.read_text()); fail(paths, MODE)
def at(p):
    return [{"physicalLocation": {"artifactLocation": {"uri": p.name}}}]
seen = [{"descriptor": {"id": "py/diagnostics/successfully-extracted-files"}, "locations": at(p)}
        for p in paths]
rule = {"id": "py/code-injection", "properties": {"tags": ["external/cwe/cwe-095"]}}
run = {"tool": {"driver": {"name": "CodeQL", "rules": [rule]}},
       "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": seen}],
       "results": [{"ruleId": "py/code-injection", "locations": at(p)} for p in paths if weak(p)]}
target = next(a for a in sys.argv if a.startswith("--output=")).partition("=")[2]
Path(target).write_text(out({"version": "2.1.0", "runs": [run]}, MODE, paths))
"""

Make = Callable[[Path, str, float], Analyzer]


def rules(folder: Path) -> Path:
    path = folder / "rules.json"
    rule = {"id": "found-eval", "languages": ["python"], "pattern": "eval(...)", "message": "m"}
    path.write_text(json.dumps({"rules": [{**rule, "severity": "ERROR"}]}))
    return path


def shield_rules(folder: Path) -> Path:
    generated = folder / "semgrep" / "_generated_"
    generated.mkdir(parents=True)
    rules(folder).rename(generated / "python_cyberseceval.json")
    (folder / "config.yaml").write_text("config: {cyberseceval: {}}")
    return folder


def tool(folder: Path, body: str, mode: str) -> tuple[str, ...]:
    script = folder / "fake.py"
    script.write_text(f"{PROGRAM}\nMODE = {mode!r}\n{textwrap.dedent(body)}")
    return (sys.executable, "-S", "-E", str(script))


ADAPTERS: dict[str, Make] = {
    "bandit": lambda at, mode, s: Bandit(workers=1, timeout_s=s, command=tool(at, BANDIT, mode)),
    "ruff": lambda at, mode, s: Ruff(workers=1, timeout_s=s, command=tool(at, RUFF, mode)),
    "semgrep": lambda at, mode, s: Semgrep(
        rules=rules(at), workers=1, timeout_s=s, command=tool(at, SEMGREP, mode)
    ),
    "codeshield": lambda at, mode, s: CodeShield(
        rules=shield_rules(at / "r"), workers=1, timeout_s=s, command=tool(at, SEMGREP, mode)
    ),
    "pysa": lambda at, mode, s: Pysa(workers=1, timeout_s=s, command=tool(at, PYSA, mode)),
    "codeql": lambda at, mode, s: CodeQL(workers=1, timeout_s=s, command=tool(at, CODEQL, mode)),
}
every_adapter = pytest.mark.parametrize("make", ADAPTERS.values(), ids=ADAPTERS)


def batch(count: int, poison: int) -> list[Snippet]:
    codes = [WEAK if row % 3 == 0 else CLEAN for row in range(count)]
    codes[poison] = POISON
    return [Snippet(f"id-{row}", f"{code}  # {row}") for row, code in enumerate(codes)]


def check(analyzer: Analyzer, snippets: list[Snippet], poison: int) -> str:
    """The poisoned snippet's error, once everything else is as it should be."""
    results = analyzer.analyze(snippets)
    assert [one.snippet_id for one in results] == [one.id for one in snippets]
    assert [row for row, one in enumerate(results) if one.error is not None] == [poison]
    for snippet, result in zip(snippets, results, strict=True):
        assert bool(result.findings) == ("eval" in snippet.code)
        assert all(one.cwes and one.analyzer == analyzer.name for one in result.findings)
    return results[poison].error or ""


@every_adapter
def test_tool_that_works_measures_every_snippet(make: Make, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    results = make(tmp_path, "", 60).analyze([Snippet("a", WEAK), Snippet("b", CLEAN)])
    assert [(one.error, len(one.findings)) for one in results] == [(None, 1), (None, 0)]
    [finding] = results[0].findings
    assert finding.cwes[0] == 95
    assert finding.severity in ("medium", "high")


@every_adapter
def test_one_poison_snippet_of_500_is_the_only_unmeasured_one(make: Make, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    assert "exit status -6" in check(make(tmp_path, "crash", 60), batch(500, 321), 321)


@every_adapter
@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("status", "exit status 1"),
        ("empty", "unreadable output|no SARIF log"),
        ("half", "unreadable output|no SARIF log"),
    ],
)
def test_failed_or_unfinished_output_is_an_error_of_the_snippet_that_made_it(
    make: Make, mode: str, error: str, tmp_path: Path
) -> None:
    (tmp_path / "r").mkdir()
    assert re.search(error, check(make(tmp_path, mode, 60), batch(6, 1), 1))


@every_adapter
def test_hang_ends_at_the_deadline_and_costs_one_snippet(make: Make, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    assert "no result within" in check(make(tmp_path, "hang", 1.5), batch(2, 1), 1)


def test_child_that_holds_the_output_open_does_not_outlive_the_deadline(tmp_path: Path) -> None:
    make = ADAPTERS["bandit"]
    assert "no result within" in check(make(tmp_path, "hanging child", 1.5), batch(2, 1), 1)


@every_adapter
def test_tool_that_never_works_leaves_every_snippet_unmeasured(make: Make, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    analyzer = make(tmp_path, "", 60)
    Path(tmp_path, "fake.py").write_text("import os; os.abort()")
    assert all(one.error and not one.findings for one in analyzer.analyze(batch(9, 0)))
    assert analyzer.analyze([]) == []


@every_adapter
def test_file_that_the_tool_does_not_speak_of_is_an_error(make: Make, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    analyzer = make(tmp_path, "", 60)
    script = tmp_path / "fake.py"
    script.write_text(
        script.read_text().replace('== ".py")', '== ".py" and "LOST" not in p.read_text())')
    )
    lost, seen = analyzer.analyze([Snippet("a", "LOST = eval(x)"), Snippet("b", WEAK)])
    assert lost.error is not None
    assert (seen.error, len(seen.findings)) == (None, 1)


def test_drill_covers_every_adapter_of_a_tool() -> None:
    from purpcode.analyzers.registry import ANALYZERS

    assert ADAPTERS.keys() == ANALYZERS.keys() - {"purpcode"}
