"""Run folders: what a stage was made from, whether it may be reused, what it cost."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from purpcode.errors import InputError, PurpcodeError
from purpcode.run_folder import Stage, StageState, file_digest, folder_digest

INPUTS = {"seed": 0, "rl.updates": 4, "redteam/train.jsonl": "abc", "models": ("base", "rl")}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "run" / "distill", "distill")


def finish(stage: Stage, **more: object) -> None:
    with stage.working({**INPUTS, **more}) as state:
        state.counts = {"rows": 3}
        state.outputs["records.jsonl"] = "digest"
        state.notes = ["a note"]


def test_stage_that_never_began_is_not_complete(stage: Stage) -> None:
    assert stage.load() is None
    assert not stage.is_complete(INPUTS)


def test_finished_stage_is_complete_for_the_same_inputs_and_keeps_what_it_said(
    stage: Stage,
) -> None:
    finish(stage)
    assert stage.is_complete(INPUTS)
    state = stage.load()
    assert state is not None
    assert (state.state, state.counts, state.notes) == ("complete", {"rows": 3}, ["a note"])
    assert state.outputs == {"records.jsonl": "digest"}
    assert state.tries == 1
    assert state.peak_memory_mb > 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 1}, "seed was 0, now 1"),
        ({"redteam/train.jsonl": "xyz"}, "redteam/train.jsonl was 'abc', now 'xyz'"),
        ({"rl.new": 1}, "rl.new was None, now 1"),
        ({"models": ("base",)}, "models was ['base', 'rl'], now ['base']"),
    ],
)
def test_stage_made_from_other_inputs_is_never_reused_and_says_what_differs(
    stage: Stage, change: dict[str, object], words: str
) -> None:
    finish(stage)
    with pytest.raises(PurpcodeError) as caught:
        stage.is_complete({**INPUTS, **change})
    assert words in caught.value.message
    assert "--redo distill" in (caught.value.hint or "")


def test_input_that_is_gone_is_a_difference_too(stage: Stage) -> None:
    finish(stage)
    fewer = {name: value for name, value in INPUTS.items() if name != "seed"}
    with pytest.raises(PurpcodeError, match="seed was 0, now None"):
        stage.is_complete(fewer)


def test_unfinished_stage_may_not_go_on_under_other_inputs(stage: Stage) -> None:
    with pytest.raises(KeyError), stage.working(INPUTS):
        raise KeyError
    assert not stage.is_complete(INPUTS)
    with pytest.raises(PurpcodeError, match="seed was 0, now 9"):
        stage.is_complete({**INPUTS, "seed": 9})


def test_failed_try_leaves_the_stage_running_with_its_cost_and_tries_add_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 107.0, 200.0, 203.5])
    monkeypatch.setattr("purpcode.run_folder.time", SimpleNamespace(monotonic=lambda: next(clock)))
    with pytest.raises(KeyboardInterrupt), stage.working(INPUTS):
        raise KeyboardInterrupt
    failed = stage.load()
    assert failed is not None
    assert (failed.state, failed.seconds, failed.tries) == ("running", 7.0, 1)
    finish(stage)
    done = stage.load()
    assert done is not None
    assert (done.state, done.seconds, done.tries) == ("complete", 10.5, 2)
    assert done.peak_memory_mb >= failed.peak_memory_mb


def test_killed_process_leaves_a_readable_running_state(stage: Stage) -> None:
    with stage.working(INPUTS):
        killed_here = json.loads(stage.state_path.read_text(encoding="utf-8"))
    assert StageState.model_validate(killed_here).state == "running"


def test_outputs_of_an_earlier_try_do_not_linger(stage: Stage) -> None:
    finish(stage)
    with pytest.raises(KeyError), stage.working(INPUTS):
        raise KeyError
    state = stage.load()
    assert state is not None
    assert (state.state, state.outputs, state.counts) == ("running", {}, {})


@pytest.mark.parametrize("text", ["", "{", '{"stage": "distill"}', '{"stage": 1, "colour": 2}'])
def test_damaged_state_is_an_input_error_that_names_the_file(stage: Stage, text: str) -> None:
    stage.folder.mkdir(parents=True)
    stage.state_path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"stage\.json"):
        stage.is_complete(INPUTS)


def test_memory_of_children_counts_and_the_watch_ends_with_the_stage(stage: Stage) -> None:
    finish(stage)
    alone = stage.load()
    hog = "x = bytearray(200 << 20); print(flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", hog], **pipes) as child:  # type: ignore[call-overload]
        child.stdout.readline()
        threads = threading.active_count()
        finish(stage)
        assert threading.active_count() == threads
        child.communicate(b"\n")
    together = stage.load()
    assert alone is not None
    assert together is not None
    assert together.peak_memory_mb > alone.peak_memory_mb + 150


# --- digests -----------------------------------------------------------------------------------


def test_file_digest_follows_the_content(tmp_path: Path) -> None:
    for name, text in (("a", "x"), ("b", "x"), ("c", "y")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    a, b, c = (file_digest(tmp_path / name) for name in "abc")
    assert a == b != c
    assert len(a) == 16


def test_folder_digest_follows_weights_and_configuration_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    first = folder_digest(tmp_path)
    (tmp_path / "README.md").write_text("made today", encoding="utf-8")
    (tmp_path / "checkpoint-1").mkdir()
    assert folder_digest(tmp_path) == first
    (tmp_path / "chat_template.jinja").write_text("{{ x }}", encoding="utf-8")
    second = folder_digest(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"weightz")
    assert len({first, second, folder_digest(tmp_path)}) == 3


def test_a_difference_inside_a_table_is_named_by_its_own_field(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "verify", "verify")
    with stage.working({"oracles": {"secure_code": "a", "unit_tests": "u"}}):
        pass
    with pytest.raises(PurpcodeError) as refused:
        stage.is_complete({"oracles": {"secure_code": "b", "unit_tests": "u"}})
    assert "oracles.secure_code was 'a', now 'b'" in str(refused.value)
    assert "unit_tests" not in str(refused.value)
