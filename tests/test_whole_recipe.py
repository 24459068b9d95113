"""The whole recipe with the toy model, through the command line, with real parts throughout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from purpcode.pipeline import STAGES
from purpcode.recipe import load_recipe

RECIPE = Path(__file__).parent.parent / "recipes" / "quickstart-cpu.toml"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
PATIENCE_S = 300


def command(runs: Path, *more: str) -> list[str]:
    program = "from purpcode.cli import main; main()"
    options = ["--profile", "micro", "--runs-dir", str(runs), *more]
    return [sys.executable, "-c", program, "run", str(RECIPE), *options]


def run_to_the_end(runs: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(runs, *more),
        env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    done = run_to_the_end(runs)
    assert done.returncode == 0, done.stdout + done.stderr
    return runs / "quickstart-cpu-micro"


def lines(path: Path) -> list[dict[str, Any]]:
    """Whole JSONL records of a file that may be being written."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in text if line.endswith("\n")]


def timeless(value: Any) -> Any:
    """The value without durations, memory and time stamps, which differ between equal runs."""
    unstable = {"seconds", "peak_memory_mb", "tries", "created", "generated"}
    if isinstance(value, dict):
        return {key: timeless(inner) for key, inner in value.items() if key not in unstable}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value


def results(run: Path) -> dict[str, Any]:
    """Everything a run is judged by."""
    files = ["distill/records.jsonl", "verify/records.jsonl", "select/records.jsonl"]
    files += ["sft/metrics.jsonl", "rl/metrics.jsonl", "rl/rollouts.jsonl"]
    files += [f"eval/{label}/records.jsonl" for label in ("base", "rule-learned", "rl")]
    found: dict[str, Any] = {name: timeless(lines(run / name)) for name in files}
    found["report"] = timeless(json.loads((run / "report/report.json").read_text("utf-8")))
    return found


def kill_when(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline, "the run never reached the point to kill it at"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_every_stage_completes_and_the_report_stands_alone(finished: Path) -> None:
    for stage in STAGES[:-1]:
        state = json.loads((finished / stage / "stage.json").read_text("utf-8"))
        assert state["state"] == "complete", stage
    page = (finished / "report" / "report.html").read_text("utf-8")
    assert "http://" not in page.split("<body", 1)[0]
    assert (finished / "report" / "report.md").exists()


def test_training_stages_change_the_model(finished: Path) -> None:
    from safetensors.torch import load_file

    learned = load_file(finished / "sft/model/model.safetensors")
    policy = load_file(finished / "rl/model/model.safetensors")
    assert any(not learned[name].equal(policy[name]) for name in learned)


def test_each_update_is_one_rollout_call_one_reward_call_and_keeps_all_learnable_groups(
    finished: Path,
) -> None:
    updates = lines(finished / "rl/metrics.jsonl")
    rollouts = lines(finished / "rl/rollouts.jsonl")
    assert updates
    for update in updates:
        draws = 1 + update["skipped_draws"]
        assert update["rollout_calls"] == update["reward_calls"] == draws
        groups: dict[str, list[float]] = {}
        for rollout in rollouts:
            if rollout["update"] == update["step"] and rollout["reward"] is not None:
                groups.setdefault(rollout["sample_id"], []).append(rollout["reward"])
        learnable = sum(len(set(rewards)) > 1 for rewards in groups.values())
        assert update["kept"] == learnable


def test_a_finished_run_is_reused_whole(finished: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.glob("*/stage.json")}
    again = run_to_the_end(finished.parent)
    assert again.returncode == 0
    assert again.stdout.count("already complete") == len(STAGES) - 1
    assert {path: path.stat().st_mtime_ns for path in finished.glob("*/stage.json")} == before


def test_a_changed_field_is_named_and_nothing_is_reused_silently(finished: Path) -> None:
    refused = run_to_the_end(finished.parent, "--set", "sft.learning_rate=0.002")
    assert refused.returncode == 2
    assert "sft.learning_rate" in refused.stderr
    assert "--redo sft" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_run_killed_in_distill_sft_and_rl_ends_like_one_that_was_not(
    finished: Path, tmp_path: Path
) -> None:
    run = tmp_path / "quickstart-cpu-micro"
    points: list[Callable[[], bool]] = [
        lambda: 0 < len(lines(run / "distill/records.jsonl")) < 16,
        lambda: len(lines(run / "sft/metrics.jsonl")) >= 3,
        lambda: len(lines(run / "rl/metrics.jsonl")) >= 1,
    ]
    for reached in points:
        process = subprocess.Popen(
            command(tmp_path), env=ENVIRONMENT, start_new_session=True, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        kill_when(process, reached)
        assert not (run / "report").exists()
    done = run_to_the_end(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert results(run) == results(finished)


def test_two_commands_never_work_on_one_run(finished: Path) -> None:
    from filelock import FileLock

    with FileLock(finished / ".lock"):
        refused = run_to_the_end(finished.parent)
    assert refused.returncode == 2
    assert "another purpcode" in refused.stderr


def test_micro_profile_runs_the_same_stages_as_the_demo() -> None:
    demo, micro = load_recipe(RECIPE), load_recipe(RECIPE, profile="micro")
    assert micro.model == "embedded/micro"
    assert micro.eval.models == demo.eval.models
    assert micro.oracles == demo.oracles
