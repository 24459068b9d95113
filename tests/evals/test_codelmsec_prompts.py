"""CodeLMSec's prompts, from every form they come in; the prompts here are our own."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from purpcode.errors import InputError
from purpcode.evals.benchmarks import codelmsec
from purpcode.evals.benchmarks.benchmark import Benchmark
from purpcode.evals.benchmarks.registry import BENCHMARKS
from purpcode.evals.command import run_eval
from purpcode.evals.eval_settings import EvalSettings
from purpcode.evals.importing import import_rows, load_rows
from purpcode.types import Sample

CODELMSEC = BENCHMARKS["codelmsec"]
PROMPTS = {
    "py/CWE-022/gpt4_CWE-022_0_1.py": "import tarfile\n\ndef unpack(path):\n    # unpack it",
    "py/CWE-078/gpt4_CWE-078_0_0.py": "import os\n\ndef show(folder):\n    '''list a folder'''\n",
    "py/CWE-078/codellama_CWE-078_2_1.py": "import os\r\n\r\ndef ping(host):\r\n",
    "c/CWE-022/gpt4_CWE-022_0_1.c": "#include <stdio.h>\n\nvoid show(char *name) {\n    char p[",
}


def write_prompts(folder: Path, prompts: Mapping[str, str] = PROMPTS) -> Path:
    for name, text in prompts.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    return folder


def write_zip(path: Path, prompts: Mapping[str, str | bytes], top: str = "benchmark_data/") -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for name, text in prompts.items():
            packed.writestr(top + name, text)
    return path


def samples_of(path: Path) -> list[Sample]:
    return CODELMSEC.read(load_rows(CODELMSEC, path, allow_partial=True).rows, path)


def test_codelmsecs_folder_gives_a_prompt_per_file_with_its_language_and_cwe(
    tmp_path: Path,
) -> None:
    samples = samples_of(write_prompts(tmp_path / "benchmark_data"))
    told = [(one.id, one.metadata["language"], one.metadata["cwe"]) for one in samples]
    assert told == [
        ("CodeLMSec/gpt4_CWE-022_0_1.py", "python", "CWE-22"),
        ("CodeLMSec/codellama_CWE-078_2_1.py", "python", "CWE-78"),
        ("CodeLMSec/gpt4_CWE-078_0_0.py", "python", "CWE-78"),
        ("CodeLMSec/gpt4_CWE-022_0_1.c", "c", "CWE-22"),
    ]
    assert (
        "```python\nimport tarfile\n\ndef unpack(path):\n    # unpack it\n```" in samples[0].prompt
    )
    assert "whole file" in samples[0].prompt
    assert "```c\n#include <stdio.h>" in samples[3].prompt
    assert samples[3].target == {"language": "c", "code_required": True}
    assert "\r" not in samples[1].prompt


def test_codelmsec_is_the_same_from_its_folder_its_parent_a_checkout_and_the_zip(
    tmp_path: Path,
) -> None:
    folder = write_prompts(tmp_path / "downloads" / "CodeLMSec" / "benchmark_data")
    junk = {"__MACOSX/py/CWE-022/._gpt4.py": b"\x00\xff", "py/notes.txt": b"\x00\xff"}
    (tmp_path / "zips").mkdir()
    packed = write_zip(tmp_path / "zips" / codelmsec.ZIP, {**PROMPTS, **junk})
    write_prompts(folder.parent / "outputs" / "model", {"py/CWE-022/answer.py": "print()"})
    expected = CODELMSEC.import_from(folder)
    assert len(expected) == len(PROMPTS)
    for path in (folder.parent, folder.parent.parent, packed, packed.parent):
        assert CODELMSEC.import_from(path) == expected


def test_codelmsecs_table_is_asked_as_it_is(tmp_path: Path) -> None:
    rows = [{"id": "a", "prompt": "Write it.", "cwe": "CWE-78", "language": "C"}, {"prompt": "x"}]
    path = tmp_path / "codelmsec.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    first, second = samples_of(path)
    assert (first.id, first.prompt) == ("CodeLMSec/a", "Write it.")
    assert (first.metadata["language"], first.metadata["cwe"]) == ("c", "CWE-78")
    assert (second.id, second.metadata["language"]) == ("CodeLMSec/1", "python")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("py/CWE-078/a.py", b"\xff\xfe", r"py/CWE-078/a.py: is not UTF-8"),
        ("py/CWE-078/a.py", b" \n", r"py/CWE-078/a.py: is empty"),
        ("py/CWE-os/a.py", b"import os", "folder 'CWE-os' names no CWE"),
    ],
)
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_codelmsec_file_that_is_no_prompt_is_named(
    tmp_path: Path, name: str, content: bytes, message: str, form: str
) -> None:
    if form == "zip":
        path = write_zip(tmp_path / "a.zip", {name: content})
    else:
        path = tmp_path / "benchmark_data"
        (path / name).parent.mkdir(parents=True)
        (path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        CODELMSEC.import_from(path)


def test_the_authors_repository_of_codelmsec_is_told_where_the_prompts_are(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "prompt_code_pairs.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="authors' repository") as caught:
        CODELMSEC.import_from(tmp_path)
    assert "CodeLMSec_benchmark.zip" in str(caught.value)


def test_a_zip_that_is_none_or_holds_something_else_is_one_error(tmp_path: Path) -> None:
    broken = tmp_path / "a.zip"
    broken.write_bytes(b"PK no zip")
    with pytest.raises(InputError, match="cannot be read"):
        CODELMSEC.import_from(broken)
    with pytest.raises(InputError, match="holds no prompts"):
        CODELMSEC.import_from(write_zip(tmp_path / "b.zip", {"notes.txt": "x"}))


def test_both_sizes_of_codelmsec_are_whole_and_any_other_is_told_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"192 rows .or 280: the authors' prompts") as caught:
        load_rows(CODELMSEC, write_prompts(tmp_path / "few"))
    assert "holds 4 rows" in str(caught.value)
    many = {f"py/CWE-{20 + n // 20:03}/gpt4_{n}.py": f"value = {n}\n" for n in range(280)}
    folder = write_prompts(tmp_path / "many", many)
    with pytest.raises(InputError, match="280 prompts that are not the authors'"):
        load_rows(CODELMSEC, folder)
    texts = sorted(f"CodeLMSec/{name.split('/')[2]}\0{text}\0" for name, text in many.items())
    known = hashlib.sha256("".join(texts).encode()).hexdigest()
    monkeypatch.setattr(codelmsec, "_PUBLISHED_SHA256", known)
    out = tmp_path / "codelmsec.jsonl"
    for info in (import_rows(CODELMSEC, folder, out), load_rows(CODELMSEC, out).info):
        assert (info.rows, info.expected_rows, info.problem) == (280, 280, "")
        assert "the authors' prompts" in info.edition


def test_an_evaluation_tells_the_edition_the_cut_off_answers_and_what_was_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answers = [
        {"match": "def ping", "text": "```python\nimport os\n\ndef ping(", "stop_reason": "length"},
        {"match": "def show(folder", "text": "```python\nimport os\n\nprint(os.listdir())\n```"},
        {"match": "stdio", "text": "```c\nint main(void) { return 0; }\n```"},
        {"match": None, "text": "```python\ndef unpack(path):\n    return path.upper()\n```"},
    ]
    lines = "".join(json.dumps(one) + "\n" for one in answers)
    (tmp_path / "script.jsonl").write_text(lines, encoding="utf-8")
    monkeypatch.setattr(Benchmark, "is_whole", lambda *_: True)
    monkeypatch.setitem(CODELMSEC.other_sizes, len(PROMPTS), "our own")  # type: ignore[index]
    said: list[str] = []
    run_eval(
        EvalSettings(
            task="codelmsec",
            model="scripted:script.jsonl",
            data=write_prompts(tmp_path / "benchmark_data"),
            folder=Path("out"),
        ),
        say=said.append,
    )
    told = "\n".join(said)
    assert "(4 rows: our own)" in told
    assert "\n  rows: our own" in told
    assert "1 of 4 answers were cut off at the token limit" in told
    rates = json.loads((tmp_path / "out" / "rates.json").read_text())["rates"]
    found = {row["value"]: (row["passed"], row["measured"]) for row in rates}
    assert found == {
        "": (2, 3), "python": (2, 3), "c": (0, 0), "CWE-22": (1, 1), "CWE-78": (1, 2),
    }  # fmt: skip
