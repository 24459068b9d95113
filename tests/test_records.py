"""Records on disk: located errors, journals that survive kills and full disks, whole files."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from purpcode.errors import InputError, PurpcodeError
from purpcode.records import (
    Journal,
    iter_records,
    parse_record,
    read_records,
    write_json_atomic,
    write_records,
    write_text_atomic,
)

FORK = textwrap.dedent(
    """
    import resource, sys
    from pathlib import Path
    from pydantic import BaseModel
    from purpcode.errors import PurpcodeError
    from purpcode.records import Journal, write_text_atomic

    class Row(BaseModel):
        number: int
        text: str = ""

    path = Path(sys.argv[1])
    """
)


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    depth: int


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: int
    text: str = ""
    inner: Inner | None = None


def rows(*numbers: int) -> list[Row]:
    return [Row(number=number) for number in numbers]


def run_python(body: str, path: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", FORK + textwrap.dedent(body), str(path)],
        capture_output=True, text=True, timeout=30, check=False, **more,
    )  # fmt: skip


# --- reading ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        ('{"number": "x"}', "number", "valid integer"),
        ('{"text": "x"}', "number", "required"),
        ('{"number": 1, "colour": 2}', "colour", "not permitted"),
        ('{"number": 1, "inner": {"depth": "deep"}}', "inner.depth", "valid integer"),
        ('{"number": 1', None, "malformed JSON"),
        ("[1, 2]", None, "object"),
    ],
)
def test_bad_record_is_named_by_file_line_and_field(
    tmp_path: Path, line: str, field: str | None, message: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"number": 1}}\n\n{line}\n{{"number": 4}}\n', encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_records(path, Row)
    assert (caught.value.path, caught.value.line, caught.value.field) == (path, 3, field)
    assert str(caught.value).startswith(f"{path}:3: ")


def test_missing_folder_and_binary_files_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_records(tmp_path / "nowhere.jsonl", Row)
    with pytest.raises(InputError, match="cannot be read"):
        read_records(tmp_path, Row)
    (tmp_path / "binary").write_bytes(b'{"number": 1}\n\xff\xfe\n')
    with pytest.raises(InputError, match="not UTF-8"):
        read_records(tmp_path / "binary", Row)


def test_reading_is_lazy_up_to_the_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"number": 1}\n{"number": 2}\nbroken\n', encoding="utf-8")
    reader = iter_records(path, Row)
    assert [next(reader).number, next(reader).number] == [1, 2]
    with pytest.raises(InputError):
        next(reader)


def test_error_of_a_text_without_a_place_still_names_the_field() -> None:
    with pytest.raises(InputError, match=r"^field 'number': "):
        parse_record("{}", Row)


@given(st.lists(st.builds(Row, number=st.integers(), text=st.text()), max_size=8))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_survives_writing_and_reading(tmp_path: Path, records: list[Row]) -> None:
    path = tmp_path / "rows.jsonl"
    write_records(path, records)
    assert read_records(path, Row) == records
    assert path.read_text(encoding="utf-8").count("\n") == len(records)


# --- whole files ------------------------------------------------------------------------------


def test_atomic_write_makes_folders_and_replaces_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deeper" / "state.json"
    write_json_atomic(path, {"ä": 1})
    write_json_atomic(path, {"ä": 2})
    assert json.loads(path.read_text(encoding="utf-8")) == {"ä": 2}
    assert path.stat().st_mode & 0o777 == 0o644
    assert [entry.name for entry in path.parent.iterdir()] == ["state.json"]


def test_failed_write_leaves_the_old_file_and_no_debris(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    write_text_atomic(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PurpcodeError, match="No space left") as caught:
        write_text_atomic(path, "new")
    assert "--runs-dir" in (caught.value.hint or "")
    assert path.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_failed_rename_leaves_the_old_file_and_no_debris(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    write_text_atomic(path, "old")

    def refused(self: Path, target: Path) -> None:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(PurpcodeError, match="Permission denied"):
        write_text_atomic(path, "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_unencodable_text_leaves_the_old_file_and_no_debris(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_text_atomic(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text_atomic(path, "lone \ud800 surrogate")
    assert path.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_file_in_the_place_of_a_folder_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for write in (
        lambda: write_text_atomic(tmp_path / "file" / "state.json", "x"),
        lambda: Journal(tmp_path / "file" / "rows.jsonl", Row),
    ):
        with pytest.raises(PurpcodeError, match="cannot write"):
            write()


# --- journals ---------------------------------------------------------------------------------


def test_journal_gives_back_what_was_appended_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "rows.jsonl"
    with Journal(path, Row) as journal:
        journal.append(Row(number=1))
        journal.extend(rows(2, 3))
        assert [row.number for row in journal.records] == [1, 2, 3]
    with Journal(path, Row) as journal:
        assert journal.repaired == 0
        journal.append(Row(number=4))
    assert [row.number for row in read_records(path, Row)] == [1, 2, 3, 4]


def test_every_cut_of_a_journal_keeps_all_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_records(path, [Row(number=number, text="ß" * number) for number in range(4)])
    whole = path.read_bytes()
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = whole[:cut].count(b"\n")
        with Journal(path, Row) as journal:
            assert [row.number for row in journal.records] == list(range(kept))
            assert journal.repaired == cut - (whole[:cut].rfind(b"\n") + 1)
            journal.append(Row(number=99))
        assert [row.number for row in read_records(path, Row)] == [*range(kept), 99]


def test_broken_line_within_a_journal_is_an_error_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"number": 1}\nbroken\n{"number": 3}\n', encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(InputError, match=":2"):
        Journal(path, Row)
    assert path.read_bytes() == before


def test_kill_loses_no_record_whose_append_returned(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    body = """
    with Journal(path, Row) as journal:
        for number in range(10**9):
            journal.append(Row(number=number, text="x" * 300))
            print(number, flush=True)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", FORK + textwrap.dedent(body), str(path)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    for _ in range(50):
        child.stdout.readline()
    time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    said = [50, *map(int, child.stdout.read().split())]
    child.wait()
    with Journal(path, Row) as journal:
        numbers = [row.number for row in journal.records]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > max(said) - 1


FULL_DISK = """
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    try:
        with Journal(path, Row) as journal:
            for number in range(100):
                journal.append(Row(number=number, text="x" * 150))
    except PurpcodeError as error:
        print(len(journal.records), error)
"""


def test_full_disk_is_one_clear_error_and_the_journal_goes_on_after_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    run = run_python(FULL_DISK, path)  # the kernel refuses to grow the file, as on a full disk
    assert run.stderr == ""
    kept, _, message = run.stdout.partition(" ")
    assert "cannot write" in message
    assert "same command continues" in message
    with Journal(path, Row) as journal:
        assert journal.repaired == 0
        assert [row.number for row in journal.records] == list(range(int(kept)))
        journal.append(Row(number=100))
    assert len(read_records(path, Row)) == int(kept) + 1


def test_journal_in_use_goes_on_once_there_is_room_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    body = """
    with Journal(path, Row) as journal:
        journal.append(Row(number=1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        try:
            journal.extend([Row(number=2), Row(number=3, text="x" * 500)])
        except PurpcodeError:
            print("full")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        journal.append(Row(number=4))
    """
    run = run_python(body, path)
    assert (run.stdout, run.stderr) == ("full\n", "")
    assert [row.number for row in read_records(path, Row)] == [1, 4]


def test_full_disk_during_a_whole_file_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    body = """
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    write_text_atomic(path, "old")
    try:
        write_text_atomic(path, "new" * 5000)
    except PurpcodeError as error:
        print(error)
    """
    run = run_python(body, path)
    assert run.stderr == ""
    assert "cannot write" in run.stdout
    assert path.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_the_limit_that_stands_for_a_full_disk_stays_in_the_child() -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
