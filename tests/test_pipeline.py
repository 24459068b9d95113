"""The pipeline's care for what earlier stages made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from purpcode.errors import PurpcodeError
from purpcode.pipeline import Pipeline
from purpcode.recipe import load_recipe

RECIPE = Path(__file__).parent.parent / "recipes" / "quickstart-cpu.toml"


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    made = Pipeline(load_recipe(RECIPE, profile="micro"), tmp_path, Console(quiet=True))
    made.run_stage("redteam")
    return made


def test_an_edited_output_of_an_earlier_stage_is_named(pipeline: Pipeline) -> None:
    train = pipeline.folder / "redteam" / "train.jsonl"
    train.write_text(train.read_text("utf-8") + "\n", "utf-8")
    with pytest.raises(PurpcodeError, match="is not what the stage 'redteam' made"):
        pipeline.run_stage("distill")


def test_redo_forgets_the_stage_and_all_after_it(pipeline: Pipeline) -> None:
    for later in ("distill", "report"):
        (pipeline.folder / later).mkdir()
    pipeline.redo("distill")
    assert (pipeline.folder / "redteam" / "stage.json").exists()
    assert not (pipeline.folder / "distill").exists()
    assert not (pipeline.folder / "report").exists()


def test_a_refused_recipe_does_not_take_the_place_of_the_one_the_results_come_from(
    pipeline: Pipeline,
) -> None:
    pipeline.run_stage("distill")
    pipeline.run_stage("verify")
    lock = pipeline.folder / "recipe.lock.json"
    before = lock.read_text("utf-8")
    changed = load_recipe(RECIPE, profile="micro", overrides=["distill.temperature=0.9"])
    edited = Pipeline(changed, pipeline.folder, Console(quiet=True))
    with pytest.raises(PurpcodeError, match=r"distill\.temperature was 0\.5, now 0\.9"):
        edited.run()
    assert lock.read_text("utf-8") == before
    assert json.loads(before)["recipe"]["distill"]["temperature"] == 0.5


@pytest.mark.parametrize("stage", ["distill", "verify", "select", "sft", "rl", "eval", "report"])
def test_a_stage_out_of_order_says_which_one_is_missing(tmp_path: Path, stage: str) -> None:
    empty = Pipeline(load_recipe(RECIPE, profile="micro"), tmp_path, Console(quiet=True))
    with pytest.raises(PurpcodeError, match=r"stage '\w+' is not complete"):
        empty.run_stage(stage)


def test_analyzers_held_out_for_evaluation_are_not_those_of_training(tmp_path: Path) -> None:
    held = load_recipe(RECIPE, profile="micro", overrides=['eval.analyzers=["bandit"]'])
    made = Pipeline(held, tmp_path, Console(quiet=True))
    made.run_stage("redteam")
    trained, measured = made._open_panel(), made._open_eval_panel()
    assert "ruff" in trained.fingerprints()["secure_code"]
    assert "ruff" not in measured.fingerprints()["secure_code"]


def test_without_held_out_analyzers_training_and_evaluation_judge_alike(pipeline: Pipeline) -> None:
    assert pipeline._open_eval_panel() is pipeline._open_panel()
