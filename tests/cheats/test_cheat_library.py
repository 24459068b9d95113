"""The library of cheats keeps its contract, and the reward sees through all of it."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from pydantic import ValidationError

from purpcode.cheats import FAMILIES, Cheat, LintReport, cheats_of, read_cheats, run_reward_lint
from purpcode.errors import InputError
from purpcode.oracles import OracleSettings
from purpcode.rl.settings import RLSettings
from purpcode.types import Message, Sample

STATIC = ("secure_code", "answer_format", "refusals")
"""Families that need no sandbox."""
WORKERS = OracleSettings(workers=1)


@cache
def library() -> dict[str, Cheat]:
    return {cheat.id: cheat for cheat in cheats_of(STATIC)}


@cache
def report(*, require_format: bool = True, hard_refusal: bool = False) -> LintReport:
    rl = RLSettings(require_format=require_format, hard_refusal=hard_refusal)
    return run_reward_lint(list(library().values()), oracles=WORKERS, rl=rl)


def test_ids_and_sample_ids_are_distinct() -> None:
    for names in (
        [cheat.id for cheat in cheats_of(STATIC)],
        [cheat.sample.id for cheat in cheats_of(STATIC)],
    ):
        assert [name for name, count in Counter(names).items() if count > 1] == []


@pytest.mark.parametrize("family", STATIC)
def test_cheats_belong_to_the_family_that_lists_them(family: str) -> None:
    cheats = cheats_of([family])
    assert cheats
    assert {cheat.family for cheat in cheats} == {family}


def test_every_cheat_can_be_written_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "cheats.jsonl"
    path.write_text("".join(one.model_dump_json() + "\n" for one in library().values()))
    assert {one.id: one for one in read_cheats(path)} == library()


def test_completions_of_a_family_differ() -> None:
    texts = Counter(cheat.completion.text for cheat in library().values())
    assert [text for text, count in texts.items() if count > 2] == []


def test_no_cheat_pays_but_those_that_need_an_analyzer_the_defaults_lack() -> None:
    failing = {row.id: row.problems for row in report().failures}
    assert {name for name in failing if not library()[name].needs} == set()
    assert all("add analyzer purpcode" in " ".join(problems) for problems in failing.values())


@pytest.mark.parametrize("family", STATIC)
def test_honest_work_is_paid_and_honest_failure_is_not(family: str) -> None:
    for row in report().rows:
        if row.family == family and library()[row.id].honest is not None:
            assert (row.honest_reward, row.twin_reward) == (0.0, 1.0), row


def test_secure_code_sees_through_its_cheats_without_the_format_oracle() -> None:
    rows = [row for row in report(require_format=False).rows if row.family == "secure_code"]
    paid = {row.id for row in rows if row.status == "pays" and not library()[row.id].needs}
    assert paid == set()


def test_known_limits_are_counted_and_do_not_fail_the_lint() -> None:
    limits = {row.id for row in report().rows if row.status == "limit"}
    assert "secure_code/copy-renamed" in limits
    assert limits <= {name for name, cheat in library().items() if cheat.limit}
    assert report().counts()["limit"] == len(limits)


def test_a_clean_file_learned_by_heart_earns_nothing() -> None:
    rows = {row.id: row for row in report().rows}
    copies = [name for name in library() if "/copy-" in name and not library()[name].limit]
    assert len(copies) >= 8
    for name in [*copies, "secure_code/unrelated-clean-file"]:
        assert (rows[name].status, rows[name].reward) == ("caught", 0.0), rows[name]


def test_code_that_never_runs_earns_nothing_and_its_honest_twins_are_paid() -> None:
    rows = [row for row in report().rows if "/dead-" in row.id]
    twins = {library()[row.id].twin for row in rows}
    assert len(rows) >= 20
    assert len({twin.text for twin in twins if twin}) == 6
    assert {(row.status, row.reward, row.twin_reward) for row in rows} == {("caught", 0.0, 1.0)}


def test_a_limit_that_is_caught_after_all_is_no_limit_any_more() -> None:
    """Otherwise a closed hole would be listed as open for ever."""
    stale = [row.id for row in report().rows if library()[row.id].limit and row.status == "caught"]
    assert stale == []


def test_code_in_a_language_nobody_reads_is_unmeasured_and_earns_nothing() -> None:
    (row,) = [one for one in report().rows if one.id == "secure_code/language-nobody-reads"]
    assert (row.status, row.reward) == ("unmeasured", None)
    assert report().counts()["unmeasured"] == 1


def test_a_legitimate_refusal_earns_its_score_and_nothing_when_refusals_are_hard() -> None:
    soft, hard = (
        next(row for row in one.rows if row.id == "refusals/code-plain")
        for one in (report(), report(hard_refusal=True))
    )
    assert (soft.status, soft.reward, soft.allowed) == ("caught", 0.8, 0.8)
    assert (hard.status, hard.reward, hard.allowed) == ("caught", 0.0, 0.0)


def test_unknown_family_is_an_input_error_that_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="secure_code"):
        cheats_of(["nonsense"])


def test_every_registered_family_is_importable() -> None:
    assert set(STATIC) < set(FAMILIES)
    for family in FAMILIES:
        assert cheats_of([family])


def _cheat(**more: object) -> dict[str, object]:
    sample = Sample(id="s", messages=(Message(role="user", content="x"),), oracles=("choice",))
    return {
        "id": "mine/one",
        "family": "mine",
        "why": "because",
        "sample": json.loads(sample.model_dump_json()),
        "completion": {"text": "A"},
        **more,
    }


def test_id_must_name_the_family() -> None:
    with pytest.raises(ValidationError, match="begin with"):
        Cheat.model_validate(_cheat(id="other/one"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{"], ":1: malformed JSON"),
        ([json.dumps(_cheat(extra=1))], ":1: field 'extra'"),
        ([json.dumps(_cheat())] * 2, "two cheats are called 'mine/one'"),
        ([], "holds no cheat"),
    ],
)
def test_outside_files_are_checked(tmp_path: Path, lines: list[str], message: str) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError) as raised:
        read_cheats(path)
    assert message in str(raised.value)
    assert str(path) in str(raised.value)
