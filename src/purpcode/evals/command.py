"""One model, one benchmark, from prompts to a table of rates: what `purpcode eval` does."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from purpcode.conversation import trim_earlier_thoughts
from purpcode.errors import InputError
from purpcode.evals.registry import TaskInfo, find_task
from purpcode.evals.results import ScoredSample
from purpcode.evals.stage import generate_completions, score_rollouts
from purpcode.evals.statistics import Rate
from purpcode.models.embedded import resolve_model
from purpcode.models.model import LanguageModel, Sampling
from purpcode.models.registry import describe_endpoint, model_kind, open_model
from purpcode.oracles.judge import HEURISTIC, open_judge
from purpcode.oracles.registry import open_panel
from purpcode.oracles.settings import OracleSettings
from purpcode.records import read_records, write_json_atomic
from purpcode.run_folder import folder_digest
from purpcode.types import Message, Sample

Say = Callable[[str], None]

BACKENDS = ("hf", "vllm", "openai", "bedrock")


class EvalSettings(BaseModel):
    """What to evaluate, how to ask and how to judge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    """Benchmark, by its short or published name."""
    model: str
    """Any model name the models room opens."""
    data: Path | None = None
    """JSONL file of samples; unset means the suite the package builds from its own seeds."""
    folder: Path | None = None
    """Where results go; unset means results/<benchmark>/<label>."""
    label: str | None = None
    """Short name of the model in tables and folders; unset means the model name's last part."""
    sampling: Sampling = Sampling(max_tokens=1024)
    batch_size: int = Field(64, ge=1)
    """Prompts asked together."""
    backend: str | None = None
    """What runs the model: hf, vllm, openai or bedrock; unset lets the model's name decide."""
    tensor_parallel: int = Field(1, ge=1)
    """GPUs a vLLM model is spread over."""
    base_url: str | None = None
    """Where the model's service listens, when not at its provider's own address."""
    system_prompt: bool = False
    """Put the reminder of the safety guidelines before prompts without a system message."""
    trim_thinking: bool = True
    """Reduce earlier assistant turns to their answers."""
    transform_conversation: Path | None = None
    """Python file of yours; its `transform_conversation(row)` rewrites each row's messages."""
    oracles: OracleSettings = OracleSettings()


@dataclass(frozen=True)
class EvalOutcome:
    """An evaluation's results and the folder that holds them."""

    folder: Path
    samples: tuple[ScoredSample, ...]

    @property
    def rates(self) -> dict[tuple[str, str], Rate]:
        """(objective, part) → rate, in order of appearance."""
        outcomes: dict[tuple[str, str], list[bool | None]] = {}
        for sample in self.samples:
            outcomes.setdefault((sample.objective, sample.part), []).append(sample.passed)
        return {row: Rate.of(passed) for row, passed in outcomes.items()}


def run_eval(settings: EvalSettings, *, say: Say = print) -> EvalOutcome:
    """Ask the model, judge its answers, print the rates and where the results are.

    A killed run continues with the same settings.

    Raises:
        InputError: unusable settings or data.
        UnavailableError: the model, the judge or another part cannot be used.
    """
    task = find_task(settings.task)
    samples = prepare_samples(load_samples(settings), settings)
    spec = model_spec(settings.model, settings.backend)
    label = settings.label or Path(settings.model).name
    folder = settings.folder or Path("results") / task.published.split("/")[-1] / _safe(label)
    _announce(task, len(samples), spec, settings, say)
    panel = open_panel(settings.oracles, dict.fromkeys(o for s in samples for o in s.oracles))
    _require_same_weights(folder, spec)
    model = _open(spec, settings)
    try:
        rollouts = generate_completions(
            model,
            samples,
            settings.sampling,
            folder / "rollouts.jsonl",
            batch_size=settings.batch_size,
            on_progress=_progress(len(samples), say),
        )
    finally:
        model.close()
    scored = score_rollouts(
        samples,
        rollouts,
        panel,
        folder,
        label=label,
        model=spec,
        sampling=settings.sampling.model_dump(),
        judge=judge_line(settings.oracles),
        suite=task.name,
    )
    outcome = EvalOutcome(folder, tuple(scored))
    _report(outcome, task, label, say)
    return outcome


def load_samples(settings: EvalSettings) -> list[Sample]:
    """The benchmark's samples: from `data`, else the held-out suite of the package's own seeds.

    Raises:
        InputError: the file is missing, malformed or empty.
    """
    if settings.data is not None:
        samples = read_records(settings.data, Sample)
        if not samples:
            raise InputError("holds no samples", path=settings.data)
        return samples
    from purpcode.redteam import RedteamSettings, build_dataset
    from purpcode.rules import load_catalogue

    return build_dataset(load_catalogue(), RedteamSettings(), settings.sampling.seed).heldout


def prepare_samples(samples: Sequence[Sample], settings: EvalSettings) -> list[Sample]:
    """The samples as the model is to be asked them."""
    from purpcode.rules import SYSTEM_REMINDER

    transform = _load_transform(settings.transform_conversation)
    prepared: list[Sample] = []
    for sample in samples:
        messages = transform(sample) if transform else list(sample.messages)
        if settings.trim_thinking:
            messages = trim_earlier_thoughts(messages)
        if settings.system_prompt and messages[0].role != "system":
            messages = [Message(role="system", content=SYSTEM_REMINDER), *messages]
        prepared.append(sample.model_copy(update={"messages": tuple(messages)}))
    return prepared


def model_spec(model: str, backend: str | None) -> str:
    """The model's name with a backend made explicit.

    Raises:
        InputError: no such backend, or one that cannot run this model.
    """
    if backend is None:
        return model
    if backend not in BACKENDS:
        raise InputError(f"no backend '{backend}'", hint=f"Backends: {', '.join(BACKENDS)}")
    if backend == "hf" or model.startswith(f"{backend}/"):
        return model
    if model.startswith(("embedded/", "scripted:")):
        raise InputError(f"backend '{backend}' cannot run '{model}'", hint="Leave out --backend.")
    return f"{backend}/{model}"


def judge_line(settings: OracleSettings) -> str:
    """The judge's name and agreement with the calibration set, as reports show it.

    The figures are those that were measured when the panel was opened, for the questions it asks;
    a model judge that no panel asks anything costs no calibration here.
    """
    from purpcode.oracles.calibration import QUESTIONS, calibrate, known_agreement

    judge = open_judge(settings)
    measured = known_agreement(judge)
    if not measured and settings.judge == HEURISTIC:
        measured = [calibrate(judge, question) for question in QUESTIONS]
    return f"{judge.name} ({'; '.join(map(str, measured)) or 'not asked'})"


def _open(spec: str, settings: EvalSettings) -> LanguageModel:
    parallel = spec.startswith("vllm/") and settings.tensor_parallel > 1
    local = model_kind(spec) in ("embedded", "folder", "hub")
    return open_model(
        spec,
        # On this machine the model's own default holds: it is what fits in memory.
        batch_size=None if local else settings.batch_size,
        base_url=settings.base_url,
        model_args={"tensor_parallel_size": settings.tensor_parallel} if parallel else None,
    )


def _require_same_weights(folder: Path, spec: str) -> None:
    """A model folder keeps its name when it is trained anew; saved answers are then another's."""
    if model_kind(spec) not in ("embedded", "folder"):
        return
    noted = folder / "weights.json"
    weights = {"model": spec, "digest": folder_digest(resolve_model(spec))}
    if noted.exists() and json.loads(noted.read_text(encoding="utf-8")) != weights:
        raise InputError(
            f"the saved completions are of other weights than '{spec}' has now",
            path=folder,
            hint="They belong to an earlier evaluation; move the folder away or write this"
            " evaluation to another one.",
        )
    write_json_atomic(noted, weights)


def _announce(task: TaskInfo, count: int, spec: str, settings: EvalSettings, say: Say) -> None:
    say(f"{task.published}: {count} samples, model {spec}, judge {settings.oracles.judge}")
    endpoint = describe_endpoint(spec, base_url=settings.base_url)
    if endpoint:
        say(f"  the model's prompts go to {endpoint}")
    judge = settings.oracles.judge
    endpoint = None if judge == HEURISTIC else describe_endpoint(judge)
    if endpoint:
        say(f"  the judge's prompts go to {endpoint}")


def _progress(total: int, say: Say) -> Callable[[int], None]:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        before, done = done, done + count
        if done * 10 // total > before * 10 // total:
            say(f"  asked {done} of {total}")

    return advance


def _report(outcome: EvalOutcome, task: TaskInfo, label: str, say: Say) -> None:
    say(f"\n{label} on {task.published}")
    names = {row: " ".join(filter(None, row)) for row in outcome.rates}
    width = max(map(len, names.values()))
    for row, rate in outcome.rates.items():
        say(f"  {names[row]:<{width}}  {rate}")
    say(f"\nResults: {outcome.folder / 'records.jsonl'}")
    say(f"Log:     inspect view --log-dir {outcome.folder / 'logs'}")


def _load_transform(path: Path | None) -> Callable[[Sample], list[Message]] | None:
    if path is None:
        return None
    spec = importlib.util.spec_from_file_location("transform_conversation", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError("is not a Python file", path=path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"cannot be run: {error}", path=path) from error
    function = getattr(module, "transform_conversation", None)
    if not callable(function):
        raise InputError("defines no function transform_conversation", path=path)

    def transform(sample: Sample) -> list[Message]:
        messages = [message.model_dump() for message in sample.messages]
        try:
            row = function({"task_id": sample.id, "messages": messages})
            return [Message.model_validate(message) for message in row["messages"]]
        except Exception as error:
            raise InputError(f"failed on sample '{sample.id}': {error}", path=path) from error

    return transform


def _safe(label: str) -> str:
    """A label as a folder name."""
    return re.sub(r"[^\w.-]+", "_", label).strip(".") or "model"
