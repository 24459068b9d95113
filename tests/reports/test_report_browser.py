"""The pages in a real browser: speed with ten thousand samples, and hostile answers."""

import json
import re
import shutil
import subprocess
import time

import pytest

from purpcode.reports import compare_models, read_sides, write_comparison

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on PATH")

HOSTILE = (
    "</script><script>document.title='owned'</script><!-- <script> &lt;b&gt; "
    "<img src=x onerror=alert(1)> \u202e\u2066 \x1b[31m {{ 7*7 }}"
)


def browse(page, tmp_path, *flags):
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic"]
    quiet += ["--disable-background-networking", "--disable-sync", "--disable-component-update"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [CHROMIUM, *quiet, *flags, profile, "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return done.stdout.decode("utf-8")


def scripted(page, script):
    """The page with a script of ours at its end, which its security policy would forbid."""
    source = page.read_text(encoding="utf-8")
    source = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", source)
    page.write_text(source.replace("</body>", f"<script>{script}</script></body>"), "utf-8")
    return page


def compared(
    tmp_path, build, count, text, passed=lambda side, i: side == 1 or i % 2 == 0, labelled=""
):
    folders = [
        build.write_evaluation(
            tmp_path / label,
            label + labelled,
            [
                build.scored(f"s{i}", passed(side, i), text=text, prompt=f"{text[:200]} {i}")
                for i in range(count)
            ],
        )
        for side, label in enumerate(("base", "tuned"))
    ]
    return write_comparison(compare_models(read_sides(*folders)), tmp_path / "out").html


def test_ten_thousand_samples_are_browsable_within_seconds(tmp_path, build):
    page = compared(tmp_path, build, 10_000, "Prose.")
    scripted(page, "document.title = Math.round(performance.now())")
    started = time.monotonic()
    dom = browse(page, tmp_path)
    wall_s = time.monotonic() - started
    assert "1–25 of 5,000 matching, 10,000 in all" in dom
    interactive_ms = int(re.search(r"<title>(\d+)", dom)[1])
    assert interactive_ms < 15_000, f"{interactive_ms} ms to interactive, {wall_s:.0f} s in all"


def test_hostile_answers_stay_text_and_show_what_they_hide(tmp_path, build):
    text = f"{HOSTILE}\n\n```python\nx = 1  # {HOSTILE}\n```"
    page = compared(tmp_path, build, 3, text, labelled="\u202e\x1b")
    dom = browse(page, tmp_path)
    assert "<title>owned" not in dom
    assert "<img" not in dom
    listed = dom[dom.index('id="list"') : dom.index('id="pager"')]
    assert "‹U+202E›‹U+2066› ‹U+001B›[31m" in listed
    assert not re.search("[\u202e\u2066\x1b]", dom)


def test_a_page_can_be_used_by_keyboard_and_names_its_parts(tmp_path, build):
    page = compared(tmp_path, build, 60, "Prose.")
    dom = browse(page, tmp_path)
    scrolling = re.findall(r'<div class="scroll"[^>]*>', dom)
    assert scrolling
    assert all('tabindex="0"' in one and "aria-label" in one for one in scrolling)
    controls = re.findall(r"<(?:select|input)[^>]*>", dom)
    labelled = re.findall(r"<label[^>]*>[^<]*<(?:select|input)", dom)
    assert len(controls) == len(labelled) >= 4
    assert 'class="skip"' in dom


STATES = [(False, True)] * 5 + [(True, False)] * 4 + [(True, None)] * 3 + [(None, False)] * 2
STATES += [(False, False)] * 6 + [(None, None)]


def test_every_filter_shows_the_samples_it_names(tmp_path, build):
    page = compared(tmp_path, build, len(STATES), "Prose.", passed=lambda side, i: STATES[i][side])
    scripted(
        page,
        """
        const kind = document.querySelector("select[name=kind]");
        const found = {};
        for (const option of kind.options) {
          kind.value = option.value;
          kind.dispatchEvent(new Event("input", { bubbles: true }));
          found[option.value] = document.getElementById("count").textContent;
        }
        document.title = JSON.stringify(found);
        """,
    )
    title = re.search("<title>(.*?)</title>", browse(page, tmp_path))[1]
    found = {
        name: re.search(r"of (\d+) matching", said) for name, said in json.loads(title).items()
    }
    assert {name: int(hit[1]) if hit else 0 for name, hit in found.items()} == {
        "flips": 9,
        "fixed": 5,
        "regressed": 4,
        "newly unmeasured": 3,
        "newly measured": 2,
        "only in the first": 0,
        "only in the second": 0,
        "failed twice": 6,
        "failed": 12,
        "unmeasured": 6,
        "all": 21,
    }
