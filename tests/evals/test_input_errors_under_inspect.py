"""Input errors under `inspect eval`: one message that says what to do, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from inspect_ai._util.error import PrerequisiteError

from purpcode.errors import InputError
from purpcode.evals.inspect_errors import parse_settings, require_oracles, told_by_inspect
from purpcode.evals.validation import FIXTURES
from purpcode.oracles.settings import OracleSettings
from purpcode.records import write_records
from purpcode.types import Message, Sample

ASKED = Sample(
    id="a", messages=(Message(role="user", content="How do I sort?"),), oracles=("overrefusal",)
)


def refused(name: str, **arguments: Any) -> str:
    """What Inspect prints when it builds a task of that name."""
    from inspect_ai._util.registry import registry_create

    import purpcode.evals.inspect_registry  # noqa: F401 (registers the tasks)

    with pytest.raises(PrerequisiteError) as caught:
        registry_create("task", f"purpcode/{name}", **arguments)  # type: ignore[arg-type]
    return str(caught.value.message)


def test_the_command_line_of_inspect_prints_a_missing_file_without_a_traceback(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "inspect_ai", "eval", "purpcode/xstest", "--display=plain"]
    command += ["-T", "data=missing.csv", "--model", "purpcode/embedded/micro"]
    run = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {"COLUMNS": "200"},
    )  # fmt: skip
    said = run.stdout + run.stderr
    assert run.returncode == 1
    assert "purpcode: missing.csv: no such file or folder" in said
    assert "Wanted: xstest_prompts.csv" in said
    assert "Traceback" not in said
    assert not (tmp_path / "logs").exists()


def test_a_part_of_a_benchmark_is_refused_with_the_option_of_inspect() -> None:
    said = refused("xstest", data=str(FIXTURES / "xstest.jsonl"))
    assert "or go on with -T allow_partial=true" in said
    assert "--allow-partial" not in said


@pytest.mark.parametrize(
    ("oracles", "said"),
    [
        ("nonsense", "cannot be read as settings"),
        ("[1]", "cannot be read as settings (no mapping): [1]"),
        ('{"jugde": "x"}', "field 'oracles.jugde': unknown field"),
        ('{"judge_min_kappa": 7}', "field 'oracles.judge_min_kappa': Input should be"),
    ],
)
def test_settings_of_oracles_that_do_not_fit_are_named(oracles: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_settings(oracles)
    assert said in str(caught.value)


def test_a_judge_that_is_not_there_is_told_before_the_model_is_asked(tmp_path: Path) -> None:
    write_records(tmp_path / "rows.jsonl", [ASKED])
    rows, judge = str(tmp_path / "rows.jsonl"), {"judge": "embedded/nothing"}
    assert "unknown embedded model" in refused("quick_suite", data=rows, oracles=judge)


def test_an_oracle_that_is_not_there_is_told_before_the_model_is_asked() -> None:
    with pytest.raises(InputError, match="no oracle named 'nothing'"):
        require_oracles([ASKED.model_copy(update={"oracles": ("nothing",)})], OracleSettings())


def test_saved_answers_that_are_not_there_are_named(tmp_path: Path) -> None:
    write_records(tmp_path / "rows.jsonl", [ASKED])
    said = refused("quick_suite", data=str(tmp_path / "rows.jsonl"), completions="gone.jsonl")
    assert said == "purpcode: gone.jsonl: no such file"


def test_square_brackets_of_a_file_name_are_printed_and_not_read_as_colours() -> None:
    from rich.console import Console

    with pytest.raises(PrerequisiteError) as caught, told_by_inspect():
        raise InputError("no such file", path="[red]rows.csv")
    console = Console(width=200)
    with console.capture() as shown:
        console.print(caught.value.message)
    assert "[red]rows.csv" in shown.get()


def test_without_data_the_quick_suite_asks_the_samples_of_the_package() -> None:
    from purpcode.evals.preparation import load_samples
    from purpcode.evals.quick_suite import quick_suite

    assert len(quick_suite().dataset) == len(load_samples())
