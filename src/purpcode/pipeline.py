"""The whole recipe, top to bottom: each stage one method with its inputs and outputs named.

    redteam → distill → verify → select → sft → rl → eval → report

A stage that is complete with the same inputs is not done again; a killed one continues.
"""

from __future__ import annotations

import json
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from purpcode.errors import PurpcodeError
from purpcode.models.embedded import resolve_model
from purpcode.models.registry import describe_endpoint, model_kind, open_model
from purpcode.oracles.judge import HEURISTIC
from purpcode.oracles.oracle import Panel
from purpcode.oracles.registry import open_panel
from purpcode.recipe import Recipe, lock
from purpcode.records import read_records, write_json_atomic, write_records
from purpcode.redteam import RedteamDataset, load_dataset, run_redteam, sources_digest
from purpcode.rule_learning import (
    MaskedRow,
    Selection,
    TrainingRow,
    VerifiedRollout,
    choose_prompts,
    contexts_digest,
    demonstration_rows,
    distill,
    preview,
    select,
    train_sft,
    verified_rows,
    verify,
)
from purpcode.rules import load_rules
from purpcode.run_folder import Stage, StageState, digest_of, file_digest, folder_digest
from purpcode.stage_work import StageWork, outcome_counts, stage_work
from purpcode.types import Rollout, Sample

if TYPE_CHECKING:
    from rich.console import Console

    from purpcode.reports import ReportPaths

STAGES = ("redteam", "distill", "verify", "select", "sft", "rl", "eval", "report")
"""The stages in their order."""


class Pipeline:
    """A recipe at work in its run folder."""

    def __init__(self, recipe: Recipe, folder: Path, console: Console) -> None:
        self.recipe = recipe
        self.folder = folder
        self.console = console
        self._panel: Panel | None = None
        self._digest: str | None = None

    def run(self) -> None:
        """All stages, each reused, continued or begun."""
        self._model_folder()
        for name in STAGES:
            self.run_stage(name)
            if name == "redteam":
                self._open_panel()  # a missing sandbox or judge shows before hours of sampling

    def run_stage(self, name: str) -> None:
        """One stage; those before it must be complete.

        Raises:
            PurpcodeError: an earlier stage is missing, or this one was made from other inputs.
        """
        getattr(self, f"_{name}")()

    def redo(self, name: str) -> None:
        """Forget a stage and all after it."""
        for later in reversed(STAGES[STAGES.index(name) :]):
            folder = self.folder / later
            # First: a stage half deleted by a kill must not look complete.
            (folder / "stage.json").unlink(missing_ok=True)
            if folder.exists():
                shutil.rmtree(folder)

    def preview_sft(self, rows: int) -> list[MaskedRow]:
        """The first selected rows as the SFT trainer sees them, trained tokens marked."""
        self._state("select")
        selected = read_records(self.folder / "select" / "records.jsonl", TrainingRow)
        return preview(selected[:rows], self.recipe.sft, model_path=self._model_folder())

    # --- the stages ---------------------------------------------------------------------------

    def _redteam(self) -> None:
        inputs = {"seed": self.recipe.seed, "sources": sources_digest()}
        with self._stage("redteam", inputs, self.recipe.redteam) as work:
            if work is None:
                return
            data = run_redteam(self.recipe.redteam, self.recipe.seed, work.folder)
            for file in ("train.jsonl", "heldout.jsonl", "demonstrations.jsonl"):
                work.state.outputs[file] = file_digest(work.folder / file)
            work.state.counts = {
                "train": len(data.train),
                "heldout": len(data.heldout),
                "dropped": len(data.dropped),
            }

    def _distill(self) -> None:
        inputs = {"seed": self.recipe.seed, **self._made("redteam", "train.jsonl")}
        inputs["model"] = self._model_digest()
        rules = {rule.id: rule for rule in load_rules()}
        inputs["contexts"] = contexts_digest(rules)
        with self._stage("distill", inputs, self.recipe.distill) as work:
            if work is None:
                return
            prompts = self._distilled_prompts()
            model = open_model(self.recipe.model)
            with work.progress(len(prompts) * self.recipe.distill.samples) as bar:
                rollouts = distill(
                    model,
                    prompts,
                    rules,
                    self.recipe.distill,
                    seed=self.recipe.seed,
                    path=work.folder / "records.jsonl",
                    on_progress=bar.advance,
                )
            model.close()
            work.state.outputs["records.jsonl"] = file_digest(work.folder / "records.jsonl")
            unanswered = sum(r.completion.stop_reason == "error" for r in rollouts)
            if unanswered == len(rollouts):
                raise PurpcodeError(f"the model '{self.recipe.model}' answered no prompt")
            work.state.counts = {
                "prompts": len(prompts),
                "rollouts": len(rollouts) - unanswered,
                "unanswered": unanswered,
            }

    def _verify(self) -> None:
        panel = self._open_panel()
        inputs = {"oracles": panel.fingerprints(), **self._made("distill", "records.jsonl")}
        inputs |= self._made("redteam", "train.jsonl")
        inputs["require_format"] = self.recipe.select.require_format
        with self._stage("verify", inputs) as work:
            if work is None:
                return
            rollouts = read_records(self.folder / "distill" / "records.jsonl", Rollout)
            with work.progress(len(rollouts)) as bar:
                verified = verify(
                    rollouts,
                    {sample.id: sample for sample in self._data().train},
                    panel,
                    require_format=self.recipe.select.require_format,
                    path=work.folder / "records.jsonl",
                    on_progress=bar.advance,
                )
            work.state.outputs["records.jsonl"] = file_digest(work.folder / "records.jsonl")
            work.state.counts = outcome_counts(verified)
            if work.state.counts["unmeasured"] == len(verified):
                raise PurpcodeError(
                    f"none of {len(verified)} rollouts could be judged",
                    hint=f"{work.folder / 'records.jsonl'} says why; the same command tries again.",
                )

    def _select(self) -> None:
        panel = self._open_panel()
        inputs = {"oracles": panel.fingerprints(), **self._made("verify", "records.jsonl")}
        inputs |= self._made("distill", "records.jsonl") | self._made("redteam", "train.jsonl")
        inputs |= self._made("redteam", "demonstrations.jsonl")
        inputs |= {"seed": self.recipe.seed, "distill.prompts": self.recipe.distill.prompts}
        inputs["distill.samples"] = self.recipe.distill.samples
        with self._stage("select", inputs, self.recipe.select) as work:
            if work is None:
                return
            selection = self._selection()
            shown, rejected, unmeasured = self._verified_demonstrations(selection)
            rows = [*selection.rows, *shown]
            write_records(work.folder / "records.jsonl", rows)
            write_json_atomic(work.folder / "easy.json", list(selection.easy))
            work.state.outputs["records.jsonl"] = file_digest(work.folder / "records.jsonl")
            work.state.outputs["easy.json"] = file_digest(work.folder / "easy.json")
            work.state.counts = {
                **selection.counts,
                "demonstrations": len(shown),
                "demonstrations_rejected": rejected,
                "demonstrations_unmeasured": unmeasured,
            }
            work.state.notes = _selection_notes(selection, len(shown))

    def _sft(self) -> None:
        inputs = {"seed": self.recipe.seed, **self._made("select", "records.jsonl")}
        inputs["model"] = self._model_digest()
        with self._stage("sft", inputs, self.recipe.sft, free=("save_every_steps",)) as work:
            if work is None:
                return
            rows = read_records(self.folder / "select" / "records.jsonl", TrainingRow)
            with work.progress(None) as bar:
                work.state.counts = train_sft(
                    rows,
                    self.recipe.sft,
                    model_path=self._model_folder(),
                    out_dir=work.folder,
                    seed=self.recipe.seed,
                    on_progress=bar.set,
                )
            work.state.outputs["model"] = folder_digest(work.folder / "model")

    def _rl(self) -> None:
        from purpcode.rl import train_rl

        panel = self._open_panel()
        inputs: dict[str, Any] = {"seed": self.recipe.seed, "oracles": panel.fingerprints()}
        inputs |= self._made("sft", "model") | self._made("select", "easy.json")
        inputs |= self._made("redteam", "train.jsonl")
        with self._stage("rl", inputs, self.recipe.rl, free=("save_every_updates",)) as work:
            if work is None:
                return
            with work.progress(self.recipe.rl.updates) as bar:
                result = train_rl(
                    self.recipe.rl,
                    model_path=self.folder / "sft" / "model",
                    samples=self._rl_samples(),
                    panel=panel,
                    out_dir=work.folder,
                    seed=self.recipe.seed,
                    on_progress=lambda done, total, _: bar.set(done, total),
                )
            work.state.counts = {"updates": result.updates, **result.metrics}
            work.state.outputs["model"] = folder_digest(work.folder / "model")

    def _eval(self) -> None:
        from purpcode.evals.command import judge_line
        from purpcode.evals.stage import evaluate_model

        panel = self._open_panel()
        inputs: dict[str, Any] = {"oracles": panel.fingerprints(), "base": self._model_digest()}
        inputs |= {"seed": self.recipe.seed, **self._made("redteam", "heldout.jsonl")}
        for label, stage in (("rule-learned", "sft"), ("rl", "rl")):
            if label in self.recipe.eval.models:
                inputs |= self._made(stage, "model")
        with self._stage("eval", inputs, self.recipe.eval) as work:
            if work is None:
                return
            suite = self._data().heldout
            judge = judge_line(self.recipe.oracles)
            labels = self.recipe.eval.models
            with work.progress(len(suite) * len(labels)) as bar:
                for label in labels:
                    scored = evaluate_model(
                        self._open_trained(label),
                        suite,
                        panel,
                        self.recipe.eval,
                        work.folder / label,
                        label=label,
                        judge=judge,
                        seed=self.recipe.seed,
                        on_progress=bar.advance,
                    )
                    work.state.counts[label] = outcome_counts(scored)
            write_json_atomic(work.folder / "order.json", list(labels))

    def _report(self) -> None:
        from purpcode.reports import print_summary, write_report

        self._state("eval")
        paths: ReportPaths = write_report(self.folder, self.folder / "report")
        print_summary(paths.table, paths.html, self.console)

    # --- what the stages share ----------------------------------------------------------------

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
        if self._panel is None:
            data = self._data()
            names = {name for sample in (*data.train, *data.heldout) for name in sample.oracles}
            self._announce_judge()
            self._panel = open_panel(self.recipe.oracles, sorted({*names, "answer_format"}))
        return self._panel

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

            return Path(snapshot_download(self.recipe.model))
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


def _selection_notes(selection: Selection, shown: int) -> list[str]:
    distilled = selection.counts["distilled_rows"]
    prompts = selection.counts["prompts"]
    notes = [f"The model answered {distilled} of {prompts} prompts well enough to learn from."]
    if shown:
        notes.append(
            f"{shown} written demonstrations are mixed in with {distilled} self-distilled rows"
            " (select.demonstrations)."
        )
    return notes
