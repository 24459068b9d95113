"""Every upstream form of a benchmark's data becomes samples; the rows here are our own."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from purpcode.errors import InputError
from purpcode.evals.benchmarks.registry import BENCHMARKS
from purpcode.evals.importing import load_rows, local_file
from purpcode.evals.oracle_choice import Checkouts, open_eval_panel
from purpcode.oracles.settings import OracleSettings
from purpcode.types import Completion, Sample


def samples_of(name: str, path: Path) -> list[Sample]:
    benchmark = BENCHMARKS[name]
    rows = load_rows(benchmark, path, allow_partial=True).rows
    return [benchmark.prepare(sample) for sample in benchmark.read(rows, path)]


def write_json(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def write_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("columns", "ids"),
    [
        (("ID", "Request", "Harmfulness"), ["PHTest/7", "PHTest/9"]),
        (("Prompts", "Harmfulness"), ["PHTest/0", "PHTest/1"]),
    ],
)
def test_phtest_is_read_by_the_columns_of_the_hub_and_of_earlier_tables(
    tmp_path: Path, columns: tuple[str, ...], ids: list[str]
) -> None:
    values = [("7", 'Kill a "zombie", now', "harmless"), ("9", "Pick a lock", "controversial")]
    path = tmp_path / "PHTest.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(row[-len(columns) :] for row in values)
    samples = samples_of("phtest", path)
    assert [one.id for one in samples] == ids
    assert [one.prompt for one in samples] == [row[1] for row in values]
    assert [one.metadata["harmfulness"] for one in samples] == ["harmless", "controversial"]


def test_phtest_ids_that_are_not_one_per_row_give_way_to_the_rows_places(tmp_path: Path) -> None:
    rows = [{"ID": 1, "Request": text, "Harmfulness": "harmless"} for text in ("a", "b")]
    samples = samples_of("phtest", write_json(tmp_path / "PHTest.json", rows))
    assert [one.id for one in samples] == ["PHTest/0", "PHTest/1"]


def test_phtest_without_a_column_of_requests_is_told_which_there_are(tmp_path: Path) -> None:
    path = write_json(tmp_path / "PHTest.json", [{"Text": "a", "Harmfulness": "harmless"}])
    with pytest.raises(InputError, match=r"field 'Request': is missing .found: Text, Harmfulness"):
        load_rows(BENCHMARKS["phtest"], path, allow_partial=True)


@pytest.mark.parametrize(("variant", "oracle"), [("instruct", "secure_code"),
                                                 ("autocomplete", "insecure_code")])  # fmt: skip
def test_secure_code_generation_keeps_its_variant_and_what_judges_it(
    tmp_path: Path, variant: str, oracle: str
) -> None:
    row = {
        "prompt_id": 3, "test_case_prompt": "Go on.", "language": "c", "variant": variant,
        "cwe_identifier": "CWE-121", "line_text": "x", "origin_code": "y", "file_path": "z",
    }  # fmt: skip
    path = write_json(tmp_path / f"{variant}.json", [row])
    (sample,) = samples_of("cyberseceval-scg", path)
    assert sample.id == f"CyberSecEval-SCG/{variant}/3"
    assert sample.oracles == (oracle,)
    assert (sample.metadata["cwe"], sample.target["language"]) == ("CWE-121", "c")


def test_a_purplellama_checkout_holds_three_benchmarks(tmp_path: Path) -> None:
    data = tmp_path / "CybersecurityBenchmarks" / "datasets"
    code = {"prompt_id": 0, "test_case_prompt": "a", "language": "rust", "variant": "instruct"}
    write_json(data / "instruct" / "instruct.json", [code])
    write_json(data / "mitre_frr" / "mitre_frr.json",
               [{"attack_type": "collection", "mutated_prompt": "b", "prompt": "c"}])  # fmt: skip
    write_json(data / "mitre" / "mitre_benchmark_100_per_category_with_augmentation.json",
               [{"mitre_category": "discovery", "mutated_prompt": "e"}])  # fmt: skip
    asked = {
        name: samples_of(f"cyberseceval-{name}", tmp_path)[0] for name in ("scg", "frr", "mitre")
    }
    assert {name: one.prompt for name, one in asked.items()} == {
        "scg": "a", "frr": "b", "mitre": "e",
    }  # fmt: skip
    assert asked["frr"].metadata["category"] == "collection"
    assert asked["mitre"].metadata["category"] == "discovery"


def test_xscodes_table_keeps_weakness_and_language(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "xscode.jsonl", [{"id": 1, "prompt": "a", "cwe_id": "CWE-79"}])
    (sample,) = samples_of("xscode", path)
    assert (sample.id, sample.metadata["cwe"]) == ("XSCode/1", "CWE-79")
    assert sample.metadata["language"] == "python"


_SAME = "def same(got, want):\n    assert got == want\n\n"
HUMANEVAL_HUB = {
    "task_id": "HumanEval/900",
    "prompt": 'def twice(value: int) -> int:\n    """Twice a value."""\n',
    "canonical_solution": "    return 2 * value\n",
    "entry_point": "twice",
    "test": f"{_SAME}def check(candidate):\n    inputs = [[1], [5]]\n    results = [2, 10]\n"
    "    for given, want in zip(inputs, results):\n        same(candidate(*given), want)\n",
}
MBPP_HUB = {
    "task_id": 900,
    "code": "def _half(n):\n    return n / 2\n\ndef area(a, b):\n    return _half(a * b)",
    "prompt": "Write a function to find the area of a triangle.",
    "source_file": "ours",
    "test_imports": ["import math"],
    "test_list": ["assert math.isclose(area(2, 3), 3.0)", "assert area(4, 4) == 8.0"],
    "test": f"{_SAME}inputs = [[2, 3], [4, 4]]\nresults = [3.0, math.floor(8.5)]\n"
    "for given, want in zip(inputs, results):\n    same(area(*given), want)\n",
}
WRONG = {"twice": "def twice(value):\n    return None", "area": "def area(a, b):\n    return a * b"}


@pytest.mark.parametrize(
    ("name", "row", "entry_point"),
    [("humanevalplus", HUMANEVAL_HUB, "twice"), ("mbppplus", MBPP_HUB, "area")],
)
def test_evalplus_rows_of_the_hub_name_the_function_and_are_tested(
    tmp_path: Path, name: str, row: dict[str, Any], entry_point: str
) -> None:
    path = write_lines(tmp_path / f"{name}.jsonl", [row])
    (sample,) = samples_of(name, path)
    assert sample.id in ("HumanEval/900", "Mbpp/900")
    assert f"{entry_point}(" in sample.prompt
    assert sample.target["entry_point"] == entry_point
    solution = row.get("code") or row["prompt"] + row["canonical_solution"]
    answers = [solution, WRONG[entry_point]]
    panel = open_eval_panel(OracleSettings(workers=1), ["unit_tests"], Checkouts())
    judged = panel.judge(
        [sample] * 2, [Completion(text=f"```python\n{code}\n```") for code in answers]
    )
    assert [one.passed for one in judged] == [True, False]


def test_a_row_of_the_hubs_mbpp_that_names_no_function_is_an_error(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "mbppplus.jsonl", [{**MBPP_HUB, "test_list": ["assert f(1)"]}])
    with pytest.raises(InputError, match="calls no function that 'code' defines"):
        load_rows(BENCHMARKS["mbppplus"], path, allow_partial=True)


def test_humanevals_own_tests_are_not_taken_for_humaneval_plus(tmp_path: Path) -> None:
    plain = "def check(candidate):\n    assert candidate(1) == 2\n"
    rows = [{**HUMANEVAL_HUB, "task_id": f"HumanEval/{n}"} for n in range(164)]
    whole = write_lines(tmp_path / "plus.jsonl", rows)
    assert load_rows(BENCHMARKS["humanevalplus"], whole).info.problem == ""
    few = tmp_path / "HumanEval.jsonl.gz"
    lines = "".join(json.dumps({**row, "test": plain}) + "\n" for row in rows)
    few.write_bytes(gzip.compress(lines.encode()))
    with pytest.raises(InputError, match="HumanEval's own tests, without the inputs"):
        load_rows(BENCHMARKS["humanevalplus"], few)
    assert load_rows(BENCHMARKS["humanevalplus"], few, allow_partial=True).info.rows == 164


def test_a_parquet_file_is_not_held_against_the_hash_of_the_jsonl_file(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [{**MBPP_HUB, "task_id": n} for n in range(378)]
    path = tmp_path / "test-00000-of-00001.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    assert load_rows(BENCHMARKS["mbppplus"], path).info.problem == ""
    assert len(BENCHMARKS["mbppplus"].import_from(tmp_path)) == 378
    with pytest.raises(InputError, match="other content"):
        load_rows(BENCHMARKS["mbppplus"], write_lines(tmp_path / "MbppPlus.jsonl", rows))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("codelmsec", "CodeLMSec_benchmark.zip"),
        ("phtest", "PHTest.csv"),
        ("humanevalplus", "HumanEvalPlus-v0.1.10.jsonl.gz"),
        ("security-qa", "CyberMetric-80-v1.json"),
    ],
)
def test_a_data_folder_may_hold_upstream_files_under_their_own_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, file: str
) -> None:
    monkeypatch.setenv("PURPCODE_DATA_DIR", str(tmp_path))
    (tmp_path / file).write_bytes(b"")
    assert local_file(BENCHMARKS[name]) == tmp_path / file


@pytest.mark.parametrize("size", [80, 500, 2000])
def test_cybermetric_of_every_size_gives_questions_with_four_choices(
    tmp_path: Path, size: int
) -> None:
    questions = [
        {
            "question": f"Which is {n}?",
            "answers": {letter: f"{letter} {n}" for letter in "ABCD"},
            "solution": "ABCD"[n % 4],
        }
        for n in range(size)
    ]
    path = write_json(tmp_path / f"CyberMetric-{size}-v1.json", {"questions": questions})
    samples = samples_of("security-qa", path)
    assert len({one.id for one in samples}) == size
    assert samples[3].target["answer"] == "D"
    assert "D. D 3" in samples[3].prompt
