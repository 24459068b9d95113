"""The quick suite run by Inspect itself: its command line, our provider, re-scoring of a log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from purpcode.errors import InputError
from purpcode.evals import find_task
from purpcode.records import write_records
from purpcode.types import Completion, Message, Rollout, Sample

ROOT = Path(__file__).parents[2]

SAMPLES = [
    Sample(
        id=f"s{number}",
        messages=(
            Message(role="system", content="be brief"),
            Message(role="user", content=f"question {number}"),
        ),
        oracles=("choice",),
        target={"answer": "B"},
        metadata={"part": "seen", "objective": "choice"},
    )
    for number in range(4)
]

ORACLE = '''
from purpcode.types import Verdict

class Sure:
    """Passes answers that say yes, cannot judge those that say hm."""

    name = "sure_oracle:Sure"

    def __init__(self, settings):
        self.calls = 0

    def fingerprint(self):
        return "sure-1"

    def judge(self, samples, completions):
        self.calls += 1
        assert all(sample.messages[0].role == "system" for sample in samples)
        return [self.one(c.text) for c in completions]

    def one(self, text):
        if text == "hm":
            return Verdict.unmeasured(self.name, "cannot tell")
        if text == "yes":
            return Verdict.ok(self.name, f"call {self.calls}")
        return Verdict.failed(self.name, "not yes")
'''


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with samples judged by an oracle of outside code, and a script that answers them."""
    (tmp_path / "sure_oracle.py").write_text(ORACLE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    samples = [s.model_copy(update={"oracles": ("sure_oracle:Sure",)}) for s in SAMPLES]
    write_records(tmp_path / "heldout.jsonl", samples)
    answers = [("question 1", "hm"), ("question 3", "no"), (None, "yes")]
    lines = [json.dumps({"match": match, "text": text}) for match, text in answers]
    (tmp_path / "script.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def results(log: object) -> tuple[int, int, float, float]:
    panel, unmeasured = log.results.scores  # type: ignore[attr-defined]
    return (
        panel.scored_samples,
        panel.unscored_samples,
        panel.metrics["choice"].value,
        unmeasured.metrics["choice"].value,
    )


def test_our_provider_answers_and_our_oracles_judge_under_inspect(suite: Path) -> None:
    import inspect_ai

    import purpcode.evals.inspect_registry  # noqa: F401 (registers what is named below)
    from purpcode.evals.quick_suite import quick_suite

    (log,) = inspect_ai.eval(
        quick_suite(str(suite / "heldout.jsonl")),
        model="purpcode/scripted:script.jsonl",
        display="none",
        log_dir=str(suite / "logs"),
    )
    assert log.status == "success"
    assert results(log) == (3, 1, pytest.approx(2 / 3), 1)
    explanations = {s.scores["panel_scorer"].explanation for s in log.samples or [] if s.scores}
    assert "sure_oracle:Sure: call 1" in explanations
    assert not any("call 2" in (text or "") for text in explanations)


def test_a_log_is_scored_again_without_a_model(suite: Path) -> None:
    import inspect_ai

    from purpcode.evals.quick_suite import quick_suite
    from purpcode.evals.scorers import panel_scorer, unmeasured

    rollouts = [
        Rollout(
            sample_id=s.id,
            index=0,
            messages=s.messages,
            completion=Completion(text="yes", stop_reason="stop"),
            model="tiny",
        )
        for s in SAMPLES
    ]
    write_records(suite / "rollouts.jsonl", rollouts)
    (log,) = inspect_ai.eval(
        quick_suite(str(suite / "heldout.jsonl"), str(suite / "rollouts.jsonl"), "{}"),
        model=None,
        display="none",
        log_dir=str(suite / "logs"),
    )
    assert results(log) == (4, 0, 1, 0)
    again = inspect_ai.score(
        log, [panel_scorer(), unmeasured()], action="overwrite", display="none"
    )
    assert results(again) == (4, 0, 1, 0)


def test_a_model_that_cannot_answer_leaves_the_samples_unmeasured(suite: Path) -> None:
    import inspect_ai

    from purpcode.evals.quick_suite import quick_suite

    (suite / "partial.jsonl").write_text('{"match": "question 0", "text": "yes"}\n', "utf-8")
    (log,) = inspect_ai.eval(
        quick_suite(str(suite / "heldout.jsonl")),
        model="purpcode/scripted:partial.jsonl",
        display="none",
        log_dir=str(suite / "logs"),
    )
    assert results(log) == (1, 3, 1, 3)


def test_the_entry_point_declared_to_inspect_registers_task_scorers_and_provider(
    suite: Path,
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package = suite / "door-0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: door\nVersion: 0\n", "utf-8")
    declared = "\n".join(f"{k} = {v}" for k, v in project["entry-points"]["inspect_ai"].items())
    (package / "entry_points.txt").write_text(f"[inspect_ai]\n{declared}\n", "utf-8")
    command = [sys.executable, "-m", "inspect_ai", "eval", "purpcode/quick_suite"]
    command += ["--model", "purpcode/scripted:script.jsonl", "--display", "plain"]
    command += ["-T", "data=heldout.jsonl", "--log-dir", "logs"]
    environment = {**os.environ, "PYTHONPATH": str(suite)}
    run = subprocess.run(
        command,
        cwd=suite,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert len(list((suite / "logs").glob("*.eval"))) == 1


@pytest.mark.parametrize("name", ["quick-suite", "purpcode/QuickSuite", "quick_suite"])
def test_a_benchmark_goes_by_its_short_and_its_published_name(name: str) -> None:
    assert find_task(name).name == "quick-suite"


def test_an_unknown_benchmark_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="no benchmark named 'purpcode/Nothing'") as caught:
        find_task("purpcode/Nothing")
    assert "purpcode/QuickSuite" in str(caught.value)
