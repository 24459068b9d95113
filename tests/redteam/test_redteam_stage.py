import json

import pytest

from purpcode.errors import InputError
from purpcode.redteam import (
    RedteamSettings,
    coverage,
    coverage_markdown,
    load_dataset,
    load_samples,
    run_redteam,
)

SMALL = RedteamSettings(
    unseen_rules=2,
    train_secure=6,
    train_malicious=4,
    train_overrefusal=4,
    train_coding=4,
    train_questions=4,
    heldout_secure_seen=4,
    heldout_secure_unseen=4,
)
RECORD = {"messages": [{"role": "user", "content": "hi"}], "oracles": ["overrefusal"]}


def test_written_dataset_is_read_back_equal(tmp_path):
    written = run_redteam(SMALL, 1, tmp_path)
    assert load_dataset(tmp_path) == written
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "coverage.json",
        "coverage.md",
        "demonstrations.jsonl",
        "dropped.jsonl",
        "heldout.jsonl",
        "train.jsonl",
    ]


def test_running_twice_writes_the_same_bytes(tmp_path):
    for name in "ab":
        run_redteam(SMALL, 5, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_coverage_counts_add_up_to_the_samples(tmp_path):
    dataset = run_redteam(SMALL, 1, tmp_path)
    measured = coverage(dataset)
    samples = [*dataset.train, *dataset.heldout]
    wanted = sum(max(1, len(sample.metadata["cwes"])) for sample in samples)
    assert sum(row.samples for row in measured.rows) == wanted
    assert sum(measured.samples["train"].values()) == len(dataset.train)
    assert sum(measured.samples["heldout"].values()) == len(dataset.heldout)
    assert sum(measured.dropped.values()) == len(dataset.dropped)
    assert json.loads((tmp_path / "coverage.json").read_text()) == measured.model_dump(mode="json")
    table = coverage_markdown(measured)
    assert (tmp_path / "coverage.md").read_text() == table
    assert f"| secure_code | {measured.samples['train']['secure_code']} |" in table


def test_own_samples_need_no_metadata(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps({"id": "a", **RECORD}) + "\n")
    (sample,) = load_samples(path)
    assert sample.prompt == "hi"


def test_repeated_id_is_refused_with_file_line_and_field(tmp_path):
    path = tmp_path / "mine.jsonl"
    line = json.dumps({"id": "a", **RECORD})
    path.write_text(f"{line}\n\n{line}\n")
    with pytest.raises(InputError, match=r"mine\.jsonl:3: field 'id'"):
        load_samples(path)


def test_unfit_sample_is_refused_with_file_line_and_field(tmp_path):
    path = tmp_path / "mine.jsonl"
    good = json.dumps({"id": "a", **RECORD})
    bad = json.dumps({"id": "b", "messages": RECORD["messages"], "oracles": []})
    path.write_text(f"{good}\n{bad}\n")
    with pytest.raises(InputError, match=r"mine\.jsonl:2: field 'oracles'"):
        load_samples(path)


def test_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_dataset(tmp_path)
