"""Single-step dynamic sampling (PurpCode, arXiv 2507.19060, section 3), free of any framework.

    u = 1                                        learnable fraction of the previous draw
    each step: draw min(ceil(B/u), r*B) prompts  one rollout call, one reward call
               keep every learnable group        all of them, none padded
               u = kept/drawn

A group whose completions all earn the same reward has no advantage and teaches nothing. Instead
of rolling out again until B learnable groups are in hand (DAPO), the next draw is sized by what
the last one yielded.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import pstdev
from typing import Any

MIN_REWARD_STD = 1e-5


def is_learnable(rewards: Sequence[float | None], min_std: float = MIN_REWARD_STD) -> bool:
    """Whether a group's rewards differ: population standard deviation over the measured ones
    (not None) above `min_std`, with at least two measured."""
    measured = [reward for reward in rewards if reward is not None]
    return len(measured) >= 2 and pstdev(measured) > min_std


def stratified_order(strata: Sequence[str], rng: random.Random) -> list[int]:
    """A random permutation of the indices of `strata` whose every stretch keeps the strata's mix.

    Each stratum is shuffled and laid out evenly over the unit interval (member j of m at
    (j + 1/2)/m); reading the interval from left to right interleaves them. In a prefix of L of N
    items, a stratum of m members occurs L*m/N times, to within 1/2 plus half the number of strata.
    """
    members: dict[str, list[int]] = {}
    for index, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(index)
    placed: list[tuple[float, float, int]] = []
    for indices in members.values():
        rng.shuffle(indices)
        tie_break = rng.random()
        placed += [((j + 0.5) / len(indices), tie_break, i) for j, i in enumerate(indices)]
    return [index for _, _, index in sorted(placed)]


class DynamicSampler:
    """Decides which prompts each update rolls out, and which groups it trains on.

    Args:
        strata: the objective of each prompt; prompts are named by their index in it.
        groups_per_update: B, learnable groups wanted.
        max_roll_factor: r, a draw is at most r*B prompts.
        seed: of the order; the order of pass k depends on the seed and k alone.
        epochs: passes after which sampling is finished; None for no limit.
        enabled: False draws B prompts always and keeps all groups (plain GRPO).
        min_reward_std: see `is_learnable`.

    Every pass visits every prompt exactly once. `draw` and `observe` alternate.
    """

    def __init__(
        self,
        strata: Sequence[str],
        *,
        groups_per_update: int,
        max_roll_factor: int = 4,
        seed: int = 0,
        epochs: int | None = None,
        enabled: bool = True,
        min_reward_std: float = MIN_REWARD_STD,
    ) -> None:
        if not strata or groups_per_update < 1 or max_roll_factor < 1:
            raise ValueError("sampling needs prompts, and B and r of at least 1")
        self.strata = tuple(strata)
        self._wanted = groups_per_update
        self._limit = groups_per_update * max_roll_factor
        self._seed = seed
        self._epochs = epochs
        self._enabled = enabled
        self._min_std = min_reward_std
        self._epoch = 0
        self._position = 0
        self._kept, self._drawn = 1, 1  # of the previous draw: u = kept/drawn, exact in integers
        self._barren = 0  # prompts drawn since a learnable group was last seen
        self._pending = 0
        self._order = self._permutation()

    @property
    def learnable_fraction(self) -> float:
        """u: learnable groups of the last observed draw over its size (1 before any)."""
        return self._kept / self._drawn

    @property
    def passes(self) -> int:
        """Completed passes over the prompts."""
        return self._epoch + (self._position == len(self.strata))

    @property
    def progress(self) -> float:
        """Passes over the prompts, fractional."""
        return self._epoch + self._position / len(self.strata)

    @property
    def exhausted(self) -> bool:
        """Whether as many prompts as there are went by without one learnable group."""
        return self._barren >= len(self.strata)

    @property
    def finished(self) -> bool:
        """Whether there is nothing more to draw: the passes are done, or nothing is learnable."""
        return self.exhausted or (self._epochs is not None and self.passes >= self._epochs)

    def draw(self) -> list[int]:
        """Indices of the next prompts: min(ceil(B/u), r*B), fewer at the end of a pass. A draw
        never spans two passes.

        Raises:
            ValueError: when the previous draw was not observed.
        """
        if self._pending:
            raise ValueError("the previous draw has not been observed")
        if self._position == len(self.strata):
            self._epoch += 1
            self._position = 0
            self._order = self._permutation()
        start = self._position
        self._position = min(start + self._size(), len(self.strata))
        self._pending = self._position - start
        return self._order[start : self._position]

    def observe(self, rewards: Sequence[Sequence[float | None]]) -> list[bool]:
        """Which groups of the last draw to train on; None marks an unmeasured completion.

        Raises:
            ValueError: when there is not one group of rewards per drawn prompt.
        """
        if not self._pending or len(rewards) != self._pending:
            raise ValueError(f"{len(rewards)} groups of rewards for {self._pending} drawn prompts")
        learnable = [is_learnable(group, self._min_std) for group in rewards]
        self._kept, self._drawn = sum(learnable), self._pending
        self._barren = 0 if any(learnable) else self._barren + self._pending
        self._pending = 0
        return learnable if self._enabled else [True] * len(learnable)

    def state_dict(self) -> dict[str, Any]:
        """JSON-able state between two updates; with it a new sampler continues exactly."""
        if self._pending:
            raise ValueError("the previous draw has not been observed")
        return {
            "prompts": len(self.strata),
            "seed": self._seed,
            "epoch": self._epoch,
            "position": self._position,
            "kept": self._kept,
            "drawn": self._drawn,
            "barren": self._barren,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`'s result.

        Raises:
            ValueError: when it is of other prompts or another seed.
        """
        if (state["prompts"], state["seed"]) != (len(self.strata), self._seed):
            raise ValueError("the state belongs to other prompts or another seed")
        self._epoch, self._position = state["epoch"], state["position"]
        self._kept, self._drawn = state["kept"], state["drawn"]
        self._barren = state["barren"]
        self._pending = 0
        self._order = self._permutation()

    def _size(self) -> int:
        if not self._enabled:
            return self._wanted
        if self._kept == 0:
            return self._limit
        return min(-(-self._wanted * self._drawn // self._kept), self._limit)

    def _permutation(self) -> list[int]:
        return stratified_order(self.strata, random.Random(f"{self._seed}:{self._epoch}"))
