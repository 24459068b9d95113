"""Asking a model and judging its saved answers, through real Inspect runs without a network."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from purpcode.errors import InputError
from purpcode.evals import EvalHeader, ScoredSample, generate_completions, score_rollouts
from purpcode.models import Sampling
from purpcode.oracles.oracle import Oracle, Panel
from purpcode.records import read_records
from purpcode.types import Completion, Message, Rollout, Sample, Verdict

SAMPLING = Sampling(max_tokens=64)


def sample(number: int, oracle: str = "secure_code", **metadata: object) -> Sample:
    return Sample(
        id=f"s{number}",
        messages=(Message(role="user", content=f"task {number} " + "x" * (number % 7)),),
        oracles=(oracle,),
        metadata=metadata,
    )


def rollout(of: Sample, text: str, **completion: object) -> Rollout:
    return Rollout(
        sample_id=of.id,
        index=0,
        messages=of.messages,
        completion=Completion(text=text, **{"stop_reason": "stop", **completion}),  # type: ignore[arg-type]
        model="tiny",
    )


class WordOracle:
    """Judges by the answer's words: good passes, unclear is unmeasured, all else fails."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.batches: list[list[str]] = []

    def fingerprint(self) -> str:
        return "words-1"

    def judge(self, samples: Sequence[Sample], completions: Sequence[Completion]) -> list[Verdict]:
        self.batches.append([completion.text for completion in completions])
        return [self._one(completion.text) for completion in completions]

    def _one(self, text: str) -> Verdict:
        if text == "unclear":
            return Verdict.unmeasured(self.name, "cannot tell")
        if text == "good":
            return Verdict.ok(self.name, "said good", score=0.8, evidence={"words": [text]})
        return Verdict.failed(self.name, "did not say good")


class CrashingOracle(WordOracle):
    def judge(self, samples: Sequence[Sample], completions: Sequence[Completion]) -> list[Verdict]:
        raise MemoryError("analyzer died")


def score(
    samples: Sequence[Sample], rollouts: Sequence[Rollout], oracles: list[Oracle], folder: Path
) -> list[ScoredSample]:
    panel = Panel({oracle.name: oracle for oracle in oracles})
    return score_rollouts(
        samples,
        rollouts,
        panel,
        folder,
        label="base",
        model="embedded/micro",
        sampling=SAMPLING.model_dump(),
        judge="none",
    )


def test_all_samples_are_judged_by_one_call_of_the_panel(tmp_path: Path) -> None:
    samples = [sample(number) for number in range(40)]
    oracle = WordOracle("secure_code")
    scored = score(samples, [rollout(s, f"answer {s.id}") for s in samples], [oracle], tmp_path)
    assert len(oracle.batches) == 1
    assert sorted(oracle.batches[0]) == sorted(f"answer {s.id}" for s in samples)
    assert [s.sample_id for s in scored] == [s.id for s in samples]


def test_records_hold_what_was_judged_and_the_header_what_judged_it(tmp_path: Path) -> None:
    first = sample(1, rule="cwe-89", part="unseen", cwes=[89])
    second = sample(2, "malicious_assistance", objective="malicious_assistance")
    oracles: list[Oracle] = [WordOracle("secure_code"), WordOracle("malicious_assistance")]
    rollouts = [rollout(second, "bad"), rollout(first, "good", stop_reason="length")]
    scored = score([first, second], rollouts, oracles, tmp_path)

    assert (scored[0].passed, scored[0].score) == (True, 0.8)
    assert scored[0].completion == rollouts[1].completion
    assert scored[0].verdicts[0].evidence == {"words": ["good"]}
    assert (scored[0].objective, scored[0].part) == ("secure_code", "unseen")
    assert scored[0].metadata == first.metadata
    assert (scored[1].passed, scored[1].score) == (False, 0.0)
    assert read_records(tmp_path / "records.jsonl", ScoredSample) == scored
    header = EvalHeader.model_validate_json((tmp_path / "header.json").read_text())
    assert header.samples == 2
    assert header.oracle_fingerprints == {
        "malicious_assistance": "words-1",
        "secure_code": "words-1",
    }


def test_unmeasured_samples_are_unscored_in_the_log_and_counted_per_objective(
    tmp_path: Path,
) -> None:
    from inspect_ai.log import read_eval_log

    words = ["good", "bad", "unclear", "good"]
    samples = [sample(number) for number in range(4)]
    rollouts = [rollout(s, word) for s, word in zip(samples, words, strict=True)]
    scored = score(samples, rollouts, [WordOracle("secure_code")], tmp_path)
    assert [s.passed for s in scored] == [True, False, None, True]

    (path,) = (tmp_path / "logs").glob("*.eval")
    log = read_eval_log(str(path))
    assert log.status == "success"
    assert log.eval.model == "purpcode/embedded/micro"
    assert log.results is not None
    panel, unmeasured = log.results.scores
    assert (panel.scored_samples, panel.unscored_samples) == (3, 1)
    assert panel.metrics["secure_code"].value == pytest.approx(2 / 3)
    assert unmeasured.metrics["secure_code"].value == 1
    (unscored,) = [s for s in log.samples or [] if s.id == "s2"]
    assert unscored.scores is not None
    assert unscored.scores["panel_scorer"].as_float() != unscored.scores["panel_scorer"].as_float()
    assert "cannot tell" in (unscored.scores["panel_scorer"].explanation or "")


def test_a_crashed_oracle_leaves_its_samples_unmeasured_and_the_others_judged(
    tmp_path: Path,
) -> None:
    samples = [sample(1), sample(2, "overrefusal")]
    oracles: list[Oracle] = [CrashingOracle("secure_code"), WordOracle("overrefusal")]
    scored = score(samples, [rollout(s, "good") for s in samples], oracles, tmp_path)
    assert [s.passed for s in scored] == [None, True]
    assert "analyzer died" in (scored[0].verdicts[0].error or "")


def test_an_answer_never_given_is_unmeasured_and_no_oracle_sees_it(tmp_path: Path) -> None:
    samples = [sample(1), sample(2), sample(3)]
    oracle = WordOracle("secure_code")
    rollouts = [rollout(samples[0], "", stop_reason="error"), rollout(samples[2], "good")]
    scored = score(samples, rollouts, [oracle], tmp_path)
    assert [s.passed for s in scored] == [None, None, True]
    assert oracle.batches == [["good"]]


def test_an_empty_answer_is_judged(tmp_path: Path) -> None:
    scored = score([sample(1)], [rollout(sample(1), "")], [WordOracle("secure_code")], tmp_path)
    assert scored[0].passed is False


def test_an_oracle_missing_from_the_panel_leaves_the_sample_unmeasured(tmp_path: Path) -> None:
    (scored,) = score([sample(1)], [rollout(sample(1), "good")], [], tmp_path)
    assert scored.passed is None


def test_two_completions_of_a_sample_and_two_samples_of_an_id_are_refused(tmp_path: Path) -> None:
    one = sample(1)
    with pytest.raises(InputError, match="two completions"):
        score([one], [rollout(one, "a"), rollout(one, "b")], [], tmp_path)
    with pytest.raises(InputError, match="two samples"):
        score([one, one], [rollout(one, "a")], [], tmp_path)
    with pytest.raises(InputError, match="no samples"):
        score([], [], [], tmp_path)


def test_scoring_prints_nothing_and_leaves_logging_and_hooks_as_they_were(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    hook = sys.excepthook
    score([sample(1)], [rollout(sample(1), "good")], [WordOracle("secure_code")], tmp_path)
    assert capfd.readouterr() == ("", "")
    assert (logging.getLogger().handlers, logging.getLogger().level) == (handlers, level)
    assert sys.excepthook is hook


def test_scoring_works_where_the_home_folder_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "not-a-folder"
    blocked.write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_DATA_HOME", str(blocked))
    (scored,) = score(
        [sample(1)], [rollout(sample(1), "good")], [WordOracle("secure_code")], tmp_path
    )
    assert scored.passed is True


class EchoModel:
    """Answers from the prompt and the seed; can be killed after some batches."""

    def __init__(self, name: str = "echo", *, dies_after: int | None = None) -> None:
        self.name = name
        self.batches: list[list[str]] = []
        self.dies_after = dies_after
        self.failing: set[str] = set()

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        if self.dies_after is not None and len(self.batches) == self.dies_after:
            raise KeyboardInterrupt
        asked = [prompt[-1].content for prompt in prompts]
        self.batches.append(asked)
        return [
            Completion(text="", stop_reason="error")
            if prompt in self.failing
            else Completion(text=f"{row}:{prompt}", stop_reason="stop")
            for row, prompt in enumerate(asked)
        ]

    def close(self) -> None:
        pass


def ask(model: EchoModel, samples: Sequence[Sample], path: Path) -> list[Rollout]:
    return generate_completions(model, samples, SAMPLING, path, batch_size=4)


@pytest.mark.parametrize("torn_bytes", [0, 40, 400])
def test_a_killed_run_continues_to_the_very_same_journal(tmp_path: Path, torn_bytes: int) -> None:
    samples = [sample(number) for number in range(14)]
    whole = ask(EchoModel(), samples, tmp_path / "whole.jsonl")

    path = tmp_path / "killed.jsonl"
    with pytest.raises(KeyboardInterrupt):
        ask(EchoModel(dies_after=2), samples, path)
    path.write_bytes(path.read_bytes()[: -torn_bytes or None])
    second = EchoModel()
    resumed = ask(second, samples, path)

    assert resumed == whole
    assert path.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert len(second.batches) < 4


def test_batches_do_not_depend_on_the_order_of_the_samples(tmp_path: Path) -> None:
    samples = [sample(number) for number in range(14)]
    forward, backward = EchoModel(), EchoModel()
    ask(forward, samples, tmp_path / "a.jsonl")
    ask(backward, samples[::-1], tmp_path / "b.jsonl")
    assert forward.batches == backward.batches


def test_rollouts_come_in_the_order_of_the_samples(tmp_path: Path) -> None:
    samples = [sample(number) for number in (6, 2, 9, 0)]
    rollouts = ask(EchoModel(), samples, tmp_path / "a.jsonl")
    assert [r.sample_id for r in rollouts] == [s.id for s in samples]


def test_failed_calls_are_returned_but_asked_again_next_time(tmp_path: Path) -> None:
    samples = [sample(number) for number in range(6)]
    model = EchoModel()
    model.failing = {samples[3].prompt}
    first = ask(model, samples, tmp_path / "a.jsonl")
    assert [r.completion.stop_reason for r in first].count("error") == 1
    again = ask(EchoModel(), samples, tmp_path / "a.jsonl")
    assert {r.completion.stop_reason for r in again} == {"stop"}


@pytest.mark.parametrize("changed", ["model", "sampling", "messages", "sample_id"])
def test_saved_answers_to_another_question_are_refused(tmp_path: Path, changed: str) -> None:
    path = tmp_path / "a.jsonl"
    samples = [sample(number) for number in range(3)]
    ask(EchoModel(), samples, path)
    model, sampling = EchoModel("other" if changed == "model" else "echo"), SAMPLING
    if changed == "sampling":
        sampling = Sampling(max_tokens=65)
    if changed == "messages":
        other = (Message(role="user", content="something else"),)
        samples = [samples[0].model_copy(update={"messages": other}), *samples[1:]]
    if changed == "sample_id":
        samples = samples[1:]
    with pytest.raises(InputError, match=f"another {changed}"):
        generate_completions(model, samples, sampling, path)
