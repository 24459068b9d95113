"""The whole recipe, top to bottom: each stage one method with its inputs and outputs named.

    redteam → distill → verify → select → sft → rl → eval → report

A stage that is complete with the same inputs is not done again; a killed one continues.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from purpcode.errors import PurpcodeError
from purpcode.models.registry import open_model
from purpcode.records import read_records, write_json_atomic, write_records
from purpcode.redteam import run_redteam, sources_digest
from purpcode.rule_learning import (
    MaskedRow,
    Selection,
    TrainingRow,
    contexts_digest,
    distill,
    preview,
    train_sft,
    verify,
)
from purpcode.rules import load_rules
from purpcode.run_folder import file_digest, folder_digest
from purpcode.run_inputs import RunInputs
from purpcode.stage_work import outcome_counts
from purpcode.types import Rollout

if TYPE_CHECKING:
    from purpcode.reports import ReportPaths

STAGES = ("redteam", "distill", "verify", "select", "sft", "rl", "eval", "report")
"""The stages in their order."""


class Pipeline(RunInputs):
    """A recipe at work in its run folder."""

    def run(self) -> None:
        """All stages, each reused, continued or begun."""
        self._model_folder()
        for name in STAGES:
            self.run_stage(name)
            if name == "redteam":
                self._open_panel()  # a missing sandbox or judge shows before hours of sampling
                self._open_eval_panel()

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

        panel = self._open_eval_panel()
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
                        prices=self.recipe.prices,
                        on_progress=bar.advance,
                    )
                    work.state.counts[label] = outcome_counts(scored)
            write_json_atomic(work.folder / "order.json", list(labels))

    def _report(self) -> None:
        from purpcode.reports import print_summary, write_report

        self._state("eval")
        paths: ReportPaths = write_report(self.folder, self.folder / "report")
        print_summary(paths.table, paths.html, self.console)


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
