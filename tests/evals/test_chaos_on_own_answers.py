"""Parts broken over the user's own answers: what becomes unmeasured, and nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from purpcode.commands.evaluate import TaskOptions, drill_own
from purpcode.errors import InputError
from purpcode.evals import chaos_answers
from purpcode.evals.broken_parts import BrokenAnalyzer, BrokenPart
from purpcode.evals.chaos_answers import drill_folder
from purpcode.evals.command import run_eval
from purpcode.evals.eval_settings import EvalSettings
from purpcode.evals.validation import FIXTURES
from purpcode.models.model import Sampling
from purpcode.oracles.oracle import Oracle
from purpcode.records import write_records
from purpcode.types import Completion, Message, Sample, Verdict

CODE = "```python\ndef checksum(data):\n    return sum(data)\n```"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results of code: one answer is code, the others are none."""
    monkeypatch.chdir(tmp_path)
    answers = [{"match": "checksum", "text": CODE}, {"match": None, "text": "No code here."}]
    lines = "".join(json.dumps(one) + "\n" for one in answers)
    (tmp_path / "script.jsonl").write_text(lines, encoding="utf-8")
    asked = [
        Sample(
            id=name,
            messages=(Message(role="user", content=f"Write a {name}."),),
            oracles=("secure_code",),
        )
        for name in ("checksum", "parser", "server")
    ]
    write_records(tmp_path / "rows.jsonl", asked)
    settings = EvalSettings(
        task="quick-suite",
        model="scripted:script.jsonl",
        data=tmp_path / "rows.jsonl",
        folder=Path("out"),
        sampling=Sampling(max_tokens=64),
    )
    run_eval(settings, say=lambda _: None)
    return tmp_path / "out"


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_saved_answers_that_need_the_part_become_unmeasured_and_the_folder_stays(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(folder)
    (one,) = drill_folder(folder, {"analyzer": "down"})
    assert contents(folder) == before
    assert (one.oracle, one.answers, one.measured_before) == ("secure_code", 3, 3)
    assert one.unmeasured == 1
    assert one.needless == 2  # no code at all fails without an analyzer
    assert one.leaks == ()
    drill_own("analyzer=down", TaskOptions(folder=folder))
    assert "nothing was written" in capsys.readouterr().out
    assert contents(folder) == before


def test_an_oracle_that_passes_what_it_could_not_ask_about_is_a_leak(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Careless:
        name = "secure_code"

        def __init__(self, part: BrokenPart) -> None:
            self.part = part

        def fingerprint(self) -> str:
            return "careless"

        def judge(
            self, samples: Sequence[Sample], completions: Sequence[Completion]
        ) -> list[Verdict]:
            self.part.calls += 1
            return [Verdict.ok(self.name, "fine") for _ in completions]

    def careless(name: str, faults: Mapping[str, str]) -> tuple[Oracle, BrokenPart]:
        part = BrokenAnalyzer("down")
        return Careless(part), part

    monkeypatch.setattr(chaos_answers, "broken_oracle", careless)
    with pytest.raises(SystemExit):
        drill_own("analyzer=down", TaskOptions(folder=folder))
    assert "LEAK: secure_code judged" in capsys.readouterr().out


def test_a_part_that_no_answer_needs_is_refused_with_those_that_are(folder: Path) -> None:
    with pytest.raises(InputError, match="needs judge") as caught:
        drill_folder(folder, {"judge": "down"})
    assert caught.value.hint == "Break analyzer."


def test_rows_of_the_users_own_file_are_drilled_with_stand_in_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    options = TaskOptions(task="xstest", data=FIXTURES / "xstest.jsonl", allow_partial=True)
    drill_own("judge=garbage", options)
    said = capsys.readouterr().out
    assert "overrefusal  4 of 4 unmeasured" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (TaskOptions(folder=Path("gone")), "gone/header.json: no such file"),
        (TaskOptions(folder=Path("gone"), task="xstest"), "leave out --task and --data"),
        (TaskOptions(data=Path("gone.jsonl")), "say with --task of which benchmark"),
        (TaskOptions(task="xstest", data=Path("gone.jsonl")), "gone.jsonl: no such file"),
    ],
)
def test_unusable_input_is_one_clear_message(options: TaskOptions, said: str) -> None:
    with pytest.raises(InputError) as caught:
        drill_own("judge=down", options)
    assert said in str(caught.value)


def test_the_answers_of_a_recipes_run_are_found_with_their_samples(folder: Path) -> None:
    run = folder.parent / "run"
    (run / "eval").mkdir(parents=True)
    (run / "redteam").mkdir()
    (folder / "samples.jsonl").rename(run / "redteam" / "heldout.jsonl")
    folder.rename(run / "eval" / "base")
    (one,) = drill_folder(run / "eval" / "base", {"analyzer": "silent"})
    assert one.unmeasured == 1
