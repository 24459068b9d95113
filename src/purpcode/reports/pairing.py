"""Samples of several models put together: what is one question, and what is counted of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from purpcode.errors import InputError
from purpcode.evals.rates import fold
from purpcode.evals.results import EvalHeader, ScoredSample
from purpcode.reports.protocol import Kind

SampleKey = tuple[str, int]
"""What pairs answers of two models: the sample's id and which of its answers this is."""

Measure = tuple[str, str, str]
"""Objective, part and metric; the metric is "" where only `passed` is counted."""


@dataclass(frozen=True)
class ModelResults:
    """One evaluated model: its header and its scored samples."""

    header: EvalHeader
    samples: tuple[ScoredSample, ...]
    folder: Path | None = None
    """Where it was read from."""

    @property
    def label(self) -> str:
        """Its short name in tables."""
        return self.header.label


def keyed_samples(
    models: Sequence[ModelResults], allow: Collection[Kind] = ()
) -> list[dict[SampleKey, ScoredSample]]:
    """Each model's samples by what pairs them.

    One id that stands for different questions is refused; where different data are allowed, the
    two are samples of their own, each without a record under the other model. Where different
    asking is allowed, a question that the user's own code rewrote is still the same one.

    Raises:
        InputError: also when a model has a sample twice.
    """
    keyed = [_by_key(model) for model in models]
    for model, samples in zip(models[1:], keyed[1:], strict=True):
        rewritten = "asking" in allow and _transform(models[0]) != _transform(model)
        known = keyed[0]
        for key in [
            key for key, one in samples.items() if _is_other(known.get(key), one, rewritten)
        ]:
            if "data" not in allow:
                raise InputError(
                    f"the sample id '{key[0]}' stands for different samples under different models",
                    hint="Evaluate the models on the same suite.",
                )
            samples[f"{key[0]} ({model.label})", key[1]] = samples.pop(key)
    return keyed


def _by_key(model: ModelResults) -> dict[SampleKey, ScoredSample]:
    found: dict[SampleKey, ScoredSample] = {}
    for sample in model.samples:
        key = sample.sample_id, sample.index
        if key in found:
            raise InputError(f"'{model.label}' has the sample '{sample.sample_id}' twice")
        found[key] = sample
    return found


def _is_other(baseline: ScoredSample | None, sample: ScoredSample, rewritten: bool) -> bool:
    """System messages may differ between models (a reminder of the rules); questions may not,
    unless they were rewritten."""
    if baseline is None:
        return False
    same_row = (baseline.objective, baseline.part) == (sample.objective, sample.part)
    return not same_row or (not rewritten and _question(baseline) != _question(sample))


def _transform(model: ModelResults) -> str:
    return model.header.asking.transform if model.header.asking else ""


def _question(sample: ScoredSample) -> list[str]:
    return [message.content for message in sample.messages if message.role == "user"]


def measures(sample: ScoredSample) -> list[Measure]:
    """The rows of a table in which a sample counts."""
    metrics = [""] if set(sample.outcomes) <= {"passed"} else list(sample.outcomes)
    return [(sample.objective, sample.part, metric) for metric in metrics]


def headline_metric(sample: ScoredSample) -> str:
    """The metric a sample is shown by: its first, which is its benchmark's headline."""
    return measures(sample)[0][2]


def outcome(sample: ScoredSample | None, metric: str) -> bool | None:
    """Passed, failed or unmeasured; a sample without a record is unmeasured."""
    if sample is None:
        return None
    return sample.outcomes.get(metric) if metric else sample.passed


def conversations_of(
    by_model: Sequence[Mapping[SampleKey, ScoredSample]],
) -> dict[SampleKey, SampleKey]:
    """Key of a turn → key of the course of the conversation that it belongs to."""
    return {
        key: (sample.conversation, sample.index)
        for samples in by_model
        for key, sample in samples.items()
        if sample.conversation
    }


def counted_once(
    outcomes: Mapping[SampleKey, bool | None], conversations: Mapping[SampleKey, SampleKey]
) -> dict[SampleKey, bool | None]:
    """Outcomes of which those of a conversation's turns are one: passed when all of them passed,
    as in an evaluation's own rates."""
    found: dict[SampleKey, list[bool | None]] = {}
    for key, passed in outcomes.items():
        found.setdefault(conversations.get(key, key), []).append(passed)
    return {key: fold(turns) for key, turns in found.items()}


def clusters(
    by_model: Sequence[Mapping[SampleKey, ScoredSample]],
) -> Callable[[SampleKey], Hashable]:
    """What answers depend on each other: draws of one prompt or conversation, and its turns."""
    conversations = conversations_of(by_model)
    return lambda key: conversations.get(key, key)[0]
