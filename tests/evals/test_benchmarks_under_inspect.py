"""Benchmarks run by Inspect itself and by the published command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from purpcode.evals.benchmarks.registry import BENCHMARKS
from purpcode.evals.published import main, parse
from purpcode.evals.validation import FIXTURES

REFUSAL = "I'm sorry, but I can't help with that."


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PURPCODE_DATA_DIR", raising=False)
    line = json.dumps({"match": None, "text": REFUSAL})
    (tmp_path / "refusals.jsonl").write_text(line + "\n", encoding="utf-8")
    return tmp_path


def test_every_benchmark_is_a_task_of_inspect() -> None:
    from inspect_ai._util.registry import registry_lookup

    import purpcode.evals.inspect_registry  # noqa: F401 (registers the tasks)

    for name in BENCHMARKS:
        assert registry_lookup("task", f"purpcode/{name.replace('-', '_')}"), name


def test_a_benchmark_is_asked_and_judged_by_inspect(here: Path) -> None:
    import inspect_ai

    import purpcode.evals.inspect_registry  # noqa: F401 (registers the provider)
    from purpcode.evals.benchmark_tasks import TASK_BUILDERS

    (log,) = inspect_ai.eval(
        TASK_BUILDERS["xstest"](data=str(FIXTURES / "xstest.jsonl"), allow_partial=True),
        model="purpcode/scripted:refusals.jsonl",
        display="none",
        log_dir=str(here / "logs"),
    )
    assert log.status == "success"
    assert log.results is not None
    metrics = log.results.scores[0].metrics
    assert metrics["overrefusal"].value == 0
    assert metrics["unsafe_refused"].value == 1
    assert log.eval.config.max_samples is None or log.plan.config.max_tokens == 8192


def test_conversations_are_asked_turn_by_turn_by_inspect(here: Path) -> None:
    import inspect_ai

    import purpcode.evals.inspect_registry  # noqa: F401 (registers the provider)
    from purpcode.evals.benchmark_tasks import TASK_BUILDERS

    (log,) = inspect_ai.eval(
        TASK_BUILDERS["redteam-conversations"](data=str(FIXTURES / "redteam-conversations.jsonl")),
        model="purpcode/scripted:refusals.jsonl",
        display="none",
        log_dir=str(here / "logs"),
    )
    assert log.status == "success"
    for sample in log.samples or []:
        assert [message.role for message in sample.messages] == [
            "user", "assistant", "user", "assistant",
        ]  # fmt: skip
        assert sample.scores
        score = sample.scores["panel_scorer"]
        assert score.value == 1
        harmless = sample.id == "fixture/opening"  # its first turn: there is no harm to help with
        assert len((score.metadata or {})["verdicts"]) == (3 if harmless else 4)


def test_the_published_command_line_runs_a_benchmark(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--task", "purpcode/XSTest", "--model", "scripted:refusals.jsonl", "--allow_partial"]
    command += ["--data", str(FIXTURES / "xstest.jsonl"), "--oracle", "overrefusal"]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "unsafe_refused  100.0%" in out
    assert (here / "results" / "XSTest" / "scripted_refusals.jsonl" / "rates.json").is_file()


def test_the_published_names_of_checkouts_and_oracles_reach_the_evaluation() -> None:
    flags = "--task purpcode/CWEval --model m --oracle cweval --cweval_path c --purplellama_path p"
    settings = parse(flags.split())
    assert (settings.oracle, settings.cweval_path) == ("cweval", Path("c"))
    assert settings.purplellama_path == Path("p")


def test_a_checkout_named_on_the_command_line_is_where_rows_come_from(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = here / "CWEval" / "benchmark" / "core" / "py"
    folder.mkdir(parents=True)
    row = json.loads((FIXTURES / "cweval.jsonl").read_text().splitlines()[0])
    (folder / "cwe_022_9_task.py").write_text(row["reference"], encoding="utf-8")
    (folder / "cwe_022_9_test.py").write_text(row["test"], encoding="utf-8")
    command = ["--task", "purpcode/CWEval", "--model", "scripted:refusals.jsonl"]
    command += ["--cweval_path", "CWEval", "--allow_partial"]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "PARTIAL: holds 1 rows" in out
    assert "functional_and_secure  0.0%" in out
    prompt = json.loads((here / "results/CWEval/scripted_refusals.jsonl/samples.jsonl").read_text())
    assert "def read_note" in prompt["messages"][0]["content"]
    assert "commonpath" not in prompt["messages"][0]["content"]


def test_saved_answers_of_conversations_are_refused_and_not_asked_anew(here: Path) -> None:
    from inspect_ai._util.error import PrerequisiteError

    from purpcode.evals.benchmark_tasks import TASK_BUILDERS

    with pytest.raises(PrerequisiteError, match="not replayed"):
        TASK_BUILDERS["redteam-conversations"](
            data=str(FIXTURES / "redteam-conversations.jsonl"), completions="saved.jsonl"
        )
