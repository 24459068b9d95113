"""Importers of labelled sets, on small checkouts written here in the sets' formats."""

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.commands.analyzers import import_set
from purpcode.errors import InputError
from purpcode.evals.analyzer_accuracy import IMPORTERS, import_labelled, read_labelled
from purpcode.evals.analyzer_accuracy.cweval import unsafe_variants


def jsonl(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def fix(**changes):
    return {
        "func_src_before": "    def f(self):\n        return eval(x)\n",
        "func_src_after": "    def f(self):\n        return int(x)\n",
        "vul_type": "cwe-095",
        "file_name": "app/a.py",
        "line_changes": {},
        **changes,
    }


def test_a_fix_becomes_a_pair_without_the_indentation_of_its_class(tmp_path):
    jsonl(tmp_path / "train" / "cwe-095.jsonl", fix(), fix(file_name="a.c"), fix())
    rows = import_labelled("sven", tmp_path / "train")
    assert [row.label for row in rows] == ["insecure", "secure"] * 2
    assert [row.pair for row in rows] == ["train/cwe-095:1"] * 2 + ["train/cwe-095:3"] * 2
    assert {row.cwe for row in rows} == {(95,)}
    assert len({row.id for row in rows}) == 4
    for row in rows:
        ast.parse(row.code)


def test_insecure_completions_carry_the_cwe_of_their_id(tmp_path):
    row = {"ID": "CWE-020_author_1.py", "Prompt": "", "Insecure_code": "eval(x)\n"}
    jsonl(tmp_path / "dataset.jsonl", row)
    (one,) = import_labelled("securityeval", tmp_path)
    assert (one.label, one.cwe, one.code, one.pair) == ("insecure", (20,), "eval(x)\n", None)


def owasp(folder, table, **files):
    (folder / "testcode").mkdir()
    (folder / "expectedresults-0.1.csv").write_text(table)
    for name, code in files.items():
        (folder / "testcode" / f"{name}.py").write_text(code)
    return folder


def test_expected_results_label_the_test_cases(tmp_path):
    table = "# test name, category, real vulnerability, cwe\nT1,sqli,true,89\nT2,xss,false,79\n"
    owasp(tmp_path, table, T1="a = 1\n", T2="b = 1\n", helper="c = 1\n")
    rows = import_labelled("owasp-python", tmp_path)
    assert [(row.id, row.label, row.cwe) for row in rows] == [
        ("T1", "insecure", (89,)),
        ("T2", "secure", (79,)),
    ]


@pytest.mark.parametrize("line", ["T1,sqli,maybe,89", "T1,sqli", "T1,sqli,true,x", "T9,x,true,1"])
def test_a_row_of_expected_results_that_does_not_fit_is_named(tmp_path, line):
    owasp(tmp_path, f"{line}\n", T1="a = 1\n")
    with pytest.raises(InputError):
        import_labelled("owasp-python", tmp_path)


def test_a_name_in_expected_results_cannot_lead_out_of_the_folder(tmp_path):
    (tmp_path / "secret.py").write_text("")
    owasp(tmp_path, "../secret,x,true,1\n")
    with pytest.raises(InputError, match="testcode"):
        import_labelled("owasp-python", tmp_path)


TEST_FILE = """
import os
import pytest
from os import path as places
from cwe_022_0_task import read_file

LIMIT: int = 10
unused = os.environ


def shorten(text):
    return text[:LIMIT]


def read_file_unsafe_0(name):
    return shorten(open(places.join("base", name)).read())


@staticmethod
def read_file_unsafe_1(name):
    return read_file_unsafe_1


def test_read_file_unsafe_security(name):
    assert read_file_unsafe_0(name)
"""


def test_unsafe_variants_are_twins_of_the_reference_with_what_they_need(tmp_path):
    folder = tmp_path / "benchmark" / "core" / "py"
    folder.mkdir(parents=True)
    (folder / "cwe_022_0_task.py").write_text("def read_file(name):\n    return ''\n")
    (folder / "cwe_022_0_test.py").write_text(TEST_FILE)
    rows = import_labelled("cweval", tmp_path)
    assert [(row.label, row.cwe, row.pair) for row in rows] == [
        ("secure", (22,), "cwe_022_0"),
        ("insecure", (22,), "cwe_022_0"),
        ("insecure", (22,), "cwe_022_0"),
    ]
    first, second = rows[1].code, rows[2].code
    for needed in (
        "import path as places",
        "LIMIT: int = 10",
        "def shorten",
        "def read_file(name)",
    ):
        assert needed in first
    for unneeded in ("pytest", "unsafe", "unused", "def test_", "import os\n"):
        assert unneeded not in first
    assert second == "@staticmethod\ndef read_file(name):\n    return read_file\n"
    scope = {}
    exec(compile(first, "first", "exec"), scope)  # our own text above
    assert scope["shorten"]("x" * 20) == "x" * 10


@given(st.lists(st.sampled_from(["a = b\n", "def b(): return a\n", "def f_unsafe(): return b\n"])))
def test_variants_parse_also_where_definitions_need_each_other(lines):
    for _, code in unsafe_variants("".join(lines)):
        ast.parse(code)


@pytest.mark.parametrize("kind", IMPORTERS)
def test_a_folder_without_the_set_is_an_error(tmp_path, kind):
    with pytest.raises(InputError):
        import_labelled(kind, tmp_path)
    with pytest.raises(InputError, match="no such file"):
        import_labelled(kind, tmp_path / "gone")


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"func_src_after": None}, "func_src_after"), ({"vul_type": "none"}, "names no CWE")],
)
def test_a_row_that_does_not_fit_is_named_with_file_and_line(tmp_path, changes, message):
    jsonl(tmp_path / "a.jsonl", fix(), fix(**changes))
    with pytest.raises(InputError, match=message) as caught:
        import_labelled("sven", tmp_path)
    assert "a.jsonl:2" in str(caught.value)


def test_an_unknown_kind_names_the_known_ones(tmp_path):
    with pytest.raises(InputError, match="securityeval"):
        import_labelled("none-such", tmp_path)


def test_imported_rows_are_read_back_for_evaluation(tmp_path, capsys):
    jsonl(tmp_path / "a.jsonl", fix())
    out = tmp_path / "rows.jsonl"
    import_set("sven", tmp_path / "a.jsonl", out)
    assert [row.label for row in read_labelled(out)] == ["insecure", "secure"]
    assert "1 insecure and 1 secure" in capsys.readouterr().out
