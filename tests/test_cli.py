"""The command line as a user meets it: quick, located messages, exit codes, no tracebacks."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from purpcode.listing import TOPICS
from purpcode.pipeline import STAGES

QUICKSTART = Path(__file__).parent.parent / "recipes" / "quickstart-cpu.toml"
HEAVY = (
    "torch", "transformers", "trl", "datasets", "inspect_ai", "scipy", "numpy", "pydantic",
    "bandit", "datasketch", "jinja2", "rich.progress",
)  # fmt: skip


def purpcode(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from purpcode.cli import main; main()", *arguments],
        capture_output=True, text=True, timeout=60, check=False, cwd=cwd,
        env={**os.environ, "COLUMNS": "200", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def refused(*arguments: str, cwd: Path | None = None) -> str:
    """The message of a command that must end in one message on stderr and exit code 2."""
    run = purpcode(*arguments, cwd=cwd)
    assert run.returncode == 2, run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr
    assert run.stderr.startswith("purpcode: ")
    assert run.stderr.count("purpcode: ") == 1
    return run.stderr.removeprefix("purpcode: ")


def recipe(folder: Path, text: str) -> str:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


# --- quick -------------------------------------------------------------------------------------


def test_help_comes_quickly() -> None:
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        run = purpcode("--help")
        seconds.append(time.perf_counter() - started)
        assert run.returncode == 0
        for command in ("run", "redteam", "distill", "train", "eval", "report", "doctor"):
            assert command in run.stdout
    assert min(seconds) < 1.5  # about 0.3 s on an idle machine


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    code = f"import purpcode.cli, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("words", [[], ["eval"], ["analyzers"], ["judges"], ["doctor"], ["data"]])
def test_help_is_answered_without_loading_anything_heavy(words: list[str]) -> None:
    code = (
        "import sys; from purpcode.cli import app\n"
        f"app({[*words, '--help']!r}, exit_on_error=False, result_action='return_value')\n"
        f"print('loaded', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.splitlines()[-1] == "loaded []"


def test_help_takes_less_than_half_a_second_of_the_processor() -> None:
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        purpcode("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(spent) < 0.5


def test_every_option_of_a_run_is_explained() -> None:
    shown = purpcode("run", "--help").stdout
    for words in (
        "Name of the run folder", "Folder that holds the run folders", "table of the recipe",
        "Override a field", "Forget this stage",
    ):  # fmt: skip
        assert words in shown
    assert "--empty-set" not in shown


def test_version_is_printed() -> None:
    from purpcode import __version__

    assert purpcode("--version").stdout.strip() == __version__


# --- wrong input -------------------------------------------------------------------------------


def test_unknown_recipe_field_names_line_and_the_likely_field(tmp_path: Path) -> None:
    path = recipe(tmp_path, 'name = "x"\n\n[rl]\nlearning_rat = 1e-6\n')
    message = refused("run", path, cwd=tmp_path)
    assert message.startswith(f"{path}:4: field 'rl.learning_rat': unknown field")
    assert "Did you mean 'learning_rate'?" in message
    assert not (tmp_path / "runs").exists()


def test_malformed_toml_names_its_line(tmp_path: Path) -> None:
    path = recipe(tmp_path, 'name = "x"\nseed = = 3\n')
    assert f"{path}:2: is not TOML" in refused("run", path, cwd=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.toml"], "nowhere.toml: no such recipe"),
        ([str(QUICKSTART), "--profile", "huge"], "has no profile 'huge' (profiles: "),
        (
            [str(QUICKSTART), "--set", "rl.updates=many"],
            "--set rl.updates=many: field 'rl.updates'",
        ),
        ([str(QUICKSTART), "--set", "rl"], "expected section.field=value"),
        ([str(QUICKSTART), "--redo", "nothing"], "--redo"),
        ([str(QUICKSTART), "--name", "../elsewhere"], "name of one folder"),
        ([str(QUICKSTART), "--name", ""], "name of one folder"),
        ([], "RECIPE"),
    ],
)
def test_wrong_arguments_of_a_run_are_named_and_nothing_is_made(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    assert words.lower() in refused("run", *arguments, cwd=tmp_path).lower()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["runn"], 'Did you mean "run"?'),
        (["list", "nothing"], "benchmarks"),
        (["eval"], "give a recipe, or --task and --model"),
        (["eval", "x.toml", "--task", "quick-suite"], "not both"),
        (
            ["eval", "--task", "nothing", "--model", "embedded/micro"],
            "no benchmark named 'nothing'",
        ),
        (["eval", "--task", "quick-suite", "--model", "./no/model"], "does not exist"),
        (["eval", "--task", "quick-suite", "--model", "x", "--max-tokens", "0"], "--max-tokens"),
        (["eval", "--task", "quick-suite", "--model", "x", "--temperature=-1"], "--temperature"),
        (["train", "sft", str(QUICKSTART), "--preview", "0"], "--preview"),
        (["report", "nowhere"], "no such folder"),
        (["report", "."], "no finished evaluation"),
    ],
)
def test_wrong_arguments_are_named(tmp_path: Path, arguments: list[str], words: str) -> None:
    assert words in refused(*arguments, cwd=tmp_path)


def test_model_path_that_does_not_exist_is_named_with_the_way_out(tmp_path: Path) -> None:
    small = ["--profile", "micro", "--set", "redteam.train_secure=1"]
    message = refused("run", str(QUICKSTART), *small, "--set", "model=/no/model", cwd=tmp_path)
    assert message.startswith("/no/model: model path does not exist")
    assert "Hugging Face format" in message


def test_brackets_in_a_path_are_shown_as_they_are(tmp_path: Path) -> None:
    run = purpcode(
        "train", "sft", str(QUICKSTART), "--profile", "micro", "--runs-dir", "a[/b]", cwd=tmp_path
    )
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    assert "a[/b]/quickstart-cpu-micro" in run.stdout


# --- out of order ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        (["distill"], "redteam"),
        (["verify"], "redteam"),
        (["train", "sft"], "select"),
        (["train", "sft", "--preview", "1"], "select"),
        (["train", "rl"], "redteam"),
        (["eval"], "redteam"),
        (["report"], "eval"),
    ],
)
def test_stage_out_of_order_says_which_one_is_missing(
    tmp_path: Path, command: list[str], missing: str
) -> None:
    words = command[:2] if command[0] == "train" else command[:1]
    more = command[len(words) :]
    message = refused(*words, str(QUICKSTART), "--profile", "micro", *more, cwd=tmp_path)
    assert missing in message


def test_run_folder_in_use_is_refused(tmp_path: Path) -> None:
    from filelock import FileLock

    folder = tmp_path / "runs" / "quickstart-cpu-micro"
    folder.mkdir(parents=True)
    with FileLock(folder / ".lock"):
        message = refused("redteam", str(QUICKSTART), "--profile", "micro", cwd=tmp_path)
    assert "another purpcode is working on this run" in message


def test_runs_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    message = refused("redteam", str(QUICKSTART), "--runs-dir", "file/runs", cwd=tmp_path)
    assert "cannot be used" in message


def test_stage_runs_alone_is_reused_and_refuses_other_settings(tmp_path: Path) -> None:
    command = ["redteam", str(QUICKSTART), "--profile", "micro"]
    first = purpcode(*command, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    folder = tmp_path / "runs" / "quickstart-cpu-micro" / "redteam"
    assert json.loads((folder / "stage.json").read_text(encoding="utf-8"))["state"] == "complete"
    assert "already complete" in purpcode(*command, cwd=tmp_path).stdout
    message = refused(*command, "--set", "redteam.ngram=4", cwd=tmp_path)
    assert "redteam.ngram was 3, now 4" in message
    assert "--redo redteam" in message


# --- listings ----------------------------------------------------------------------------------


def test_listing_is_json_when_asked_for() -> None:
    rows = json.loads(purpcode("list", "oracles", "--json").stdout)
    assert {"oracle": "secure_code"} in rows


@pytest.mark.parametrize("topic", [name for name in TOPICS if name != "sandboxes"])
def test_every_topic_lists_entries_with_the_same_columns(topic: str) -> None:
    rows = TOPICS[topic]()
    assert rows
    assert {tuple(row) for row in rows} == {tuple(rows[0])}
    assert all(isinstance(value, str) for row in rows for value in row.values())


def test_stages_are_listed_in_their_order_and_all_have_a_command() -> None:
    assert [row["stage"] for row in TOPICS["stages"]()] == list(STAGES)
    shown = purpcode("--help").stdout + purpcode("train", "--help").stdout
    assert all(name in shown for name in STAGES)


def test_preview_marks_trained_text_without_colour(capsys: pytest.CaptureFixture[str]) -> None:
    from purpcode.listing import print_preview
    from purpcode.rule_learning import MaskedRow

    print_preview([MaskedRow("r[b]", (("a [b] ", False), ("yes[/]", True)), 5, 2)])
    shown = capsys.readouterr().out
    assert "2 of 5 tokens trained" in shown
    assert "a [b] ⟦yes[/]⟧" in shown
    assert "r[b]" in shown


def test_preview_lets_no_text_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from purpcode.listing import print_preview
    from purpcode.rule_learning import MaskedRow

    print_preview([MaskedRow("r", (("a\x1b]0;title\x07b\x9bm\n\tc", True),), 5, 5)])
    shown = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)
    assert "title" in shown


def test_unreachable_judge_ends_the_run_with_one_message(tmp_path: Path) -> None:
    message = refused(
        "run", str(QUICKSTART), "--profile", "micro", "--runs-dir", str(tmp_path),
        "--set", "oracles.judge=openai-api/nobody/judge",
    )  # fmt: skip
    assert "openai-api/nobody/judge" in message
