"""From a task's name to the samples as the model is to be asked them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from purpcode.conversation import trim_earlier_thoughts
from purpcode.errors import InputError
from purpcode.evals.benchmarks.benchmark import Benchmark
from purpcode.evals.benchmarks.files import content_sha256
from purpcode.evals.benchmarks.registry import find_benchmark
from purpcode.evals.eval_settings import EvalSettings
from purpcode.evals.importing import load_rows, local_file
from purpcode.evals.oracle_choice import choose
from purpcode.evals.results import Asking, DataInfo
from purpcode.oracles.oracle import digest
from purpcode.records import read_records
from purpcode.types import Message, Sample


@dataclass(frozen=True)
class Questions:
    """The samples of a task, of which benchmark (None: the quick suite) and which rows."""

    samples: list[Sample]
    benchmark: Benchmark | None = None
    data: DataInfo | None = None

    @property
    def turn_by_turn(self) -> bool:
        """Whether each turn of the user is asked with the model's own earlier answers."""
        return self.benchmark is not None and self.benchmark.conversations


def load_questions(settings: EvalSettings, say: Callable[[str], None] = print) -> Questions:
    """The task's samples, those asked for, with the oracles the user chose. Says so before rows
    are fetched from the Hub.

    Raises:
        InputError: the data is missing, malformed, empty or partial, or a sample id is unknown.
        UnavailableError: the Hub cannot be reached.
    """
    benchmark = find_benchmark(settings.task)
    if benchmark is None:
        return Questions(_subset(load_samples(settings.data, settings.sampling.seed), settings))
    data = settings.data or _checkout(benchmark, settings)
    if data is None and local_file(benchmark) is None and benchmark.hub:
        say(f"{benchmark.published}: reading the dataset {benchmark.hub} from the Hugging Face Hub")
    loaded = load_rows(benchmark, data, allow_partial=settings.allow_partial)
    samples = benchmark.read(loaded.rows, loaded.path)
    return Questions(_subset(samples, settings), benchmark, loaded.info)


def _checkout(benchmark: Benchmark, settings: EvalSettings) -> Path | None:
    """The checkout that holds the benchmark's rows, where the user named it."""
    if benchmark.name.startswith("cyberseceval"):
        return settings.purplellama_path
    return settings.cweval_path if benchmark.name == "cweval" else None


def load_samples(data: Path | None = None, seed: int = 0) -> list[Sample]:
    """The quick suite's samples: from the JSONL file `data`, else built of the package's seeds.

    Raises:
        InputError: the file is missing, malformed or empty.
    """
    if data is not None:
        samples = read_records(data, Sample)
        if not samples:
            raise InputError("holds no samples", path=data)
        return samples
    from purpcode.redteam import RedteamSettings, build_dataset
    from purpcode.rules import load_catalogue

    return build_dataset(load_catalogue(), RedteamSettings(), seed).heldout


def _subset(samples: list[Sample], settings: EvalSettings) -> list[Sample]:
    chosen = choose(settings.oracle).oracles
    if settings.sample_ids:
        known = {sample.id: sample for sample in samples}
        unknown = [name for name in settings.sample_ids if name not in known]
        if unknown:
            raise InputError(
                f"no sample has the id '{unknown[0]}'",
                field="sample-id",
                hint=f"Ids look like '{samples[0].id}'.",
            )
        samples = [known[name] for name in dict.fromkeys(settings.sample_ids)]
    samples = samples[: settings.limit]
    if not chosen:
        return samples
    return [sample.model_copy(update={"oracles": chosen}) for sample in samples]


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


def asking_of(samples: Sequence[Sample], settings: EvalSettings, turns: bool = False) -> Asking:
    """What `prepare_samples` does to these samples; `turns`: the model's own answers become
    earlier turns, too."""
    from purpcode.rules import SYSTEM_REMINDER

    path = settings.transform_conversation
    earlier = turns or any(one.role == "assistant" for sample in samples for one in sample.messages)
    return Asking(
        system_prompt=digest(SYSTEM_REMINDER)[:8] if settings.system_prompt else "",
        trim_thinking=settings.trim_thinking if earlier else None,
        transform=f"{path.name} {content_sha256(path)[:8]}" if path else "",
    )


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
