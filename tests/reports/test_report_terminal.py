import io
from pathlib import Path

from rich.console import Console

from purpcode.reports import build_table, print_summary, read_run


def printed(table, *, width=80, **options):
    console = Console(file=io.StringIO(), width=width, **options)
    print_summary(table, Path("runs/quickstart/report/report.html"), console)
    return console.file.getvalue()


def test_summary_fits_80_columns_and_a_pipe(run_dir):
    text = printed(build_table(read_run(run_dir).models))
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "\x1b" not in text
    assert "…" not in text
    for piece in ("base", "rule-learned", "rl", "p < 0.001", "unm.", "report.html"):
        assert piece in text


def test_labels_are_not_read_as_markup(build):
    samples = [build.scored("a", True)]
    table = build_table([build.model("[red]x[/nope]", samples)])
    assert "[red]x[/nope]" in printed(table, force_terminal=True, color_system=None)


def test_an_unmeasured_row_prints_no_rate(build):
    text = printed(build_table([build.model("base", [build.scored("a", None)])]))
    assert "not measured" in text
    assert "0 of 1" not in text
    assert "1 of 1" in text
    assert "0.0%" not in text
