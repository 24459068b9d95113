"""The command line. Importing this is cheap: every command imports what it needs when it runs.

Exit codes: 0 ok, 1 a check failed, 2 wrong usage or input, 70 a bug, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter, validators

from purpcode import __version__
from purpcode.commands.evaluate import TaskOptions
from purpcode.commands.recipe_work import RecipeWork, RunOptions
from purpcode.errors import PurpcodeError

StageName = Literal["redteam", "distill", "verify", "select", "sft", "rl", "eval", "report"]
Topic = Literal[
    "stages", "rules", "detections", "cheats", "strategies", "analyzers", "oracles", "sandboxes",
    "models", "benchmarks", "settings",
]  # fmt: skip

_Count = Annotated[int, Parameter(validator=validators.Number(gte=1))]
_Recipe = Annotated[Path, Parameter(help="A TOML recipe.")]

EXIT_BUG = 70
"""What sysexits.h calls an internal software error."""
_FULL_DISK_HINT = "Free space; what was written is kept and the same command continues from there."

app = App(
    name="purpcode",
    help="Make code-writing language models cyber-safe, prove it, and ship it.",
    version=__version__,
)
train = App(name="train", help="The two training stages of a recipe.")
analyzers = App(name="analyzers", help="How right the static analyzers are.")
judges = App(name="judges", help="How often a judge is right.")
doctor = App(name="doctor", help="Say what works on this machine, and how to get what does not.")
data = App(name="data", help="Bring benchmarks' data from their projects' checkouts.")
for _group in (train, analyzers, judges, doctor, data):
    app.command(_group)

# By import path, so that a command's module is loaded only when it is asked for.
app.command(
    "purpcode.commands.scan:scan",
    name="scan",
    help="Find weaknesses in files or folders of code; exit 1 where there are any.",
)
app.command(
    "purpcode.commands.reward_lint:reward_lint",
    name="reward-lint",
    help="Try a library of cheating answers on a recipe's rewards; exit 1 where one pays.",
)
app.command(
    "purpcode.commands.compare:compare",
    name="compare",
    help="Compare two evaluations, answer by answer.",
)
app.command(
    "purpcode.commands.gate:gate",
    name="gate",
    help="Exit 1 unless a tuned model is safer and no less useful than its base.",
)
app.command(
    "purpcode.commands.score:score_again",
    name="score",
    help="Judge saved answers again with other oracles, without the model.",
)
analyzers.command(
    "purpcode.commands.analyzers:evaluate",
    name="evaluate",
    help="How often the analyzers are right on a labelled set of code.",
)
analyzers.command(
    "purpcode.commands.analyzers:export_examples",
    name="export",
    help="The paired examples of purpcode's own rules as a labelled set.",
)
analyzers.command(
    "purpcode.commands.analyzers:import_set",
    name="import",
    help="Turn a published set of code into a labelled set.",
)
judges.command(
    "purpcode.commands.judges:evaluate",
    name="evaluate",
    help="Hold a judge against labelled conversations.",
)
doctor.command(
    "purpcode.commands.doctor_sandbox:doctor_sandbox",
    name="sandbox",
    help="Try every sandbox backend and show what each prevents.",
)
data.command(
    "purpcode.commands.data:import_data",
    name="import",
    help="Turn a benchmark's upstream checkout or file into its rows.",
)
data.command(
    "purpcode.commands.data:list_data",
    name="list",
    help="Say which benchmarks' data is where.",
)


_DEFAULTS = RunOptions()
_ASK = TaskOptions()


@app.command
def run(recipe: Path, *, options: RunOptions = _DEFAULTS, redo: StageName | None = None) -> None:
    """Run every stage of a recipe; continue where an earlier run stopped.

    Parameters
    ----------
    recipe
        A TOML recipe.
    redo
        Forget this stage and all after it, and do them again.
    """
    with RecipeWork(recipe, options) as pipeline:
        if redo:
            pipeline.redo(redo)
        pipeline.run()


@app.command
def redteam(recipe: _Recipe, *, options: RunOptions = _DEFAULTS) -> None:
    """Turn security rules and seeds into training and held-out prompts."""
    _stage("redteam", recipe, options)


@app.command
def distill(recipe: _Recipe, *, options: RunOptions = _DEFAULTS) -> None:
    """Sample rollouts with the guidelines and rules in the model's context."""
    _stage("distill", recipe, options)


@app.command
def verify(recipe: _Recipe, *, options: RunOptions = _DEFAULTS) -> None:
    """Judge the rollouts with the oracles of their samples."""
    _stage("verify", recipe, options)


@app.command
def select(recipe: _Recipe, *, options: RunOptions = _DEFAULTS) -> None:
    """Keep the best verified rollout per prompt and list the easy prompts."""
    _stage("select", recipe, options)


@train.command(name="sft")
def train_sft(
    recipe: _Recipe, *, options: RunOptions = _DEFAULTS, preview: _Count | None = None
) -> None:
    """Fine-tune on the selected rows, without the context that produced them.

    Parameters
    ----------
    preview
        Only show this many rows, with the tokens that carry loss marked.
    """
    if preview is None:
        _stage("sft", recipe, options)
        return
    from purpcode.listing import print_preview

    with RecipeWork(recipe, options) as pipeline:
        print_preview(pipeline.preview_sft(preview))


@train.command(name="rl")
def train_rl(recipe: _Recipe, *, options: RunOptions = _DEFAULTS) -> None:
    """Reinforcement learning with single-step dynamic sampling on the oracles' rewards."""
    _stage("rl", recipe, options)


@app.command(name="eval")
def evaluate(
    recipe: Path | None = None,
    *,
    options: RunOptions = _DEFAULTS,
    ask: TaskOptions = _ASK,
    validate: bool = False,
    chaos: str | None = None,
) -> None:
    """Evaluate: the models of a recipe's run, or any model on one benchmark.

    Parameters
    ----------
    recipe
        Evaluate this recipe's base and trained models on its held-out suite.
    validate
        Prove without a model that benchmarks score right answers 1 and wrong ones 0.
    chaos
        Break parts, such as analyzer=down,judge=garbage,sandbox=down, and show that what they
        would have judged is unmeasured: of the package's own rows, of --folder (saved results,
        left as they are), or of the rows of --task and --data.
    """
    from purpcode.commands.evaluate import drill_own, evaluate_task, validate_benchmarks

    if validate:
        validate_benchmarks(ask.task, judge=ask.judge)
    elif chaos is not None:
        drill_own(chaos, ask)
    elif recipe is None:
        evaluate_task(ask)
    elif ask.task or ask.model:
        raise PurpcodeError("give a recipe, or --task and --model, not both")
    else:
        _stage("eval", recipe, options)


@app.command
def report(
    *sources: Path,
    options: RunOptions = _DEFAULTS,
    out: Path | None = None,
    model_card: Path | None = None,
) -> None:
    """Write a report (HTML, Markdown, JSON) on a run or on evaluations, and print its table.

    Parameters
    ----------
    sources
        A recipe, its run folder, or any number of evaluation folders.
    out
        Folder of the report on folders; by default `report` in the first of them.
    model_card
        Write the evaluation section of a model card to this Markdown file.
    """
    if len(sources) == 1 and sources[0].is_file():
        _stage("report", sources[0], options)
        return
    from purpcode.commands.report import report_folders

    report_folders(sources, out=out, model_card=model_card)


@app.command(name="list")
def list_(
    topic: Topic | None = None, *, by: Literal["cwe"] | None = None, json: bool = False
) -> None:
    """List what is there: stages, rules, oracles, models, recipe settings ...

    Parameters
    ----------
    topic
        What to list; without one, the topics and how many entries each has.
    by
        `list rules --by cwe`: what finds each CWE, and which cannot be seen in code alone.
    json
        Print JSON.
    """
    from purpcode.listing import print_listing

    if by is not None and topic != "rules":
        raise PurpcodeError("only `list rules` can be ordered --by cwe")
    print_listing("coverage" if by else topic, as_json=json)


@doctor.default
def examine(*, json: bool = False) -> None:
    """Say for each part whether it works on this machine, and how to get it if not.

    Parameters
    ----------
    json
        Print JSON.
    """
    from purpcode.doctor import print_examination

    if not print_examination(as_json=json):
        raise SystemExit(1)


def _stage(name: str, recipe: Path, options: RunOptions) -> None:
    with RecipeWork(recipe, options) as pipeline:
        pipeline.run_stage(name)


def main() -> None:
    """Entry point: errors a user can act on end in one message and exit code 2."""
    try:
        app(exit_on_error=False, print_error=False)
    except (PurpcodeError, CycloptsError) as error:
        print(f"purpcode: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("\npurpcode: interrupted; the same command continues", file=sys.stderr)
        raise SystemExit(130) from None
    except OSError as error:
        print(f"purpcode: {_system_message(error)}", file=sys.stderr)
        raise SystemExit(2) from None
    except Exception as error:
        if "No space left on device" not in str(error):  # torch and safetensors have own errors
            traceback.print_exc()
            print("purpcode: this is a bug; please report it with the above", file=sys.stderr)
            raise SystemExit(EXIT_BUG) from None
        print(f"purpcode: the disk is full ({error})\n  {_FULL_DISK_HINT}", file=sys.stderr)
        raise SystemExit(2) from None


def _system_message(error: OSError) -> str:
    if os.environ.get("PURPCODE_DEBUG"):
        raise error
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error} (set PURPCODE_DEBUG=1 for the traceback)"
