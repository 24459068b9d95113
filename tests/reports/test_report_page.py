import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from purpcode.errors import InputError
from purpcode.reports import write_report
from purpcode.reports.model_card import model_card

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)> {{ 7*7 }}"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Page(HTMLParser):
    """Collects the tags of a page and the content of its data blocks."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.data, self._into = [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._into = dict(attributes).get("id") if tag == "script" else None

    def handle_endtag(self, tag):
        self._into = None

    def handle_data(self, data):
        if self._into:
            self.data[self._into] = self.data.get(self._into, "") + data


def page_of(paths):
    return Page(paths.html.read_text(encoding="utf-8"))


@pytest.fixture
def hostile_run(tmp_path, build):
    folder = tmp_path / "run"
    everywhere = {
        "prompt": HOSTILE,
        "text": f"```python\n{HOSTILE}\n```",
        "metadata": {"rule": HOSTILE, "strategy": [HOSTILE]},
    }
    build.write_eval(folder, "base", [build.scored(HOSTILE, False, **everywhere)], judge=HOSTILE)
    build.write_stages(folder)
    (folder / "recipe.lock.json").write_text(
        json.dumps({"recipe": {"name": HOSTILE}, "x": HOSTILE})
    )
    stage = {"stage": HOSTILE, "state": HOSTILE, "counts": {HOSTILE: HOSTILE}, "notes": [HOSTILE]}
    (folder / "rl" / "stage.json").write_text(json.dumps(stage))
    return folder


def test_the_page_shows_rates_intervals_unmeasured_counts_and_p_values(run_dir, tmp_path):
    text = write_report(run_dir, tmp_path / "out").html.read_text(encoding="utf-8")
    for piece in ("Writes secure code", "95% CI", "unmeasured:", "fixed,", "regressed", "p &lt; 0"):
        assert piece in text
    assert "mixed in 24 written demonstrations" in text
    assert "heuristic (kappa 0.78" in text
    assert "not a model" in text


def test_the_page_asks_the_network_for_nothing(run_dir, tmp_path):
    page = page_of(write_report(run_dir, tmp_path / "out"))
    for tag, attributes in page.tags:
        assert tag not in {"link", "iframe", "img", "object", "embed", "base"}
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_hostile_text_stays_text(hostile_run, tmp_path):
    page = page_of(write_report(hostile_run, tmp_path / "out"))
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert [a.get("type") for a in scripts] == ["application/json", "application/json", None]
    assert not any(tag == "img" for tag, _ in page.tags)
    (sample,) = json.loads(page.data["samples-0"])
    assert sample["prompt"][0]["text"] == HOSTILE
    assert sample["answers"][0]["parts"][0]["code"] == HOSTILE
    assert "<" not in page.data["samples-0"] + page.data["samples-index"]


def test_hostile_text_stays_text_in_markdown(hostile_run, tmp_path):
    text = write_report(hostile_run, tmp_path / "out").markdown.read_text(encoding="utf-8")
    assert "\\</script\\>" in text
    assert not re.search(r"(?<!\\)<(?!br>)", text)


def browse(page, tmp_path):
    """The page's DOM after its script ran, from a real browser."""
    quiet = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
    quiet += ["--disable-quic", "--disable-component-update", "--no-sandbox"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [CHROMIUM, "--headless", *quiet, profile, "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return done.stdout.decode("utf-8")


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on PATH")
def test_a_real_browser_runs_our_script_and_not_the_models(hostile_run, tmp_path):
    dom = browse(write_report(hostile_run, tmp_path / "out").html, tmp_path)
    page = Page(dom)
    assert "<title>owned" not in dom
    assert not any(tag == "img" for tag, _ in page.tags)
    listed = dom[dom.index('id="list"') : dom.index('id="pager"')]
    assert "&lt;/script&gt;&lt;script&gt;document.title" in listed
    assert 'class="row hit"' not in listed  # the finding's line 6 lies beyond this one-line code
    assert "line 6 of the code as judged" in listed


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on PATH")
def test_a_real_browser_lists_the_flips_and_highlights_findings(run_dir, tmp_path):
    paths = write_report(run_dir, tmp_path / "out")
    dom = browse(paths.html, tmp_path)
    flips = sum(
        r.comparisons[2].test.fixed + r.comparisons[2].test.regressed for r in paths.table.rows
    )
    assert f"1–25 of {flips} matching, {paths.table.samples} in all" in dom
    assert dom.count('<details class="sample"') == 25
    assert dom.count('class="row hit"') == 1
    assert "CWE-78" in dom


def test_report_json_has_every_figure_under_a_schema_version(run_dir, tmp_path):
    paths = write_report(run_dir, tmp_path / "out")
    figures = json.loads(paths.data.read_text(encoding="utf-8"))
    assert figures["schema_version"] == 1
    row, shown = figures["rows"][0], paths.table.rows[0]
    assert row["models"]["rl"]["passed"] == shown.cells[2].rate.passed
    assert row["models"]["rl"]["interval"] == list(shown.cells[2].rate.interval)
    assert row["comparisons"]["rl"]["adjusted_p_value"] == shown.comparisons[2].adjusted_p
    assert len(figures["stages"]) == 7
    assert len(figures["metrics"]["rl"]) == 40
    assert figures["recipe_lock"]["seed"] == 7


def test_what_is_unmeasured_is_never_shown_as_a_rate(tmp_path, build):
    build.write_eval(tmp_path, "base", [build.scored("a", None), build.scored("b", None)])
    paths = write_report(tmp_path, tmp_path / "out")
    text = paths.html.read_text(encoding="utf-8")
    assert "not measured" in text
    assert "0.0%" not in text
    assert "not measured (0 of 2)" in paths.markdown.read_text(encoding="utf-8")
    assert json.loads(paths.data.read_text())["rows"][0]["models"]["base"]["rate"] is None


def test_a_run_with_only_an_evaluation_has_a_report(tmp_path, build):
    build.write_eval(tmp_path, "base", [build.scored("a", True)])
    text = write_report(tmp_path, tmp_path / "out").html.read_text(encoding="utf-8")
    assert "measured alone" in text
    assert "recipe.lock.json is missing" in text
    assert 'id="training"' not in text


def test_models_of_different_oracles_get_no_report(tmp_path, build):
    build.write_eval(tmp_path, "base", [build.scored("a", True)])
    build.write_eval(tmp_path, "rl", [build.scored("a", True)], oracle_fingerprints={"x": "1"})
    with pytest.raises(InputError, match="different oracles"):
        write_report(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_format_says_which_edition_of_the_rows_was_asked(tmp_path, build):
    data = {"source": "rows.json", "rows": 2, "expected_rows": 2, "digest": "d1"}
    edition = "the second edition <b>"
    folder = tmp_path / "run"
    build.write_eval(folder, "base", [build.scored("a", True)], data={**data, "edition": edition})
    build.write_eval(folder, "rl", [build.scored("a", True)], data=data)
    paths = write_report(folder, tmp_path / "out")
    page = paths.html.read_text(encoding="utf-8")
    assert "data rows.json, 2 of 2 rows (the second edition &lt;b&gt;), digest d1" in page
    assert "data rows.json, 2 of 2 rows, digest d1" in page
    for text in (paths.markdown.read_text(encoding="utf-8"), model_card(paths.sections)):
        assert text.count("rows (the second edition \\<b\\>), digest d1") == 1
        assert text.count("2 of 2 rows, digest d1") == 1
