"""A small made-up rule catalogue for tests of the split."""

import pytest

from purpcode.rules import RuleEntry, RuleTask
from purpcode.types import Rule

NOUNS = ("orders", "users", "photos", "songs", "recipes", "tickets", "trains", "rivers")


def _catalogue_of(rules: int, tasks: int, *, collide: bool = False) -> dict[str, RuleEntry]:
    """Rules with distinct tasks; with `collide`, tasks of different rules share names or words."""
    return {
        f"rule-{r}": RuleEntry(
            rule=Rule(
                id=f"rule-{r}",
                cwes=(100 + r,),
                title=f"Rule {r}",
                description="made up",
                insecure_examples=("bad()",),
                secure_examples=("good()",),
                source="made up",
            ),
            detectors=("bandit:B101",),
            tasks=tuple(_task(r, t, collide) for t in range(tasks)),
        )
        for r in range(rules)
    }


def _task(r: int, t: int, collide: bool) -> RuleTask:
    noun = NOUNS[t % len(NOUNS)]
    name = f"load_{noun}" if collide and r % 2 == 0 else f"load_{noun}_{r}_{t}"
    owner = "the shop" if collide and r % 2 == 1 else f"shop{r} near street{t}"
    what = f"fetches {noun} for {owner} and sorts {noun} by date before lunch"
    return RuleTask(
        id=f"task-{t}",
        implicit=f"Write a function that {what} today.",
        explicit=f"Using a{r}b{t}c, write code which {what} quickly with x{r}y{t}.",
        continuation=f'def {name}(source):\n    """{noun} {r} of {t}, {owner}."""\n',
        analysis="Input must be checked before it is used.",
        secure_code=f"def {name}(source):\n    return sorted(source)\n",
    )


@pytest.fixture(scope="session")
def catalogue_of():
    """The maker of such catalogues."""
    return _catalogue_of
