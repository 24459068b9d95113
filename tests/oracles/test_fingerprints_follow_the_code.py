"""No oracle's code or data can change without its fingerprint: nobody has to raise a number."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

import purpcode
from purpcode.analyzers.analyzer import AnalysisResult, Snippet
from purpcode.evals.cwe_tests import CweTests
from purpcode.evals.insecure_code import InsecureCode
from purpcode.evals.oracle_choice import ORACLES as EVALUATION_ORACLES
from purpcode.evals.refusal_words import Phrases, RefusalWords
from purpcode.oracles import source_digest as room
from purpcode.oracles.heuristic_judge import HeuristicJudge
from purpcode.oracles.oracle import Oracle
from purpcode.oracles.registry import ORACLES, open_oracle
from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.unit_testing.identity import judgement_identity
from purpcode.oracles.unit_tests import UnitTests
from purpcode.sandbox import ExecutionResult

PACKAGE = Path(purpcode.__file__).parent
SETTINGS = OracleSettings(workers=1)
IMPORT = re.compile(
    r"^\s*(?:from (purpcode[\w.]*) import ([^#\n(]+|\([^)]*\))|import (purpcode[\w.]+))", re.M
)


class Idle:
    """A sandbox, and an analyzer, that nothing is asked of."""

    name = "idle"
    languages = frozenset({"python"})
    packages: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        return "idle"

    def run_many(self, programs: object, workers: int = 0) -> list[ExecutionResult]:
        raise AssertionError("nothing is to be run")

    run = check = run_many

    def analyze(self, snippets: list[Snippet]) -> list[AnalysisResult]:
        raise AssertionError("nothing is to be analysed")


def _words() -> RefusalWords:
    return RefusalWords(Phrases(re.compile("no"), None, 10, (), ()))


OPENED: dict[str, Callable[[], Oracle]] = {
    **{name: (lambda name=name: open_oracle(name, SETTINGS)) for name in ORACLES},
    "unit_tests": lambda: UnitTests(SETTINGS, Idle()),  # type: ignore[arg-type]
    "insecure_code": lambda: InsecureCode(SETTINGS, analyzer=Idle()),
    "refusal_words": _words,
    "cwe_tests": lambda: CweTests(SETTINGS, sandbox=Idle()),  # type: ignore[arg-type]
}


@cache
def opened(name: str) -> Oracle:
    return OPENED[name]()


def path_of(module: str) -> Path | None:
    below = PACKAGE.joinpath(*module.split(".")[1:])
    return next((p for p in (below.with_suffix(".py"), below / "__init__.py") if p.is_file()), None)


def imported(module: str) -> Iterator[str]:
    """By the text alone, so that nothing is shared with what is tested."""
    path = path_of(module)
    text = path.read_text(encoding="utf-8") if path else ""
    for place, names, plain in IMPORT.findall(text):
        for name in re.findall(r"\w+", names) or [""]:
            inner = f"{place or plain}.{name}"
            yield inner if name and path_of(inner) else place or plain


def reachable(module: str) -> set[str]:
    """Every module within the rooms that decide verdicts which a module imports, at any depth."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        one = waiting.pop()
        if one in found or not one.startswith(room.ROOMS) or path_of(one) is None:
            continue
        found.add(one)
        waiting += imported(one)
    return found


@pytest.fixture
def edited(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Has the digest read a file of the package with something behind it."""
    plain = room._read

    def edit(path: str, more: str) -> None:
        judgement_identity.cache_clear()
        monkeypatch.setattr(
            room, "_read", lambda one: f"{plain(one)}{more}" if one == path else plain(one)
        )

    yield edit
    judgement_identity.cache_clear()


def test_every_oracle_is_looked_at() -> None:
    assert set(OPENED) >= set(ORACLES) | set(EVALUATION_ORACLES)


@pytest.mark.parametrize("name", OPENED)
def test_editing_any_module_that_an_oracle_imports_changes_its_fingerprint(
    name: str, edited: Callable[[str, str], None]
) -> None:
    oracle = opened(name)
    modules = reachable(type(oracle).__module__)
    before = oracle.fingerprint()
    assert len(modules) >= 3
    for module in modules:
        path = path_of(module)
        assert path is not None
        edited(path.relative_to(PACKAGE).as_posix(), "\nEDITED = True\n")
        assert oracle.fingerprint() != before, module


@pytest.mark.parametrize("name", OPENED)
def test_a_comment_changes_no_fingerprint(name: str, edited: Callable[[str, str], None]) -> None:
    oracle = opened(name)
    before = oracle.fingerprint()
    edited("conversation.py", "\n# a comment\n")
    assert oracle.fingerprint() == before


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("secure_code", "oracles/data/refusal_weights.json"),
        ("secure_code", "analyzers/severity.toml"),
        ("secure_code", "oracles/data/computing_words.txt"),
        ("secure_code", "analyzers/bandit.py"),
        ("secure_code", "analyzers/dead_code.py"),
        ("secure_code", "oracles/refusal_cues.py"),
        ("overrefusal", "oracles/data/refusal_weights.json"),
        ("malicious_assistance", "oracles/refusal_cues.py"),
        ("unit_tests", "oracles/unit_testing/run_calls.py"),
        ("unit_tests", "conversation.py"),
        ("cwe_tests", "evals/cwe_driver.py"),
    ],
)
def test_what_is_known_to_decide_is_covered(
    name: str, path: str, edited: Callable[[str, str], None]
) -> None:
    before = opened(name).fingerprint()
    edited(path, "\nEDITED = True\n" if path.endswith(".py") else " ")
    assert opened(name).fingerprint() != before


def test_the_heuristic_judge_follows_its_cues_and_weights(
    edited: Callable[[str, str], None],
) -> None:
    prints = {HeuristicJudge().fingerprint()}
    for path in (
        "oracles/refusal_cues.py",
        "oracles/data/refusal_weights.json",
        "oracles/topic.py",
    ):
        edited(path, "\nEDITED = True\n" if path.endswith(".py") else " ")
        prints.add(HeuristicJudge().fingerprint())
    assert len(prints) == 4


def test_a_changed_installation_has_another_fingerprint(tmp_path: Path) -> None:
    """The same, with real files in another place."""
    copied = tmp_path / "purpcode"
    shutil.copytree(PACKAGE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from purpcode.oracles.source_digest import source_digest as of\n"
        "print(of('purpcode.oracles.overrefusal'), of('purpcode.oracles.answer_format'))\n"
    )

    def prints() -> list[str]:
        command = [sys.executable, "-c", program, str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    before = prints()
    cues = copied / "oracles" / "refusal_cues.py"
    cues.write_text(cues.read_text("utf-8") + "\nEDITED = True\n", "utf-8")
    after = prints()
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_code_of_others_is_passed_over() -> None:
    assert room.source_digest("json", "somebody.else") == room.source_digest()


def test_the_digest_ignores_comments_docstrings_and_layout_only() -> None:
    plain = room.statements("def f(x):\n    return x + 1\n")
    documented = '"""Doc."""\ndef f(x):  # why\n    """Doc."""\n    return (x+1)\n'
    assert room.statements(documented) == plain
    assert room.statements("def f(x):\n    return x + 2\n") != plain
