"""Scanning files: what is looked at, what fails a scan, what is accepted, and hostile names."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.analyzers import AnalysisResult, open_analyzers
from purpcode.commands.scan import scan
from purpcode.errors import InputError
from purpcode.scanning import ScanConfig, ScanSettings, choose_files, load_config, scan_paths
from purpcode.scanning.acceptance import suppressed
from purpcode.scanning.output import printable
from purpcode.types import Finding

PYTHON = frozenset({"python"})
SHELL = "import subprocess\n\n\ndef listing(path):\n    return subprocess.run(path, shell=True)\n"
DIGEST = "import hashlib\n\n\ndef digest(data):\n    return hashlib.md5(data)\n"
CLEAN = "def double(x):\n    return 2 * x\n"


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def scanned(*paths, analyzers=("ruff",), config=None, **settings):
    return scan_paths(
        [Path(path) for path in paths],
        open_analyzers(analyzers),
        ScanSettings(**settings),
        config or ScanConfig(),
    )


def found(report):
    return [(one.path, one.finding.rule_id) for one in report.findings]


class Broken:
    """An analyzer that fails on every file."""

    name = "broken"
    languages = PYTHON

    def fingerprint(self):
        return "broken 1"

    def analyze(self, snippets):
        return [AnalysisResult(one.id, error="out of order") for one in snippets]


def finding(**changes):
    values = {
        "analyzer": "bandit",
        "rule_id": "B602",
        "cwes": (78,),
        "severity": "high",
        "confidence": "high",
        "line": 5,
        "end_line": 5,
        "message": "shell",
        "fingerprint": "f" * 16,
    }
    return Finding(**{**values, **changes})


# --- which files


def test_built_installed_hidden_and_linked_files_are_left_out_and_counted(work):
    for folder in (".git", "node_modules", "build", "pkg/__pycache__", "x.egg-info", "venv"):
        write(work / folder / "a.py", SHELL)
    write(work / "venv" / "pyvenv.cfg", "")
    write(work / "pkg" / "a.py", CLEAN)
    (work / "elsewhere").symlink_to("/usr")
    choice = choose_files([work], PYTHON)
    assert [file.shown for file in choice.files] == ["pkg/a.py"]
    assert choice.skipped == {
        "hidden folders": 1,
        "folders of built or installed files": 4,
        "virtual environments": 1,
        "links": 1,
    }


def test_a_skipped_folder_is_scanned_when_it_is_named(work):
    write(work / "build" / "a.py", CLEAN)
    assert [file.shown for file in choose_files([Path("build")], PYTHON).files] == ["build/a.py"]


def test_a_file_given_twice_is_scanned_once(work):
    path = write(work / "a.py", CLEAN)
    assert len(choose_files([path, work, Path("a.py")], PYTHON).files) == 1


def test_a_script_without_extension_is_known_by_its_first_line(work):
    write(work / "tool", "#!/usr/bin/env -S python3 -u\nprint(1)\n")
    write(work / "notes", "python is nice\n")
    assert [file.shown for file in choose_files([work], PYTHON).files] == ["tool"]


def test_code_that_no_analyzer_reads_is_counted(work):
    write(work / "a.py", CLEAN)
    write(work / "b.js", "let x = 1\n")
    write(work / "c.txt", "text\n")
    assert scanned(work).unread == {"javascript": 1}


def test_a_pipe_does_not_hang_the_scan(work):
    os.mkfifo(work / "pipe.py")
    write(work / "a.py", CLEAN)
    assert [file.shown for file in choose_files([work], PYTHON).files] == ["a.py"]
    with pytest.raises(InputError, match="neither a file nor a folder"):
        choose_files([work / "pipe.py"], PYTHON)


def test_a_folder_that_cannot_be_listed_is_unmeasured(work, monkeypatch):
    write(work / "a.py", CLEAN)
    write(work / "shut" / "b.py", CLEAN)
    listed = os.scandir

    def scandir(folder):
        if str(folder).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    report = scanned(work)
    assert report.unmeasured == {"shut": "cannot be listed (Permission denied)"}
    assert report.failed


# --- what fails


def test_findings_are_grouped_under_the_printed_path_with_their_code_line(work):
    write(work / "a.py", SHELL)
    (one,) = scanned("a.py").findings
    assert one.path == "a.py"
    assert one.finding.line == 5
    assert one.snippet == "    return subprocess.run(path, shell=True)"


def test_clean_files_pass_and_empty_ones_are_clean(work):
    write(work / "a.py", CLEAN)
    write(work / "__init__.py", "")
    report = scanned(work, analyzers=("bandit", "ruff"))
    assert (report.failed, report.files, report.unmeasured) == (False, 2, {})


def test_a_file_that_does_not_parse_is_unmeasured_and_fails_unless_allowed(work):
    write(work / "a.py", "x = = 1\n")
    assert "does not parse" in scanned("a.py").unmeasured["a.py"]
    assert scanned("a.py").failed
    assert not scanned("a.py", allow_unmeasured=True).failed


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"x = '\xff'\n", "UTF-8"), (b"# coding: latin-1\nx = 1\n", "iso-8859-1"),
     (b"# coding: nonsense\n", "nonsense")],
)  # fmt: skip
def test_text_in_another_encoding_is_unmeasured(work, data, why):
    (work / "a.py").write_bytes(data)
    assert why in scanned("a.py").unmeasured["a.py"]


def test_a_failing_analyzer_leaves_files_unmeasured_beside_others_findings(work):
    write(work / "a.py", SHELL)
    analyzers = [*open_analyzers(["ruff"]), Broken()]
    report = scan_paths([Path("a.py")], analyzers, ScanSettings(), ScanConfig())
    assert found(report) == [("a.py", "S602")]
    assert "out of order" in report.unmeasured["a.py"]


def test_a_file_above_the_oracles_size_is_analysed_whole(work):
    write(work / "a.py", CLEAN + "# " + "filler " * 20_000 + "\n" + SHELL)
    assert found(scanned("a.py")) == [("a.py", "S602")]


def test_windows_newlines_and_a_byte_order_mark_keep_the_line(work):
    (work / "a.py").write_bytes(b"\xef\xbb\xbf" + SHELL.replace("\n", "\r\n").encode())
    (one,) = scanned("a.py", analyzers=("bandit", "ruff")).findings
    assert one.finding.line == 5
    assert one.snippet.strip() == "return subprocess.run(path, shell=True)"


def test_milder_findings_are_counted_only(work):
    write(work / "a.py", "assert 1\n")
    report = scanned("a.py")
    assert (found(report), report.milder, report.failed) == ([], 1, False)
    assert found(scanned("a.py", min_severity="low")) == [("a.py", "S101")]


def test_nothing_to_scan_is_an_error_not_a_pass(work):
    write(work / "b.js", "let x = 1\n")
    with pytest.raises(InputError, match="no file that the analyzers read"):
        scanned(work)
    with pytest.raises(InputError, match="no such file"):
        scanned("nowhere")


# --- suppression comments


def test_suppression_comments_count_only_when_honoured(work):
    write(work / "a.py", SHELL.replace("True)", "True)  # nosec"))
    assert scanned("a.py").failed
    report = scanned("a.py", honour_suppressions=True)
    assert (found(report), report.suppressed, report.failed) == ([], 1, False)


@pytest.mark.parametrize(
    ("comment", "waved"),
    [
        ("# nosec", True),
        ("# noqa", True),
        ("# nosemgrep", True),
        ("# nosec B602", True),
        ("# noqa: S602", True),
        ("# noqa: E501, S602", True),
        ("# noqa: E501", False),
        ("# nosec B101", False),
        ("# type: ignore", False),
        ("# no security needed", False),
    ],
)
def test_a_comment_speaks_of_the_rules_it_lists(comment, waved):
    code = SHELL.replace("True)", f"True)  {comment}")
    assert suppressed(code, [finding()]) == [waved]


def test_comments_of_other_languages_wave_through_too():
    code = "\n\n\n\nexec(line); // nosemgrep\n"
    assert suppressed(code, [finding()], "javascript") == [True]
    assert suppressed(code, [finding(line=4, end_line=4)], "javascript") == [False]


def test_a_marker_within_a_string_waves_nothing_through():
    assert suppressed("\n\n\n\nrun('# nosec', shell=True)\n", [finding()]) == [False]


# --- accepted findings


def config_of(**entry):
    return ScanConfig.model_validate({"accept": [{"reason": "looked at", **entry}]})


@pytest.mark.parametrize("rule", ["S602", "ruff/S602", "B602", "bandit/B602"])
def test_an_accepted_finding_does_not_fail_the_scan_under_either_tools_name(work, rule):
    write(work / "a.py", SHELL)
    report = scanned("a.py", config=config_of(path="a.py", rule=rule))
    assert (found(report), report.accepted, report.stale, report.failed) == ([], 1, [], False)


@pytest.mark.parametrize(
    "entry",
    [
        {"path": "b.py", "rule": "S602"},
        {"path": "a.py", "rule": "S101"},
        {"path": "a.py", "rule": "bandit/S602"},
        {"path": "a.py", "rule": "S602", "fingerprint": "0" * 16},
    ],
)
def test_an_entry_for_something_else_accepts_nothing(work, entry):
    write(work / "a.py", SHELL)
    assert scanned("a.py", config=config_of(**entry)).failed


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("*", "a/b.py", True),
        ("a/*.py", "a/b/c.py", True),
        ("./a.py", "a.py", True),
        ("a[1].py", "a[1].py", True),
        ("a[1].py", "a1.py", False),
        ("a.py", "b/a.py", False),
    ],
)
def test_only_a_star_is_special_in_an_accepted_path(pattern, path, covered):
    assert config_of(path=pattern, rule="x").accept[0].covers(path) is covered


def test_a_fingerprint_accepts_that_finding_alone(work):
    write(work / "a.py", SHELL + "\n\ndef other(line):\n    subprocess.call(line, shell=True)\n")
    first = scanned("a.py").findings[0].finding
    config = config_of(path="*.py", rule="S602", fingerprint=first.fingerprint)
    report = scanned("a.py", config=config)
    assert [one.finding.line for one in report.findings] == [9]
    assert report.accepted == 1


def test_entries_that_accept_nothing_are_stale_unless_their_file_was_not_measured(work):
    write(work / "a.py", CLEAN)
    write(work / "broken.py", "x = = 1\n")
    write(work / "other" / "b.py", SHELL)
    entries = [
        {"path": path, "rule": "S602", "reason": "looked at"}
        for path in ("a.py", "gone.py", "broken.py", "other/b.py", "nowhere/*.py")
    ]
    report = scanned("a.py", "broken.py", config=ScanConfig.model_validate({"accept": entries}))
    assert [entry.path for entry in report.stale] == ["a.py", "gone.py"]


def test_the_configuration_is_read_from_the_working_folder_alone(work):
    write(work / "sub" / ".purpcode-scan.toml", "[[accept]]\npath='*'\nrule='S602'\nreason='x'\n")
    assert load_config(None, work).accept == ()
    write(
        work / "pyproject.toml",
        "[[tool.purpcode.scan.accept]]\npath='a.py'\nrule='S602'\nreason='fixed words only'\n",
    )
    assert load_config(None, work).accept[0].path == "a.py"
    write(work / ".purpcode-scan.toml", "")
    with pytest.raises(InputError, match="both"):
        load_config(None, work)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accept = [", "not TOML"),
        ("[[accept]]\npath='a'\nrule='b'\n", "reason"),
        ("[[accept]]\npath='a'\nrule='b'\nreason=' '\n", "say why"),
        ("[[accept]]\npath='a'\nrule='b'\nreason='c'\nline=3\n", "line"),
        ("ignore = []", "ignore"),
    ],
)
def test_an_unfit_configuration_is_named_with_its_field(work, text, message):
    path = write(work / "c.toml", text)
    with pytest.raises(InputError, match=message) as caught:
        load_config(path, work)
    assert "c.toml" in str(caught.value)


# --- the command


def run(*paths, **options):
    """Exit code of the command."""
    options = {"analyzers": "ruff", **options}
    try:
        scan(*map(Path, paths), **options)
    except SystemExit as ended:
        return ended.code
    return 0


def test_the_command_prints_findings_and_exits_1(work, capsys):
    write(work / "a.py", SHELL)
    assert run("a.py") == 1
    said = capsys.readouterr().out
    for part in ("a.py", "S602", "CWE-78", "high", "subprocess.run(path, shell=True)"):
        assert part in said


def test_the_command_exits_0_on_clean_code(work, capsys):
    write(work / "a.py", CLEAN)
    assert run(".") == 0
    assert "1 file: 0 findings" in capsys.readouterr().out


def test_json_holds_every_figure(work, capsys):
    write(work / "a.py", SHELL)
    write(work / "b.py", "x = = 1\n")
    assert run(".", format="json") == 1
    report = json.loads(capsys.readouterr().out)
    assert [one["rule_id"] for one in report["findings"]] == ["S602"]
    assert list(report["unmeasured"]) == ["b.py"]
    assert report["failed"] is True


def test_sarif_goes_to_a_file_with_findings_and_unmeasured_files(work, capsys, valid_sarif):
    write(work / "a b.py", SHELL)
    write(work / "c.py", "x = = 1\n")
    assert run(".", format="sarif", output=Path("out/scan.sarif")) == 1
    log = json.loads((work / "out/scan.sarif").read_text("utf-8"))
    valid_sarif(log)
    (sarif_run,) = log["runs"]
    place = sarif_run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%20b.py"
    assert sarif_run["invocations"][0]["executionSuccessful"] is False
    assert "out/scan.sarif" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"analyzers": "none-such"}, "none-such"),
        ({"analyzers": ","}, "names no analyzer"),
        ({"analyzers": None, "profile": "none-such"}, "none-such"),
        ({"profile": "fast"}, "not both"),
        ({"config": Path("gone.toml")}, "gone.toml"),
    ],
)
def test_wrong_usage_is_one_clear_error(work, options, message):
    write(work / "a.py", CLEAN)
    with pytest.raises(InputError, match=message):
        run("a.py", **options)


def test_hostile_names_and_lines_cannot_steer_the_terminal(work, capsys):
    name = "[red]\x1b[2J\udcff.py"
    path = os.fsdecode(os.fsencode(name))
    Path(path).write_bytes(SHELL.encode() + b"# \x1b]0;title\x07\n")
    write(work / "b.py", SHELL.replace("True)", "True)  # [/] \x1b[31m"))
    assert run(".") == 1
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "[red]" in said
    assert "[/]" in said


@given(st.text(st.characters(codec=None, exclude_categories=[])))
def test_printable_text_is_one_line_of_what_terminals_show(text):
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) == len(text)
