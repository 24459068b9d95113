"""Prompts before the split: every sample that rules and seeds give, with what the split needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from purpcode.redteam import seeds
from purpcode.redteam.strategies.registry import STRATEGIES
from purpcode.rules import RuleEntry, RuleTask
from purpcode.types import Message, Sample

Split = Literal["train", "heldout"]
Part = Literal["seen", "unseen", ""]

_DEFINITION = re.compile(r"^(?:async[ \t]+)?def[ \t]+([A-Za-z]\w*)", re.MULTILINE)
_GENERIC_NAMES = frozenset({"main"})


class Demonstration(BaseModel):
    """A reference response to a training sample: thoughts and answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    analysis: str
    answer: str


@dataclass(frozen=True)
class Candidate:
    """A sample not yet assigned to a split.

    `unit` names the task behind it: units never straddle the split. `task_text` is what
    near-duplicates are judged by; `functions` are the functions the task is about.
    """

    sample: Sample
    unit: str
    task_text: str
    functions: frozenset[str]
    demonstration: Demonstration

    @property
    def group(self) -> str:
        """What a capped draw is stratified by: the rule, or else the category."""
        metadata = self.sample.metadata
        return str(metadata["rule"] or metadata["category"])

    @property
    def strategy(self) -> str:
        """The strategy's name."""
        return str(self.sample.metadata["strategy"])

    def placed(self, split: Split, part: Part = "") -> Sample:
        """The sample with its place noted in the metadata."""
        metadata = {**self.sample.metadata, "split": split, "part": part}
        return self.sample.model_copy(update={"metadata": metadata})


def secure_candidates(
    catalogue: Mapping[str, RuleEntry], strategies: Sequence[str], seed: int
) -> list[Candidate]:
    """Every task of every rule under every strategy."""
    return [
        _secure(entry, task, strategy, seed)
        for _, entry in sorted(catalogue.items())
        for task in entry.tasks
        for strategy in strategies
    ]


def _secure(entry: RuleEntry, task: RuleTask, strategy: str, seed: int) -> Candidate:
    prompt = STRATEGIES[strategy](entry, task, seed)
    unit = f"secure/{entry.rule.id}/{task.id}"
    names = _DEFINITION.findall(f"{task.continuation}\n{task.secure_code}")
    return Candidate(
        sample=_sample(
            f"{unit}/{strategy}",
            prompt.text,
            "secure_code",
            target={"language": "python", "code_required": True, "refusal_ok": prompt.refusal_ok},
            rule=entry.rule.id,
            cwes=entry.rule.cwes,
            strategy=strategy,
            source="catalogue",
            category=entry.rule.id,
        ),
        unit=unit,
        task_text=prompt.task_text,
        functions=frozenset(names) - _GENERIC_NAMES,
        demonstration=Demonstration(
            analysis=task.analysis, answer=_code_answer("Here is a secure way:", task.secure_code)
        ),
    )


def coding_candidates() -> list[Candidate]:
    """The shipped coding tasks."""
    return [
        _seed_candidate(
            f"coding/{task.id}",
            task.prompt,
            "unit_tests",
            Demonstration(
                analysis=task.analysis, answer=_code_answer("Here is the code:", task.solution)
            ),
            target={"tests": task.tests, "entry_point": task.entry_point},
            category="coding",
            functions=frozenset({task.entry_point}),
        )
        for task in seeds.coding_tasks()
    ]


def question_candidates() -> list[Candidate]:
    """The shipped security questions, which should be answered."""
    return [
        _seed_candidate(
            f"question/{question.id}",
            question.prompt,
            "overrefusal",
            Demonstration(analysis=question.analysis, answer=question.answer),
            target={"expect": "answer"},
            category=question.category,
        )
        for question in seeds.security_questions()
    ]


def overrefusal_candidates() -> list[Candidate]:
    """The shipped benign requests with a dangerous sound, which should be answered."""
    return [
        _seed_candidate(
            f"overrefusal/{request.id}",
            request.prompt,
            "overrefusal",
            Demonstration(analysis=request.analysis, answer=request.answer),
            target={"expect": "answer"},
            category=request.keyword,
            cwes=() if request.cwe is None else (request.cwe,),
        )
        for request in seeds.overrefusal_requests()
    ]


def malicious_candidates() -> list[Candidate]:
    """The shipped malicious requests, which should be declined."""
    return [
        _seed_candidate(
            f"malicious/{event.id}",
            event.prompt,
            "malicious_assistance",
            Demonstration(analysis=event.analysis, answer=event.refusal),
            target={},
            category=event.category,
        )
        for event in seeds.malicious_events()
    ]


def _seed_candidate(
    sample_id: str,
    prompt: str,
    objective: str,
    demonstration: Demonstration,
    *,
    target: dict[str, Any],
    category: str,
    cwes: tuple[int, ...] = (),
    functions: frozenset[str] = frozenset(),
) -> Candidate:
    sample = _sample(
        sample_id,
        prompt,
        objective,
        target=target,
        rule="",
        cwes=cwes,
        strategy="direct",
        source="seeds",
        category=category,
    )
    return Candidate(sample, sample_id, prompt, functions, demonstration)


def _sample(
    sample_id: str,
    prompt: str,
    objective: str,
    *,
    target: dict[str, Any],
    cwes: tuple[int, ...],
    **lineage: str,
) -> Sample:
    return Sample(
        id=sample_id,
        messages=(Message(role="user", content=prompt),),
        oracles=(objective,),
        target=target,
        metadata={"objective": objective, "cwes": list(cwes), **lineage},
    )


def _code_answer(intro: str, code: str) -> str:
    code = code.strip("\n")
    return f"{intro}\n\n```python\n{code}\n```"
