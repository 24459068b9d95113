"""What the stages of a recipe's run are made from: data, models, oracles, and what earlier stages
made. A stage whose inputs changed is refused or done again, never mixed."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from purpcode.errors import PurpcodeError
from purpcode.models.embedded import resolve_model
from purpcode.models.registry import describe_endpoint, hub_id, model_kind, open_model
from purpcode.oracles.judge import HEURISTIC
from purpcode.oracles.oracle import Panel
from purpcode.oracles.registry import open_panel
from purpcode.recipe import Recipe, lock
from purpcode.records import read_records, write_json_atomic
from purpcode.redteam import RedteamDataset, load_dataset
from purpcode.rule_learning import (
    Selection,
    TrainingRow,
    VerifiedRollout,
    choose_prompts,
    demonstration_rows,
    select,
    verified_rows,
)
from purpcode.run_folder import Stage, StageState, digest_of, folder_digest
from purpcode.stage_work import StageWork, stage_work
from purpcode.types import Rollout, Sample

if TYPE_CHECKING:
    from rich.console import Console


class RunInputs:
    """A recipe, its run folder, and what its stages read."""

    def __init__(self, recipe: Recipe, folder: Path, console: Console) -> None:
        self.recipe = recipe
        self.folder = folder
        self.console = console
        self._panel: Panel | None = None
        self._eval_panel: Panel | None = None
        self._digest: str | None = None

    def _open_trained(self, label: str) -> Any:
        from purpcode.models.local import LocalModel

        batch = self.recipe.eval.batch_size
        if label == "base":
            return open_model(self.recipe.model, batch_size=batch)
        stage = {"rule-learned": "sft", "rl": "rl"}[label]
        return LocalModel(self.folder / stage / "model", name=label, batch_size=batch)

    def _selection(self) -> Selection:
        return select(
            self._distilled_prompts(),
            read_records(self.folder / "distill" / "records.jsonl", Rollout),
            read_records(self.folder / "verify" / "records.jsonl", VerifiedRollout),
            self.recipe.select,
            draws=self.recipe.distill.samples,
        )

    def _verified_demonstrations(self, selection: Selection) -> tuple[list[TrainingRow], int, int]:
        """Those that pass, and how many failed and could not be judged."""
        data = self._data()
        rows = demonstration_rows(
            data.train, data.demonstrations, selection.rows, self.recipe.select
        )
        samples = {sample.id: sample for sample in data.train}
        kept, unmeasured = verified_rows(rows, samples, self._open_panel(), self.recipe.select)
        return kept, len(rows) - len(kept) - unmeasured, unmeasured

    def _rl_samples(self) -> list[Sample]:
        easy = set(json.loads((self.folder / "select" / "easy.json").read_text(encoding="utf-8")))
        return [sample for sample in self._data().train if sample.id not in easy]

    def _distilled_prompts(self) -> list[Sample]:
        return choose_prompts(self._data().train, self.recipe.distill.prompts, self.recipe.seed)

    def _data(self) -> RedteamDataset:
        self._state("redteam")
        return load_dataset(self.folder / "redteam")

    def _open_panel(self) -> Panel:
        """The panel of training: rule learning's and RL's."""
        if self._panel is None:
            data = self._data()
            names = {name for sample in (*data.train, *data.heldout) for name in sample.oracles}
            self._announce_judge()
            self._panel = open_panel(self.recipe.oracles, sorted({*names, "answer_format"}))
        return self._panel

    def _open_eval_panel(self) -> Panel:
        """The panel of training, or one of its own where `eval.analyzers` holds others out."""
        if self.recipe.eval.analyzers is None:
            return self._open_panel()
        if self._eval_panel is None:
            names = {name for sample in self._data().heldout for name in sample.oracles}
            settings = self.recipe.oracles.model_copy(
                update={"analyzers": self.recipe.eval.analyzers}
            )
            self._eval_panel = open_panel(settings, sorted(names))
        return self._eval_panel

    def _announce_judge(self) -> None:
        judge = self.recipe.oracles.judge
        endpoint = None if judge == HEURISTIC else describe_endpoint(judge)
        if endpoint:
            self.console.print(f"the judge's prompts go to {endpoint}", markup=False)

    def _write_lock(self, panel: Panel) -> None:
        locked = lock(
            self.recipe,
            model_digest=self._model_digest(),
            datasets=self._state("redteam").outputs,
            oracle_fingerprints=panel.fingerprints(),
        )
        write_json_atomic(self.folder / "recipe.lock.json", locked)

    def _model_folder(self) -> Path:
        if model_kind(self.recipe.model) == "hub":
            from huggingface_hub import snapshot_download

            return Path(snapshot_download(hub_id(self.recipe.model)))
        return resolve_model(self.recipe.model)

    def _model_digest(self) -> str:
        if self._digest is None:
            self._digest = folder_digest(self._model_folder())
        return self._digest

    def _state(self, name: str) -> StageState:
        state = Stage(self.folder / name, name).load()
        if state is None or state.state != "complete":
            raise self._missing(name)
        return state

    def _made(self, stage: str, output: str) -> dict[str, Any]:
        recorded = self._state(stage).outputs[output]
        path = self.folder / stage / output
        if not path.exists() or digest_of(path) != recorded:
            raise PurpcodeError(
                f"{path}: is not what the stage '{stage}' made",
                hint=f"Redo it and all after it with --redo {stage}.",
            )
        return {f"{stage}/{output}": recorded}

    def _missing(self, name: str) -> PurpcodeError:
        return PurpcodeError(
            f"{self.folder}: stage '{name}' is not complete",
            hint="Run it first, or `purpcode run` to do every stage.",
        )

    def _stage(
        self,
        name: str,
        inputs: dict[str, Any],
        section: BaseModel | None = None,
        free: tuple[str, ...] = (),
    ) -> AbstractContextManager[StageWork | None]:
        """The stage's work, or None when it is complete. `free` fields do not decide its result."""
        fields = section.model_dump(mode="json", exclude=set(free)) if section else {}
        made_from = inputs | {f"{name}.{field}": value for field, value in fields.items()}
        stage = Stage(self.folder / name, name)
        # Only where something is made: a recipe that is refused, or that makes nothing new, must
        # not take the place of the one the results come from.
        if not stage.is_complete(made_from) and self._panel is not None:
            self._write_lock(self._panel)
        return stage_work(stage, made_from, self.console)
