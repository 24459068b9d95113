"""Candidates → a training set and a held-out suite that share no task, name or wording."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

from purpcode.errors import InputError
from purpcode.redteam.candidates import (
    Candidate,
    Demonstration,
    coding_candidates,
    malicious_candidates,
    overrefusal_candidates,
    question_candidates,
    secure_candidates,
)
from purpcode.redteam.dedup import Fingerprint, NearDuplicateIndex, fingerprint
from purpcode.redteam.settings import RedteamSettings
from purpcode.redteam.stratify import round_robin
from purpcode.rules import RuleEntry
from purpcode.types import Sample

DropReason = Literal["heldout_near_duplicate", "heldout_function_name", "near_duplicate", "cap"]
"""Why a prompt is in neither set: too similar to a held-out prompt; about a function of a
held-out task; too similar to a prompt that was kept; or beyond the size asked for."""

Kind = Literal["secure", "malicious", "overrefusal", "coding", "questions"]


class DropRecord(BaseModel):
    """A prompt that was made and not used; `of` is the sample it collides with, if one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_id: str
    reason: DropReason
    of: str | None = None


@dataclass(frozen=True)
class RedteamDataset:
    """What red-teaming hands on. Every prompt made is in train, heldout or dropped, once.

    `demonstrations` holds a reference response for each training sample, by its id. Within an
    objective the samples stand in stratified order, so any prefix is evenly spread.
    """

    train: list[Sample]
    heldout: list[Sample]
    demonstrations: dict[str, Demonstration]
    dropped: list[DropRecord]


def build_dataset(
    catalogue: Mapping[str, RuleEntry], settings: RedteamSettings, seed: int
) -> RedteamDataset:
    """Make, split, decontaminate, deduplicate and draw the prompts; the same for the same seed.

    Training prompts are checked against all tasks set aside, also those that the sizes of the
    held-out suite leave out, so that the suite can grow without becoming contaminated.

    Raises:
        InputError: when the settings hold out more rules, tasks or requests than there are.
    """
    return _Builder(catalogue, settings, seed).build()


@dataclass
class _Pools:
    train: dict[Kind, list[Candidate]] = field(default_factory=dict)
    seen: list[Candidate] = field(default_factory=list)
    unseen: list[Candidate] = field(default_factory=list)
    other: list[Candidate] = field(default_factory=list)

    def set_aside(self) -> list[Candidate]:
        return [*self.seen, *self.unseen, *self.other]


class _Builder:
    def __init__(
        self, catalogue: Mapping[str, RuleEntry], settings: RedteamSettings, seed: int
    ) -> None:
        self.catalogue = catalogue
        self.settings = settings
        self.seed = seed
        self.dropped: list[DropRecord] = []
        self.fingerprints: dict[str, Fingerprint] = {}

    def build(self) -> RedteamDataset:
        pools = self._split()
        self._deduplicate_heldout(pools)
        self._decontaminate(pools)
        settings = self.settings
        caps: dict[Kind, int | None] = {
            "secure": settings.train_secure,
            "malicious": settings.train_malicious,
            "overrefusal": settings.train_overrefusal,
            "coding": settings.train_coding,
            "questions": settings.train_questions,
        }
        train = [
            candidate
            for kind, cap in caps.items()
            for candidate in self._capped(pools.train[kind], cap, f"train/{kind}")
        ]
        seen = self._capped(pools.seen, settings.heldout_secure_seen, "heldout/seen")
        unseen = self._capped(pools.unseen, settings.heldout_secure_unseen, "heldout/unseen")
        return RedteamDataset(
            train=[candidate.placed("train") for candidate in train],
            heldout=[
                *(candidate.placed("heldout", "seen") for candidate in seen),
                *(candidate.placed("heldout", "unseen") for candidate in unseen),
                *(candidate.placed("heldout") for candidate in pools.other),
            ],
            demonstrations={c.sample.id: c.demonstration for c in train},
            dropped=self.dropped,
        )

    def _split(self) -> _Pools:
        settings, pools = self.settings, _Pools()
        self._split_secure(pools)
        sized: tuple[tuple[Kind, list[Candidate], int], ...] = (
            ("malicious", malicious_candidates(), settings.heldout_malicious),
            ("overrefusal", overrefusal_candidates(), settings.heldout_overrefusal),
            ("coding", coding_candidates(), settings.heldout_coding),
        )
        for kind, candidates, size in sized:
            _check_size(f"heldout_{kind}", size, len(candidates))
            ordered = self._ordered(candidates, f"split/{kind}")
            pools.other.extend(ordered[:size])
            pools.train[kind] = ordered[size:]
        pools.train["questions"] = question_candidates()
        return pools

    def _split_secure(self, pools: _Pools) -> None:
        settings, rules = self.settings, sorted(self.catalogue)
        _check_size("unseen_rules", settings.unseen_rules, len(rules))
        unseen = set(self._rng("unseen").sample(rules, settings.unseen_rules))
        kept_tasks: set[str] = set()
        for rule in rules:
            tasks = sorted(task.id for task in self.catalogue[rule].tasks)
            if rule not in unseen:
                _check_size("heldout_tasks_per_rule", settings.heldout_tasks_per_rule, len(tasks))
                chosen = self._rng(f"tasks/{rule}").sample(tasks, settings.heldout_tasks_per_rule)
                kept_tasks.update(f"secure/{rule}/{task}" for task in chosen)
        pools.train["secure"] = []
        for candidate in secure_candidates(self.catalogue, settings.strategies, self.seed):
            if candidate.sample.metadata["rule"] in unseen:
                pools.unseen.append(candidate)
            elif candidate.unit in kept_tasks:
                pools.seen.append(candidate)
            else:
                pools.train["secure"].append(candidate)

    def _deduplicate_heldout(self, pools: _Pools) -> None:
        index = self._index()
        pools.seen = self._unique(pools.seen, index)
        pools.unseen = self._unique(pools.unseen, index)
        pools.other = self._unique(pools.other, index)

    def _decontaminate(self, pools: _Pools) -> None:
        heldout_index, train_index = self._index(), self._index()
        owner: dict[str, str] = {}
        for candidate in pools.set_aside():
            heldout_index.add(candidate.sample.id, self._fingerprint(candidate))
            owner.update(dict.fromkeys(candidate.functions, candidate.sample.id))
        for kind, candidates in pools.train.items():
            clean: list[Candidate] = []
            for candidate in candidates:
                shared = sorted(candidate.functions & owner.keys())
                twin = heldout_index.match(self._fingerprint(candidate))
                if shared:
                    self._drop(candidate, "heldout_function_name", owner[shared[0]])
                elif twin is not None:
                    self._drop(candidate, "heldout_near_duplicate", twin)
                else:
                    clean.append(candidate)
            pools.train[kind] = self._unique(clean, train_index)

    def _unique(
        self, candidates: Sequence[Candidate], index: NearDuplicateIndex
    ) -> list[Candidate]:
        kept: list[Candidate] = []
        for candidate in candidates:
            twin = index.match(self._fingerprint(candidate))
            if twin is None:
                index.add(candidate.sample.id, self._fingerprint(candidate))
                kept.append(candidate)
            else:
                self._drop(candidate, "near_duplicate", twin)
        return kept

    def _capped(
        self, candidates: Sequence[Candidate], cap: int | None, purpose: str
    ) -> list[Candidate]:
        ordered = self._ordered(candidates, purpose)
        kept = ordered if cap is None else ordered[:cap]
        for candidate in ordered[len(kept) :]:
            self._drop(candidate, "cap", None)
        return kept

    def _ordered(self, candidates: Sequence[Candidate], purpose: str) -> list[Candidate]:
        return round_robin(
            candidates,
            group=lambda candidate: candidate.group,
            variant=lambda candidate: candidate.strategy,
            unit=lambda candidate: candidate.unit,
            rng=self._rng(purpose),
        )

    def _drop(self, candidate: Candidate, reason: DropReason, of: str | None) -> None:
        self.dropped.append(DropRecord(sample_id=candidate.sample.id, reason=reason, of=of))

    def _fingerprint(self, candidate: Candidate) -> Fingerprint:
        known = self.fingerprints.get(candidate.sample.id)
        if known is None:
            settings = self.settings
            known = fingerprint(
                candidate.task_text, ngram=settings.ngram, num_perm=settings.num_perm
            )
            self.fingerprints[candidate.sample.id] = known
        return known

    def _index(self) -> NearDuplicateIndex:
        return NearDuplicateIndex(self.settings.dedup_threshold, self.settings.num_perm)

    def _rng(self, purpose: str) -> random.Random:
        return random.Random(f"{self.seed}/{purpose}")


def _check_size(name: str, wanted: int, available: int) -> None:
    if wanted > available:
        raise InputError(
            f"asks for {wanted}, there are {available}",
            field=f"redteam.{name}",
            hint=f"Set redteam.{name} to {available} or less.",
        )
